"""Who sees which products, prices and channels, and what may be done with a product."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog import commands, measures, rules, tables
from app.kernel.principal import ANONYMOUS
from tests.factories import catalog, parties
from tests.factories.access import ADMIN, OPERATOR, carrier_caller, customer_caller, seen, supplier_caller


class TestProductVisibility:
    async def test_shows_drafts_to_staff_and_their_supplier_alone(self, session: AsyncSession):
        supplier = await parties.supplier(session)
        public = await catalog.product(session)
        theirs = await catalog.product(session, publish=False, supplier_id=supplier)
        ours = await catalog.product(session, publish=False)
        expected = {ADMIN: {public, theirs, ours}, OPERATOR: {public, theirs, ours}}
        expected |= {ANONYMOUS: {public}, customer_caller(1): {public}, carrier_caller(1): {public}}
        expected |= {supplier_caller(supplier): {public, theirs}, supplier_caller(supplier + 1): {public}}
        for by, products in expected.items():
            assert await seen(session, tables.Product, measures.product_visibility, by) == products, by.name

    async def test_hides_archived_products_from_strangers(self, session: AsyncSession):
        key = await catalog.product(session)
        await commands.archive_product(session, commands.ArchiveProduct(product_id=key), by=OPERATOR)
        assert await seen(session, tables.Product, measures.product_visibility, ANONYMOUS) == set()


class TestPriceVisibility:
    async def test_follows_the_product(self, session: AsyncSession):
        supplier, channel = await parties.supplier(session), await catalog.channel(session)
        for product in (
            await catalog.product(session),
            await catalog.product(session, publish=False, supplier_id=supplier),
            await catalog.product(session, publish=False),
        ):
            await catalog.priced(session, product, channel, "1.00")
        counts = {ADMIN: 3, ANONYMOUS: 1, customer_caller(1): 1, supplier_caller(supplier): 2}
        for by, count in counts.items():
            assert len(await seen(session, tables.Price, measures.price_visibility, by)) == count, by.name


class TestChannelVisibility:
    async def test_shows_every_channel_to_everyone(self, session: AsyncSession):
        key = await catalog.channel(session)
        assert await seen(session, tables.Channel, measures.channel_visibility, ANONYMOUS) == {key}


class TestAllowedActions:
    async def test_are_in_sql_what_the_rules_say(self, session: AsyncSession):
        for status in tables.ProductStatus:
            session.add(tables.Product(sku=status.value, name=status.value, status=status))
        await session.flush()
        product = tables.Product.__table__.alias("product")
        answers = await session.execute(select(product.c.status, measures.allowed_actions(product)))
        assert {status: set(actions) for status, actions in answers} == rules.ALLOWED
