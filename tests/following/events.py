"""Events that only the tests of following know, and the ways in which they come into the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from app.kernel.outbox import Event, record, write_outbox
from app.kernel.principal import SYSTEM

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


@dataclass(frozen=True, kw_only=True)
class LevelChanged(Event, name="tests.level_changed", keys=("level_id", "shelf_id")):
    """A level is another than before."""

    level_id: int
    shelf_id: int = 1
    before: int = 0
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class ScanAdded(Event, name="tests.scan_added", keys=("level_id",)):
    """Something was scanned."""

    level_id: int
    note: str = ""


async def commit(sessions: async_sessionmaker[AsyncSession], *events: Event) -> None:
    """Commit `events` in one transaction."""
    async with sessions() as session:
        for event in events:
            record(session, event, by=SYSTEM)
        await write_outbox(session)
        await session.commit()


async def level_ids(database_url: str) -> list[int]:
    """The levels of the log's events, in the order of positions."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT given.position, (event.facts->>'level_id')::int AS level FROM outbox_positions AS given"
            " JOIN outbox_events AS event ON event.id = given.event_id ORDER BY given.position"
        )
    finally:
        await connection.close()
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["level"] for row in rows]
