"""What fulfilment does when something happened elsewhere."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands import cancel_fulfilments_of
from app.kernel.principal import SYSTEM
from app.orders.events import OrderCancelled


async def cancel_with_order(session: AsyncSession, event: OrderCancelled) -> None:
    """Stop the warehouse's work on a cancelled order. Done twice, it does nothing the second time.

    Until this ran, picking and packing are refused all the same, for they look at the order's own status.
    """
    await cancel_fulfilments_of(session, event.order_id, by=SYSTEM)


REACTIONS = {OrderCancelled: cancel_with_order}
"""What is done for which event; the process that reads the log calls these, each in a transaction of its own."""
