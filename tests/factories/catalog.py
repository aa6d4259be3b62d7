"""Products, channels and prices for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog import commands
from app.catalog.tables import ChannelId, ProductId
from app.kernel.money import CurrencyCode
from app.kernel.principal import SYSTEM

_numbers = count(1)


async def product(session: AsyncSession, **details: Any) -> ProductId:
    """A published product with an SKU of its own."""
    number = next(_numbers)
    given = {"sku": f"SKU-C{number}", "name": f"Product {number}", "publish": True}
    return await commands.create_product(session, commands.CreateProduct(**{**given, **details}), by=SYSTEM)


async def channel(session: AsyncSession, **details: Any) -> ChannelId:
    """A channel that sells in euros."""
    number = next(_numbers)
    given = {"code": f"CHANNEL-{number}", "name": f"Channel {number}", "currency": CurrencyCode("EUR")}
    return await commands.create_channel(session, commands.CreateChannel(**{**given, **details}), by=SYSTEM)


async def priced(session: AsyncSession, product_id: int, channel_id: int, amount: str, **details: Any) -> None:
    """Set what a product costs in a channel."""
    given = {"product_id": product_id, "channel_id": channel_id, "amount": Decimal(amount)}
    await commands.set_product_price(session, commands.SetProductPrice(**{**given, **details}), by=SYSTEM)
