"""Where an endpoint begins in the log: each new one has a reader of its own until it has caught up with the others."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.event_log import decode_cursor
from app.kernel.outbox import OutboxLog
from app.kernel.reacting import LogReader
from app.kernel.refusal import Refusal
from app.webhooks.tables import WebhookEndpoint

READER = "webhooks"
"""The reader of the log that hands events to all endpoints together."""


class CursorExpired(Refusal):
    """Nothing can begin after this cursor: it is too old, of another log, or none. Read anew and begin from there."""


def reader_name(endpoint_id: int) -> str:
    """The reader that one endpoint has to itself; nothing is forgotten of the log before it was read."""
    return f"{READER}:{endpoint_id}"


async def begin(session: AsyncSession, endpoint: WebhookEndpoint, start_after: str | None) -> None:
    """Have an endpoint told what happens from now on, or after a cursor, which must be of this log and not too old."""
    log = await session.scalar(select(OutboxLog).execution_options(populate_existing=True))
    position = log.last_position if log else 0
    if start_after is not None:
        cursor = decode_cursor(start_after)
        known = cursor is not None and log is not None and cursor.epoch == log.epoch
        if cursor is None or log is None or not known:
            raise CursorExpired(field="start_after")
        if not log.pruned_position <= cursor.position <= log.last_position:
            raise CursorExpired(field="start_after")
        position = cursor.position
    endpoint.begins_after = start_after
    values = {"name": reader_name(endpoint.id), "position": position, "attempts": 0}
    told = insert(LogReader).values(values)
    await session.execute(told.on_conflict_do_update(index_elements=["name"], set_={"position": position}))


async def leave(session: AsyncSession, endpoint_id: int) -> None:
    """Give up the endpoint's own reader, if it has one still."""
    await session.execute(delete(LogReader).where(LogReader.name == reader_name(endpoint_id)))
