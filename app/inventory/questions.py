"""What inventory is asked about itself: whether the ledger and the holds explain every stock level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.tables import HoldStatus, StockHold, StockLevel, StockMovement


@dataclass(frozen=True, kw_only=True)
class UnexplainedLevel:
    """A stock level that says otherwise than the movements and the active holds behind it."""

    product_id: int
    location_id: int
    on_hand: int
    moved: int
    held: int
    promised: int


async def unexplained_levels(session: AsyncSession, *, at_most: int = 20) -> Sequence[UnexplainedLevel]:
    """The levels whose pieces on hand are not what moved, or whose held pieces are not what is promised; else none.

    Movements of a product to or from a place without a level are told as a level of nothing.
    """
    moved, promised = _moved(), _promised()
    product = func.coalesce(StockLevel.product_id, moved.c.product_id)
    location = func.coalesce(StockLevel.location_id, moved.c.location_id)
    on_hand, held = func.coalesce(StockLevel.on_hand, 0), func.coalesce(StockLevel.held, 0)
    total, active = func.coalesce(moved.c.quantity, 0), func.coalesce(promised.c.quantity, 0)
    of_level = (moved.c.product_id == StockLevel.product_id) & (moved.c.location_id == StockLevel.location_id)
    statement = (
        select(product, location, on_hand, total, held, active)
        .select_from(StockLevel)
        .join(moved, of_level, full=True)
        .outerjoin(promised, promised.c.stock_level_id == StockLevel.id)
        .where((on_hand != total) | (held != active))
        .order_by(product, location)
        .limit(at_most)
    )
    names = ("product_id", "location_id", "on_hand", "moved", "held", "promised")
    return [UnexplainedLevel(**dict(zip(names, row, strict=True))) for row in await session.execute(statement)]


def _moved() -> Subquery:
    """What the ledger says is where: what came, less what left."""
    came = select(
        StockMovement.product_id, StockMovement.to_location_id.label("location_id"), StockMovement.quantity
    ).where(StockMovement.to_location_id.is_not(None))
    left = select(StockMovement.product_id, StockMovement.from_location_id, -StockMovement.quantity).where(
        StockMovement.from_location_id.is_not(None)
    )
    lines = union_all(came, left).subquery()
    total = func.sum(lines.c.quantity).label("quantity")
    return (
        select(lines.c.product_id, lines.c.location_id, total)
        .group_by(lines.c.product_id, lines.c.location_id)
        .having(total != 0)
        .subquery()
    )


def _promised() -> Subquery:
    """What the active holds promise from each level."""
    total = func.sum(StockHold.quantity).label("quantity")
    active = select(StockHold.stock_level_id, total).where(StockHold.status == HoldStatus.ACTIVE)
    return active.group_by(StockHold.stock_level_id).subquery()
