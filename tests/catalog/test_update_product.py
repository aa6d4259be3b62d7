"""Products are corrected, published and archived."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.catalog import commands
from app.catalog.commands import ArchiveProduct, PublishProduct, UpdateProduct
from app.catalog.tables import Product, ProductId, ProductStatus, SupplierId
from app.kernel.outbox import write_outbox
from app.kernel.refusal import VersionConflict
from tests.factories import catalog, parties
from tests.factories.access import OPERATOR, recorded, refused, supplier_caller


class TestUpdateProduct:
    async def test_corrects_what_is_given_and_leaves_the_rest(self, session: AsyncSession):
        key = await catalog.product(session, name="Tea", category="Drinks")
        supplier = await parties.supplier(session)
        change = UpdateProduct(product_id=key, expected_version=1, name="Green tea", supplier_id=SupplierId(supplier))
        await commands.update_product(session, change, by=OPERATOR)
        row = await session.get_one(Product, key)
        assert (row.name, row.category, row.supplier_id, row.version) == ("Green tea", "Drinks", supplier, 2)
        facts = {"product_id": key, "supplier_id": supplier, "supplier_id_before": None}
        assert recorded(session)[-1] == ("catalog.product_updated", {**facts, "changed": ["name", "supplier_id"]})

    async def test_says_nothing_where_nothing_changes(self, session: AsyncSession):
        key = await catalog.product(session, name="Tea")
        before = recorded(session)
        await commands.update_product(session, UpdateProduct(product_id=key, name="Tea"), by=OPERATOR)
        assert recorded(session) == before
        assert (await session.get_one(Product, key)).version == 1

    async def test_refuses_a_version_that_is_past_and_tells_the_present_one(self, session: AsyncSession):
        key = await catalog.product(session)
        await commands.update_product(session, UpdateProduct(product_id=key, name="Other"), by=OPERATOR)
        change = UpdateProduct(product_id=key, expected_version=1, name="Third")
        async with refused(session, VersionConflict, field="expected_version") as caught:
            await commands.update_product(session, change, by=OPERATOR)
        assert caught.value.details == {"version": 2}

    async def test_refuses_a_product_that_there_is_not(self, session: AsyncSession):
        async with refused(session, commands.UnknownProduct, field="product_id"):
            await commands.update_product(session, UpdateProduct(product_id=ProductId(404), name="X"), by=OPERATOR)

    async def test_refuses_a_product_that_the_caller_does_not_see(self, session: AsyncSession):
        key = await catalog.product(session, publish=False)
        async with refused(session, commands.UnknownProduct, field="product_id"):
            await commands.update_product(session, UpdateProduct(product_id=key, name="X"), by=supplier_caller(7))

    async def test_refuses_gtins_and_suppliers_as_creating_does(self, session: AsyncSession):
        await catalog.product(session, gtin="96385074")
        key = await catalog.product(session)
        async with refused(session, commands.GtinTaken, field="gtin"):
            await commands.update_product(session, UpdateProduct(product_id=key, gtin="96385074"), by=OPERATOR)
        async with refused(session, commands.InvalidGtin, field="gtin"):
            await commands.update_product(session, UpdateProduct(product_id=key, gtin="96385075"), by=OPERATOR)
        change = UpdateProduct(product_id=key, supplier_id=SupplierId(404))
        async with refused(session, commands.UnknownSupplier, field="supplier_id"):
            await commands.update_product(session, change, by=OPERATOR)

    async def test_lets_one_of_two_editors_win(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions.begin() as session:
            key = await catalog.product(session)
            await write_outbox(session)

        async def rename(name: str) -> str:
            async with sessions.begin() as session:
                change = UpdateProduct(product_id=key, expected_version=1, name=name)
                await commands.update_product(session, change, by=OPERATOR)
                return name

        outcomes = await asyncio.gather(rename("One"), rename("Two"), return_exceptions=True)
        assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 1
        async with sessions() as session:
            assert (await session.get_one(Product, key)).name in outcomes


class TestPublishProduct:
    async def test_offers_a_draft(self, session: AsyncSession):
        key = await catalog.product(session, publish=False)
        await commands.publish_product(session, PublishProduct(product_id=key, expected_version=1), by=OPERATOR)
        assert (await session.get_one(Product, key)).status is ProductStatus.PUBLISHED
        facts = {"product_id": key, "supplier_id": None, "status_before": "DRAFT"}
        assert recorded(session)[-1] == ("catalog.product_published", facts)

    async def test_refuses_what_is_published(self, session: AsyncSession):
        key = await catalog.product(session)
        async with refused(session, commands.ActionNotAllowed, field="product_id"):
            await commands.publish_product(session, PublishProduct(product_id=key), by=OPERATOR)

    async def test_refuses_what_there_is_not_and_what_was_changed(self, session: AsyncSession):
        key = await catalog.product(session, publish=False)
        async with refused(session, commands.UnknownProduct, field="product_id"):
            await commands.publish_product(session, PublishProduct(product_id=ProductId(404)), by=OPERATOR)
        async with refused(session, VersionConflict, field="expected_version"):
            await commands.publish_product(session, PublishProduct(product_id=key, expected_version=2), by=OPERATOR)


class TestArchiveProduct:
    @pytest.mark.parametrize("publish", [True, False])
    async def test_keeps_the_product_but_offers_it_no_more(self, session: AsyncSession, publish: bool):  # noqa: FBT001
        key = await catalog.product(session, publish=publish)
        await commands.archive_product(session, ArchiveProduct(product_id=key), by=OPERATOR)
        assert (await session.get_one(Product, key)).status is ProductStatus.ARCHIVED
        assert recorded(session)[-1][0] == "catalog.product_archived"

    async def test_refuses_what_is_archived(self, session: AsyncSession):
        key = await catalog.product(session)
        await commands.archive_product(session, ArchiveProduct(product_id=key), by=OPERATOR)
        async with refused(session, commands.ActionNotAllowed, field="product_id"):
            await commands.archive_product(session, ArchiveProduct(product_id=key), by=OPERATOR)
