"""Channels are added, and products priced in them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.catalog import commands
from app.catalog.commands import CreateChannel, SetProductPrice
from app.catalog.tables import Channel, ChannelId, Price, ProductId
from app.kernel.money import CurrencyCode
from app.kernel.outbox import write_outbox
from app.kernel.refusal import InvalidInput
from tests.factories import catalog
from tests.factories.access import OPERATOR, recorded, refused


class TestCreateChannel:
    async def test_adds_one_that_sells(self, session: AsyncSession):
        request = CreateChannel(code="WEB", name="Web shop", currency=CurrencyCode("BRL"))
        key = await commands.create_channel(session, request, by=OPERATOR)
        row = await session.get_one(Channel, key)
        assert (row.code, row.currency, row.sells) == ("WEB", "BRL", True)
        assert recorded(session)[-1] == ("catalog.channel_created", {"channel_id": key, "code": "WEB"})

    async def test_refuses_a_code_that_is_taken(self, session: AsyncSession):
        await catalog.channel(session, code="WEB")
        request = CreateChannel(code="WEB", name="Other", currency=CurrencyCode("BRL"))
        async with refused(session, commands.ChannelCodeTaken, field="code"):
            await commands.create_channel(session, request, by=OPERATOR)


class TestSetProductPrice:
    async def test_sets_the_first_price_in_the_channel_s_currency(self, session: AsyncSession):
        product, channel = await catalog.product(session), await catalog.channel(session)
        pricing = SetProductPrice(product_id=product, channel_id=channel, amount=Decimal("9.90"), tax_included=True)
        assert await commands.set_product_price(session, pricing, by=OPERATOR) == product
        price = (await session.scalars(select(Price))).one()
        assert (price.amount, price.currency, price.tax_included) == (Decimal("9.90"), "EUR", True)

    async def test_changes_the_one_price_and_tells_the_one_before(self, session: AsyncSession):
        product, channel = await catalog.product(session), await catalog.channel(session)
        await catalog.priced(session, product, channel, "9.90")
        await catalog.priced(session, product, channel, "8.90")
        await catalog.priced(session, product, channel, "10.90", currency=CurrencyCode("USD"))
        prices = (await session.scalars(select(Price).order_by(Price.currency))).all()
        assert [(price.currency, price.amount) for price in prices] == [
            ("EUR", Decimal("8.90")),
            ("USD", Decimal("10.90")),
        ]
        facts = [facts for name, facts in recorded(session) if name == "catalog.product_price_set"]
        assert [(fact["amount_before"], fact["amount"]) for fact in facts] == [
            (None, "9.9000"),
            ("9.9000", "8.9000"),
            (None, "10.9000"),
        ]

    async def test_says_nothing_where_the_price_stays(self, session: AsyncSession):
        product, channel = await catalog.product(session), await catalog.channel(session)
        await catalog.priced(session, product, channel, "9.90")
        before = recorded(session)
        await catalog.priced(session, product, channel, "9.9")
        assert recorded(session) == before

    async def test_refuses_what_there_is_not_and_what_cannot_be_paid(self, session: AsyncSession):
        product, channel = await catalog.product(session), await catalog.channel(session)
        one = Decimal(1)
        async with refused(session, commands.UnknownProduct, field="product_id"):
            pricing = SetProductPrice(product_id=ProductId(404), channel_id=channel, amount=one)
            await commands.set_product_price(session, pricing, by=OPERATOR)
        async with refused(session, commands.UnknownChannel, field="channel_id"):
            pricing = SetProductPrice(product_id=product, channel_id=ChannelId(404), amount=one)
            await commands.set_product_price(session, pricing, by=OPERATOR)
        async with refused(session, InvalidInput, field="amount"):
            pricing = SetProductPrice(product_id=product, channel_id=channel, amount=Decimal("0.00001"))
            await commands.set_product_price(session, pricing, by=OPERATOR)

    async def test_leaves_one_price_when_two_set_the_first(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions.begin() as session:
            product, channel = await catalog.product(session), await catalog.channel(session)
            await write_outbox(session)

        async def price(amount: str) -> None:
            async with sessions.begin() as session:
                await catalog.priced(session, product, channel, amount)
                await write_outbox(session)

        await asyncio.gather(price("1.00"), price("2.00"))
        async with sessions() as session:
            assert (await session.scalars(select(Price))).one().version == 2
