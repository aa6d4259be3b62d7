"""Commands that make a cart an order, and that call an order off."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands import (
    HoldLine,
    HoldStock,
    InsufficientStock,
    ReleaseHolds,
    convert_holds,
    hold_stock,
    lock_holds,
    release_holds,
)
from app.inventory.tables import HoldKind
from app.kernel import clock
from app.kernel.address import Address, is_country_code
from app.kernel.addressed import address_values
from app.kernel.changes import expect_version
from app.kernel.limits import NAME, Length
from app.kernel.principal import Principal
from app.kernel.refusal import InvalidInput, Refusal, VersionConflict, allows, refuses
from app.orders import events, rules
from app.orders.commands.carts import CART_ID, CART_TOKEN, EXPECTED_VERSION, TOKEN
from app.orders.commands.finding import (
    BUYERS,
    ActionNotAllowed,
    CartExpired,
    UnknownCart,
    UnknownOrder,
    lines_of,
    lock_cart,
    lock_order,
    require,
    tell,
)
from app.orders.tables import Order, OrderId, OrderLine, OrderStatus


class EmptyCart(Refusal):
    """The cart is empty, so there is nothing to order."""


class IncompleteAddress(Refusal):
    """The address does not say where to: it needs a line, a city and a country code."""


@dataclass(frozen=True, kw_only=True)
class PlaceOrder:
    """Order what a cart holds."""

    cart_id: Annotated[OrderId | None, CART_ID] = None
    cart_token: Annotated[str | None, CART_TOKEN, TOKEN] = None
    shipping_address: Annotated[Address, "Where it goes: a line, a city and a country code at least."]
    customer_name: Annotated[str | None, "The name of whoever orders.", NAME] = None
    customer_email: Annotated[str | None, "Where whoever orders reads mail.", Length(3, 254)] = None
    expected_version: Annotated[int | None, EXPECTED_VERSION] = None


@dataclass(frozen=True, kw_only=True)
class CancelOrder:
    """Call an order off."""

    order_id: Annotated[OrderId | None, "The order, where you are its customer or staff."] = None
    cart_token: Annotated[str | None, CART_TOKEN, TOKEN] = None
    reason: Annotated[str | None, "Why, in words.", Length(1, 500)] = None
    expected_version: Annotated[int | None, "The version of the order that you read; another one is refused."] = None


@allows(BUYERS)
@refuses(UnknownCart, CartExpired, ActionNotAllowed, VersionConflict, EmptyCart, IncompleteAddress, InsufficientStock)
async def place_order(session: AsyncSession, placing: PlaceOrder, *, by: Principal) -> OrderId:
    """Order what a cart holds, at the prices that the cart shows; its stock is held until it ships.

    Pieces whose hold ran out meanwhile are held anew, all or none. Nothing is charged: `paymentStatus` stays `PENDING`
    until somebody records a payment.
    """
    order = await lock_cart(session, placing.cart_id, placing.cart_token, by=by)
    require(order, rules.OrderAction.PLACE)
    expect_version(order, placing.expected_version)
    _require_address(placing.shipping_address)
    lines = await lines_of(session, order)
    if not lines:
        raise EmptyCart
    await _hold_all(session, order, lines, by=by)
    _fill(order, placing, by)
    await session.flush()
    total = {"total_amount": order.total_amount, "currency": order.currency}
    tell(session, events.OrderPlaced, order, before=OrderStatus.CART, by=by, **total)
    return OrderId(order.id)


@allows(BUYERS)
@refuses(UnknownOrder, ActionNotAllowed, VersionConflict)
async def cancel_order(session: AsyncSession, cancelling: CancelOrder, *, by: Principal) -> OrderId:
    """Call an order off before anything was shipped; what it held is available again."""
    order = await lock_order(session, cancelling.order_id, token=cancelling.cart_token, by=by)
    require(order, rules.OrderAction.CANCEL)
    expect_version(order, cancelling.expected_version)
    before = order.status
    for line in await lines_of(session, order):
        line.quantity_allocated, line.quantity_cancelled = 0, line.quantity
    order.status = OrderStatus.CANCELLED
    order.cancelled_at, order.cancellation_reason = clock.now(), cancelling.reason
    await release_holds(session, ReleaseHolds(order_id=order.id), by=by)
    told = {"reason": cancelling.reason, "by_staff": by.is_staff}
    tell(session, events.OrderCancelled, order, before=before, by=by, **told)
    return OrderId(order.id)


async def _hold_all(session: AsyncSession, order: Order, lines: list[OrderLine], *, by: Principal) -> None:
    """See that every piece of the order is held, and that the holds do not expire."""
    held: Counter[int | None] = Counter()
    for hold in await lock_holds(session, order.id):
        held[hold.order_line_id] += hold.quantity
    wanted = tuple(_missing(line, held[line.id]) for line in lines if line.quantity > held[line.id])
    if wanted:
        await hold_stock(session, HoldStock(order_id=order.id, lines=wanted, kind=HoldKind.ORDER), by=by)
    await convert_holds(session, order.id, by=by)


def _missing(line: OrderLine, held: int) -> HoldLine:
    """What a line wants held beyond what it holds."""
    missing = line.quantity - held
    return HoldLine(order_line_id=line.id, product_id=line.product_id, quantity=missing, already=held, field=None)


def _fill(order: Order, placing: PlaceOrder, by: Principal) -> None:
    """Make the cart a placed order with what the customer says about it."""
    order.status, order.placed_at, order.expires_at = OrderStatus.PLACED, clock.now(), None
    order.customer_id = order.customer_id or by.customer_id
    order.customer_name = placing.customer_name or placing.shipping_address.recipient
    order.customer_email = placing.customer_email
    for name, value in address_values(placing.shipping_address, "shipping_").items():
        setattr(order, name, value)


def _require_address(address: Address) -> None:
    """Refuse an address that no parcel could reach."""
    if not (address.line1 and address.city and address.country_code):
        raise IncompleteAddress(field="shipping_address")
    if not is_country_code(address.country_code):
        raise InvalidInput("A country code has two capital letters.", field="shipping_address.country_code")
