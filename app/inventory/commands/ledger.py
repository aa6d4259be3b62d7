"""The ledger: lines that say which pieces moved, each told as an event of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.inventory.events import StockMoved
from app.kernel.outbox import record

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.inventory.tables import StockMovement
    from app.kernel.principal import Principal


async def write_movements(session: AsyncSession, movements: Sequence[StockMovement], *, by: Principal) -> None:
    """Add lines to the ledger, and tell each."""
    session.add_all(movements)
    await session.flush()
    for movement in movements:
        event = StockMoved(
            stock_movement_id=movement.id,
            product_id=movement.product_id,
            from_location_id=movement.from_location_id,
            to_location_id=movement.to_location_id,
            quantity=movement.quantity,
            reason=movement.reason,
        )
        record(session, event, by=by)
