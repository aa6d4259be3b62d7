"""Events become deliveries, each once for an endpoint, in the order of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.identity import unguessable_token
from app.kernel.locks import lock
from app.webhooks.tables import EndpointStatus, WebhookEndpoint

INSERT = """
WITH told AS (
    SELECT * FROM unnest(
        CAST(:endpoints AS bigint[]), CAST(:positions AS bigint[]), CAST(:events AS text[]), CAST(:keys AS text[]),
        CAST(:occurred AS timestamptz[]), CAST(:messages AS text[])
    ) WITH ORDINALITY AS each (endpoint_id, position, event, order_key, occurred_at, message_id, place)
), fresh AS (
    SELECT told.*, given.event_id,
        row_number() OVER (PARTITION BY told.endpoint_id, told.order_key ORDER BY told.place) AS turn
    FROM told JOIN outbox_positions AS given ON given.position = told.position
    WHERE NOT EXISTS (
        SELECT FROM webhook_deliveries AS known
        WHERE known.endpoint_id = told.endpoint_id AND known.event_id = given.event_id
    )
)
INSERT INTO webhook_deliveries
    (endpoint_id, message_id, event, event_id, position, order_key, occurred_at, status, due_at, created_at, updated_at)
SELECT fresh.endpoint_id, fresh.message_id, fresh.event, fresh.event_id, fresh.position, fresh.order_key,
    fresh.occurred_at, 'WAITING',
    CASE WHEN fresh.turn = 1 AND NOT EXISTS (
        SELECT FROM webhook_deliveries AS ahead
        WHERE ahead.endpoint_id = fresh.endpoint_id AND ahead.order_key = fresh.order_key AND ahead.status = 'WAITING'
    ) THEN CAST(:now AS timestamptz) END,
    :now, :now
FROM fresh ORDER BY fresh.place
"""
"""Only the first that waits under its key is due. Whoever settles it has the endpoint locked, as we have."""


@dataclass(frozen=True, slots=True)
class Due:
    """One event that is to be told to one endpoint, in turn with the others of its `order_key`."""

    endpoint_id: int
    position: int
    event: str
    order_key: str
    occurred_at: datetime


async def enqueue(session: AsyncSession, due: Sequence[Due]) -> int:
    """Note what is to be delivered, but for endpoints that were disabled meanwhile; answers how much that is."""
    if not due:
        return 0
    locked = await lock(session, WebhookEndpoint, {each.endpoint_id for each in due})
    active = {key for key, endpoint in locked.items() if endpoint.status is EndpointStatus.ACTIVE}
    wanted = [each for each in due if each.endpoint_id in active]
    values = {
        "endpoints": [each.endpoint_id for each in wanted],
        "positions": [each.position for each in wanted],
        "events": [each.event for each in wanted],
        "keys": [each.order_key for each in wanted],
        "occurred": [each.occurred_at for each in wanted],
        "messages": [new_message_id() for _ in wanted],
        "now": clock.now(),
    }
    await session.execute(text(INSERT), values)
    return len(wanted)


def new_message_id() -> str:
    """What a receiver knows a message by: no other ever has the same, also not after a restore."""
    return f"msg_{unguessable_token()}"
