"""The order that fulfilments serve, locked while they change."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.tables import Fulfilment
from app.kernel.locks import lock_one
from app.orders.commands import UnknownOrder, require
from app.orders.rules import OrderAction
from app.orders.tables import Order


async def lock_served_order(
    session: AsyncSession, fulfilment: Fulfilment, *, action: OrderAction = OrderAction.ALLOCATE
) -> Order:
    """The order that `fulfilment` serves, locked; refused where its status does not allow `action`.

    An order is open for picking and packing exactly as long as it may still be allocated.
    """
    order = await lock_one(session, Order, fulfilment.order_id)
    if order is None:
        raise UnknownOrder(field="fulfilment_id")
    require(order, action)
    return order
