"""Channels, priced products, carts and orders for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import CreateChannel, SetProductPrice, create_channel, set_product_price
from app.catalog.tables import ChannelId, ProductId
from app.kernel.address import Address
from app.kernel.money import CurrencyCode
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.orders.commands import CreateCart, PlaceOrder, SetCartLine, create_cart, place_order, set_cart_line
from app.orders.tables import OrderId
from app.parties.commands import CreateCustomer, create_customer
from tests.factories import inventory

_numbers = count(1)
ADDRESS = Address(recipient="Ada", line1="1 Quay Street", city="Lisbon", postal_code="1100-001", country_code="PT")


async def channel(session: AsyncSession, **details: Any) -> ChannelId:
    """A web shop that sells in euros."""
    number = next(_numbers)
    given = {"code": f"WEB-{number}", "name": f"Web shop {number}", "currency": CurrencyCode("EUR"), **details}
    return await create_channel(session, CreateChannel(**given), by=SYSTEM)


async def price(session: AsyncSession, product_id: ProductId, channel_id: ChannelId, amount: str = "10.00") -> None:
    """The product costs `amount` euros in the channel."""
    pricing = SetProductPrice(product_id=product_id, channel_id=channel_id, amount=Decimal(amount))
    await set_product_price(session, pricing, by=SYSTEM)


async def offered(
    session: AsyncSession, quantity: int, *, channel_id: ChannelId, amount: str = "10.00"
) -> tuple[ProductId, Any]:
    """A product with a price in the channel, of which one location has `quantity` pieces."""
    product_id, location_id = await inventory.stocked(session, quantity)
    await price(session, product_id, channel_id, amount)
    return product_id, location_id


async def customer(session: AsyncSession) -> Principal:
    """Someone signed in as a customer."""
    number = next(_numbers)
    made = await create_customer(session, CreateCustomer(number=f"C-{number}", name=f"Customer {number}"), by=SYSTEM)
    return Principal(roles=frozenset({Role.CUSTOMER}), name=f"customer {number}", customer_id=made)


async def cart(
    session: AsyncSession, channel_id: ChannelId, lines: dict[ProductId, int], *, by: Principal = ANONYMOUS
) -> tuple[OrderId, str]:
    """A cart with the pieces of `lines`, and its token."""
    made = await create_cart(session, CreateCart(channel_id=channel_id), by=by)
    for product_id, quantity in lines.items():
        setting = SetCartLine(cart_token=made.cart_token, product_id=product_id, quantity=quantity)
        await set_cart_line(session, setting, by=by)
    return made.id, made.cart_token


async def placed(
    session: AsyncSession, channel_id: ChannelId, lines: dict[ProductId, int], *, by: Principal = ANONYMOUS
) -> OrderId:
    """A placed order of `lines`."""
    _, token = await cart(session, channel_id, lines, by=by)
    return await place_order(session, PlaceOrder(cart_token=token, shipping_address=ADDRESS), by=by)
