"""How a command finds its cart or order, whom it lets, and how it tells what happened."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.identity import token_hash
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal, Role
from app.kernel.refusal import InvalidInput, Refusal
from app.orders.events import OrderEvent
from app.orders.measures import order_visibility
from app.orders.rules import ALLOWED, OrderAction
from app.orders.tables import Order, OrderLine, OrderStatus

BUYERS = STAFF | {Role.CUSTOMER, Role.ANONYMOUS}
"""Who may fill carts: customers and strangers, and staff for them."""


class UnknownCart(Refusal):
    """There is no such cart, or it is not yours; name it by its id or by its token."""


class UnknownOrder(Refusal):
    """There is no such order, or you may not see it."""


class UnknownOrderLine(Refusal):
    """The order has no such line."""


class CartExpired(Refusal):
    """The cart was given up or not touched for too long; create a new one."""


class ActionNotAllowed(Refusal):
    """The order's state does not allow this; `allowedActions` tells what it allows."""


async def lock_order(
    session: AsyncSession,
    order_id: int | None,
    *,
    token: str | None = None,
    by: Principal,
    unknown: type[Refusal] = UnknownOrder,
) -> Order:
    """The order, locked: by its token whoever has that, else by its id where the caller may see it."""
    if order_id is None and token is None:
        raise InvalidInput("Give the id or the cart token.")
    order = await (_lock_by_token(session, token) if token else _lock_visible(session, order_id or 0, by))
    if order is None or order_id not in {None, order.id}:
        raise unknown(field=None if order_id and token else "cart_token" if token else _id_field(unknown))
    return order


def _id_field(unknown: type[Refusal]) -> str:
    """The input field that names what is `unknown` by its id."""
    return "cart_id" if unknown is UnknownCart else "order_id"


async def _lock_by_token(session: AsyncSession, token: str) -> Order | None:
    """The order that the token opens, locked."""
    key = await session.scalar(select(Order.id).where(Order.cart_token_hash == token_hash(token)))
    return await lock_one(session, Order, key) if key else None


async def _lock_visible(session: AsyncSession, order_id: int, by: Principal) -> Order | None:
    """The order with the id, locked, where the caller may see it."""
    return await lock_one(session, Order, order_id, by=by, visibility=order_visibility)


async def lock_cart(session: AsyncSession, cart_id: int | None, token: str | None, *, by: Principal) -> Order:
    """The cart, locked and still open for changes."""
    cart = await lock_order(session, cart_id, token=token, by=by, unknown=UnknownCart)
    forgotten = cart.expires_at is not None and cart.expires_at <= clock.now()
    if cart.status == OrderStatus.ABANDONED or (cart.status == OrderStatus.CART and forgotten):
        raise CartExpired
    return cart


def require(order: Order, action: OrderAction) -> None:
    """Refuse `action` where the order's state does not allow it."""
    if action not in ALLOWED[order.status]:
        raise ActionNotAllowed(f"The order is {order.status}, which does not allow {action}.")


async def lines_of(session: AsyncSession, order: Order) -> list[OrderLine]:
    """The lines of a locked order, in their places."""
    of_order = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    return list(await session.scalars(of_order.execution_options(populate_existing=True)))


def tell(
    session: AsyncSession,
    event: type[OrderEvent],
    order: Order,
    *,
    before: OrderStatus | None,
    by: Principal,
    **facts: Any,
) -> None:
    """Record `event` of an order that was in the state `before`."""
    shared: dict[str, Any] = {
        "order_id": order.id,
        "number": order.number,
        "customer_id": order.customer_id,
        "channel_id": order.channel_id,
        "status_before": before,
        "status_after": order.status,
    }
    record(session, event(**shared, **facts), by=by)
