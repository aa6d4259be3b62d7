"""Short picks: pieces that the books have and the shelf has not."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ProductId
from app.fulfilment.commands.fulfilments import lines_of
from app.fulfilment.tables import Fulfilment, FulfilmentLine
from app.inventory.commands import (
    AdjustStock,
    MoveHolds,
    ReleaseHolds,
    adjust_stock,
    lock_holds,
    move_holds,
    release_holds,
)
from app.inventory.rules import Placement
from app.kernel.principal import Principal
from app.locations.tables import LocationId
from app.orders.commands import LineQuantity, OrderProgress, mark_allocated


async def write_off(session: AsyncSession, fulfilment: Fulfilment, short: Mapping[int, int], *, by: Principal) -> None:
    """Take missing pieces (by fulfilment line) off the order's holds and the location's stock.

    The order's lines are told, so that they can be allocated again elsewhere. Without this the same pieces that nobody
    found would be promised to the next order.
    """
    lines = await lines_of(session, fulfilment.id)
    missing = sorted(((lines[line], pieces) for line, pieces in short.items()), key=lambda part: part[0].product_id)
    unserved = tuple(LineQuantity(order_line_id=line.order_line_id, quantity=-pieces) for line, pieces in missing)
    await mark_allocated(session, OrderProgress(order_id=fulfilment.order_id, lines=unserved), by=by)
    for line, pieces in missing:
        await _free(session, fulfilment, line, pieces, by=by)
    for line, pieces in missing:
        adjustment = AdjustStock(
            product_id=ProductId(line.product_id),
            location_id=LocationId(fulfilment.location_id),
            quantity_change=-pieces,
            note=f"Not found when {fulfilment.number} was picked.",
        )
        await adjust_stock(session, adjustment, by=by)


async def _free(
    session: AsyncSession, fulfilment: Fulfilment, line: FulfilmentLine, pieces: int, *, by: Principal
) -> None:
    """Let an order line hold so many pieces fewer at the fulfilment's location, and elsewhere what it held before."""
    left = {}
    for hold in await lock_holds(session, fulfilment.order_id):
        if hold.order_line_id == line.order_line_id:
            left[hold.location_id] = hold.quantity - (pieces if hold.location_id == fulfilment.location_id else 0)
    targets = tuple(
        Placement(order_line_id=line.order_line_id, product_id=line.product_id, location_id=place, quantity=quantity)
        for place, quantity in sorted(left.items())
        if quantity > 0
    )
    if targets:
        await move_holds(session, MoveHolds(order_id=fulfilment.order_id, targets=targets), by=by)
    else:
        release = ReleaseHolds(order_id=fulfilment.order_id, order_line_id=line.order_line_id)
        await release_holds(session, release, by=by)
