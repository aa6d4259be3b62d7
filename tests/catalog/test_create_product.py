"""Products are added."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import CreateProduct, GtinTaken, InvalidGtin, SkuTaken, UnknownSupplier, create_product
from app.catalog.tables import Product, ProductStatus, SupplierId
from tests.factories import catalog, parties
from tests.factories.access import OPERATOR, recorded, refused


class TestCreateProduct:
    async def test_makes_a_draft_and_says_so(self, session: AsyncSession):
        supplier = await parties.supplier(session)
        request = CreateProduct(
            sku="TEA-1", name="Green tea", gtin="0012345678905", weight_grams=120, supplier_id=SupplierId(supplier)
        )
        key = await create_product(session, request, by=OPERATOR)
        row = await session.get_one(Product, key)
        assert (row.sku, row.status, row.gtin, row.version) == ("TEA-1", ProductStatus.DRAFT, "012345678905", 1)
        facts = {"product_id": key, "supplier_id": supplier, "sku": "TEA-1", "status": "DRAFT"}
        assert recorded(session)[-1] == ("catalog.product_created", facts)

    async def test_publishes_it_at_once_where_asked(self, session: AsyncSession):
        key = await create_product(session, CreateProduct(sku="TEA-2", name="Tea", publish=True), by=OPERATOR)
        assert (await session.get_one(Product, key)).status is ProductStatus.PUBLISHED

    async def test_refuses_an_sku_that_is_taken(self, session: AsyncSession):
        await catalog.product(session, sku="TEA-3")
        async with refused(session, SkuTaken, field="sku"):
            await create_product(session, CreateProduct(sku="TEA-3", name="Tea"), by=OPERATOR)

    async def test_refuses_a_gtin_that_is_taken_in_another_length(self, session: AsyncSession):
        await catalog.product(session, gtin="012345678905")
        async with refused(session, GtinTaken, field="gtin"):
            await create_product(session, CreateProduct(sku="TEA-4", name="Tea", gtin="0012345678905"), by=OPERATOR)

    async def test_refuses_a_gtin_with_a_wrong_check_digit(self, session: AsyncSession):
        async with refused(session, InvalidGtin, field="gtin"):
            await create_product(session, CreateProduct(sku="TEA-5", name="Tea", gtin="4006381333930"), by=OPERATOR)

    async def test_refuses_a_supplier_that_there_is_not(self, session: AsyncSession):
        request = CreateProduct(sku="TEA-6", name="Tea", supplier_id=SupplierId(404))
        async with refused(session, UnknownSupplier, field="supplier_id"):
            await create_product(session, request, by=OPERATOR)
