"""What is true of every database whose stock was only ever moved by the ledger."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

UNBALANCED = text("""
SELECT level.id, level.on_hand, level.held, moved.pieces AS moved, promised.pieces AS promised
FROM stock_levels AS level
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE WHEN to_location_id = level.location_id THEN quantity ELSE -quantity END), 0) AS pieces
    FROM stock_movements AS movement
    WHERE movement.product_id = level.product_id AND level.location_id IN (from_location_id, to_location_id)
) AS moved
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS pieces FROM stock_holds AS hold
    WHERE hold.stock_level_id = level.id AND hold.status = 'ACTIVE'
) AS promised
WHERE level.on_hand <> moved.pieces OR level.held <> promised.pieces OR level.on_hand < 0 OR level.held > level.on_hand
""")


async def require_balance(session: AsyncSession) -> None:
    """Each level is the sum of its movements, holds what its active holds say, and promises no more than it has."""
    unbalanced = [row._asdict() for row in await session.execute(UNBALANCED)]
    assert unbalanced == []
