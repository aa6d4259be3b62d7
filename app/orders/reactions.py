"""What orders do when a time comes.

The worker's loop calls `abandon_idle_cart` every minute, each call in a transaction of its own, and again at once while
the answer is true. One cart a transaction, so that the stock of two carts is never locked out of order.
"""

from __future__ import annotations

from sqlalchemy import literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.principal import SYSTEM
from app.kernel.reacting import Timer
from app.orders.commands.carts import give_up
from app.orders.tables import Order, OrderStatus

IS_CART = Order.status == literal_column(f"'{OrderStatus.CART}'")
"""Written out, for PostgreSQL cannot know that a parameter matches the condition of a partial index."""
IDLE_INTERVAL_SECONDS = 60.0
"""How often the worker looks for carts that were forgotten."""


async def abandon_idle_cart(session: AsyncSession) -> bool:
    """Give up one cart that nobody touched for too long; whether there was one."""
    idle = (
        select(Order)
        .where(IS_CART, Order.expires_at <= clock.now())
        .order_by(Order.expires_at, Order.id)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    cart = await session.scalar(idle)
    if cart is None:
        return False
    await give_up(session, cart, by=SYSTEM)
    return True


TIMERS: dict[Timer, float] = {abandon_idle_cart: IDLE_INTERVAL_SECONDS}
"""What the worker does when a time comes, and how many seconds may pass between two looks."""
