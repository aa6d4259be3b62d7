"""Commands that fill carts and give them up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownChannel, UnknownProduct
from app.catalog.tables import Channel, ChannelId, Price, Product, ProductId, ProductStatus
from app.inventory.commands import (
    HoldLine,
    HoldStock,
    InsufficientStock,
    ReleaseHolds,
    extend_holds,
    forget_line,
    hold_stock,
    lock_holds,
    release_holds,
)
from app.inventory.tables import HoldKind
from app.kernel import clock, limits
from app.kernel.changes import expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.identity import token_hash, unguessable_token
from app.kernel.limits import Between, Length
from app.kernel.money import CurrencyCode
from app.kernel.principal import Principal
from app.kernel.refusal import InvalidInput, Refusal, VersionConflict, allows, refuses
from app.orders import events, rules
from app.orders.commands.finding import (
    BUYERS,
    ActionNotAllowed,
    CartExpired,
    UnknownCart,
    lines_of,
    lock_cart,
    require,
    tell,
)
from app.orders.tables import Order, OrderId, OrderLine, OrderStatus
from app.parties.commands import UnknownCustomer
from app.parties.tables import CustomerId

TOKEN = Length(1, 128)
CART_ID = "The cart, where you are its customer or staff."
CART_TOKEN = "The secret that opens the cart, as `cartCreate` told it."  # noqa: S105
EXPECTED_VERSION = "The version of the cart that you read; another one is refused."


class ChannelClosed(Refusal):
    """The channel takes no orders now."""


class NotPriced(Refusal):
    """The product has no price in this channel."""


class WrongCurrency(Refusal):
    """The product has no price in the cart's currency."""


class CartFull(Refusal):
    """The cart has as many lines as a cart may have."""

    lines_max: Annotated[int, "How many lines a cart may have."]


@dataclass(frozen=True, kw_only=True)
class CreateCart:
    """Begin a cart."""

    channel_id: Annotated[ChannelId, "The channel that it buys through."]
    currency: Annotated[CurrencyCode | None, "The currency of its prices; without it, the channel's own."] = None
    customer_id: Annotated[CustomerId | None, "Whom it is for, where staff fill it; else it is the caller's own."] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class NewCart:
    """A cart that was created, and the secret that opens it."""

    id: OrderId
    cart_token: Annotated[str, "The secret that opens the cart; it is told only once, so keep it."]


@dataclass(frozen=True, kw_only=True)
class SetCartLine:
    """Say how many pieces of a product a cart has."""

    product_id: Annotated[ProductId, "The product."]
    quantity: Annotated[int, "How many pieces; 0 takes the product out.", Between(0, 1_000_000)]
    cart_id: Annotated[OrderId | None, CART_ID] = None
    cart_token: Annotated[str | None, CART_TOKEN, TOKEN] = None
    expected_version: Annotated[int | None, EXPECTED_VERSION] = None


@dataclass(frozen=True, kw_only=True)
class AbandonCart:
    """Give a cart up."""

    cart_id: Annotated[OrderId | None, CART_ID] = None
    cart_token: Annotated[str | None, CART_TOKEN, TOKEN] = None


@allows(BUYERS)
@refuses(UnknownChannel, UnknownCustomer, ChannelClosed)
async def create_cart(session: AsyncSession, cart: CreateCart, *, by: Principal) -> NewCart:
    """Begin an empty cart. Whoever has its token may fill and place it, signed in or not."""
    channel = await session.get(Channel, cart.channel_id)
    if channel is None:
        raise UnknownChannel(field="channel_id")
    if not channel.sells:
        raise ChannelClosed(field="channel_id")
    token = unguessable_token()
    row = Order(
        status=OrderStatus.CART,
        channel_id=channel.id,
        currency=cart.currency or channel.currency,
        customer_id=_customer(cart, by),
        cart_token_hash=token_hash(token),
        expires_at=_idle_until(),
    )
    session.add(row)
    await flush_or_refuse(session, {"fk_orders_customer_id": UnknownCustomer(field="customer_id")})
    tell(session, events.CartCreated, row, before=None, by=by)
    return NewCart(id=OrderId(row.id), cart_token=token)


@allows(BUYERS)
@refuses(
    UnknownCart,
    UnknownProduct,
    CartExpired,
    ActionNotAllowed,
    VersionConflict,
    InsufficientStock,
    NotPriced,
    WrongCurrency,
    CartFull,
)
async def set_cart_line(session: AsyncSession, setting: SetCartLine, *, by: Principal) -> OrderId:
    """Put a product into a cart, change how many there are, or take it out; its pieces are held for a while at once."""
    cart = await lock_cart(session, setting.cart_id, setting.cart_token, by=by)
    require(cart, rules.OrderAction.SET_LINE)
    expect_version(cart, setting.expected_version)
    lines = await lines_of(session, cart)
    line = next((line for line in lines if line.product_id == setting.product_id), None)
    before = line.quantity if line else 0
    if setting.quantity == 0:
        await _take_out(session, cart, line, by=by)
    else:
        line = await _put_in(session, cart, line, setting)
        await _hold(session, line, by=by)
    await _reckon(session, cart)
    told = {"product_id": setting.product_id, "quantity_before": before, "quantity_after": setting.quantity}
    tell(session, events.CartLineSet, cart, before=cart.status, by=by, **told)
    return OrderId(cart.id)


