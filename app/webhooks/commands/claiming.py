"""Deliveries are claimed for sending: while a lease lasts nobody else sends them, and after it somebody may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.limits import in_force

CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT next.id
    FROM webhook_endpoints AS endpoint
    CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.due_at FROM webhook_deliveries AS delivery
        WHERE delivery.endpoint_id = endpoint.id AND delivery.status = 'WAITING' AND delivery.due_at <= :now
        ORDER BY delivery.due_at, delivery.id LIMIT :each FOR NO KEY UPDATE SKIP LOCKED
    ) AS next
    WHERE endpoint.status = 'ACTIVE' AND (endpoint.failing_since IS NOT NULL) = :failing
        AND endpoint.id <> ALL (CAST(:busy AS bigint[]))
    ORDER BY next.due_at, next.id LIMIT :many
), claimed AS (
    UPDATE webhook_deliveries AS delivery
    SET due_at = :until, attempt_count = attempt_count + 1, tried = tried + 1
    FROM chosen WHERE chosen.id = delivery.id
    RETURNING delivery.id, delivery.endpoint_id, delivery.attempt_count
), noted AS (
    INSERT INTO webhook_attempts (delivery_id, number, attempted_at, created_at, updated_at)
    SELECT claimed.id, claimed.attempt_count, :now, :now, :now FROM claimed
)
SELECT id, endpoint_id, attempt_count FROM claimed ORDER BY id
"""
"""While it is leased a delivery is due when the lease ends, so one that was left in the middle is found again."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this process alone sends now, as its attempt of that number."""

    delivery_id: int
    endpoint_id: int
    attempt: int


async def claim(session: AsyncSession, many: int, *, each: int, failing: bool, busy: Iterable[int]) -> list[Claimed]:
    """Claim up to `many` deliveries that are due, up to `each` of one endpoint and none of those that are `busy`.

    Endpoints that are `failing` and others are claimed for apart, so that those that do not answer hold up no others.
    """
    if many <= 0:
        return []
    now = clock.now()
    values = {
        "now": now,
        "until": now + timedelta(seconds=in_force().webhook_lease_seconds_max),
        "many": many,
        "each": each,
        "failing": failing,
        "busy": list(busy),
    }
    return [Claimed(*row) for row in await session.execute(text(CLAIM), values)]