@allows(BUYERS)
@refuses(UnknownCart, CartExpired, ActionNotAllowed)
async def abandon_cart(session: AsyncSession, abandoning: AbandonCart, *, by: Principal) -> OrderId:
    """Give a cart up; what it held is available again."""
    cart = await lock_cart(session, abandoning.cart_id, abandoning.cart_token, by=by)
    require(cart, rules.OrderAction.ABANDON)
    await give_up(session, cart, by=by)
    return OrderId(cart.id)


async def give_up(session: AsyncSession, cart: Order, *, by: Principal) -> None:
    """Make a locked cart an abandoned one."""
    cart.status = OrderStatus.ABANDONED
    cart.expires_at = None
    await release_holds(session, ReleaseHolds(order_id=cart.id), by=by)
    tell(session, events.CartAbandoned, cart, before=OrderStatus.CART, by=by)


def _customer(cart: CreateCart, by: Principal) -> int | None:
    """Whom the cart is for: whom staff name, else whom the caller acts for."""
    if cart.customer_id is None or cart.customer_id == by.customer_id:
        return by.customer_id
    if not by.is_staff:
        raise UnknownCustomer(field="customer_id")
    return cart.customer_id


def _idle_until() -> datetime:
    """Until when a cart that is touched now lives."""
    return clock.now() + timedelta(days=limits.in_force().cart_idle_days)


async def _put_in(session: AsyncSession, cart: Order, line: OrderLine | None, setting: SetCartLine) -> OrderLine:
    """The line of the product with its new quantity and the price of today."""
    price = await _price(session, cart, setting.product_id)
    if not rules.is_payable(price.amount * setting.quantity):
        raise InvalidInput("The line's amount is larger than we can reckon with.", field="quantity")
    if line is None:
        line = OrderLine(order_id=cart.id, product_id=setting.product_id, position=await _next_position(session, cart))
        session.add(line)
    line.quantity = setting.quantity
    line.unit_price_amount, line.currency, line.tax_included = price.amount, price.currency, price.tax_included
    await session.flush()
    return line


async def _next_position(session: AsyncSession, cart: Order) -> int:
    """The place after the last line of the cart."""
    counted = select(func.count(), func.coalesce(func.max(OrderLine.position), 0)).where(OrderLine.order_id == cart.id)
    lines, last = (await session.execute(counted)).one()
    if lines >= limits.in_force().cart_lines_max:
        raise CartFull(lines_max=limits.in_force().cart_lines_max)
    return int(last) + 1


async def _price(session: AsyncSession, cart: Order, product_id: int) -> Price:
    """What a published product costs in the cart's channel and currency."""
    status = await session.scalar(select(Product.status).where(Product.id == product_id))
    if status != ProductStatus.PUBLISHED:
        raise UnknownProduct(field="product_id")
    asked = select(Price).where(Price.product_id == product_id, Price.channel_id == cart.channel_id)
    prices = {price.currency: price for price in await session.scalars(asked)}
    if not prices:
        raise NotPriced(field="product_id")
    if cart.currency not in prices:
        raise WrongCurrency(field="product_id")
    return prices[cart.currency]


async def _take_out(session: AsyncSession, cart: Order, line: OrderLine | None, *, by: Principal) -> None:
    """Take a line out of its cart, and give back what it held."""
    if line is not None:
        await release_holds(session, ReleaseHolds(order_id=cart.id, order_line_id=line.id), by=by)
        await forget_line(session, line.id, by=by)
        await session.delete(line)
        await session.flush()


async def _hold(session: AsyncSession, line: OrderLine, *, by: Principal) -> None:
    """Hold exactly as many pieces as the line has, for a while from now."""
    expires_at = clock.now() + timedelta(minutes=limits.in_force().cart_hold_minutes)
    holds = [hold for hold in await lock_holds(session, line.order_id) if hold.order_line_id == line.id]
    await extend_holds(session, holds, expires_at, by=by)
    held = sum(hold.quantity for hold in holds)
    missing = line.quantity - held
    if missing > 0:
        wanted = HoldLine(order_line_id=line.id, product_id=line.product_id, quantity=missing, already=held)
        request = HoldStock(order_id=line.order_id, lines=(wanted,), kind=HoldKind.CART, expires_at=expires_at)
        await hold_stock(session, request, by=by)
    elif missing < 0:
        surplus = ReleaseHolds(order_id=line.order_id, order_line_id=line.id, quantity=-missing)
        await release_holds(session, surplus, by=by)


async def _reckon(session: AsyncSession, cart: Order) -> None:
    """Bring the cart's amounts up to date, and its life to a new term."""
    cart.subtotal_amount = rules.subtotal(await lines_of(session, cart), CurrencyCode(cart.currency))
    cart.total_amount = cart.subtotal_amount + cart.shipping_amount + cart.tax_amount
    if not rules.is_payable(cart.total_amount):
        raise InvalidInput("The cart's amount is larger than we can reckon with.", field="quantity")
    cart.expires_at = _idle_until()
    await session.flush()
