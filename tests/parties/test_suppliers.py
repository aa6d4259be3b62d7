"""Suppliers are added and corrected."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.principal import ANONYMOUS
from app.kernel.refusal import InvalidInput, VersionConflict
from app.parties import commands, measures
from app.parties.commands import CreateSupplier, UpdateSupplier
from app.parties.tables import Supplier, SupplierId
from tests.factories import parties
from tests.factories.access import ADMIN, OPERATOR, customer_caller, recorded, refused, seen, supplier_caller


class TestCreateSupplier:
    async def test_adds_one(self, session: AsyncSession):
        request = CreateSupplier(code="ACME", name="Acme", lead_time_days=12, address=Address(country_code="BR"))
        key = await commands.create_supplier(session, request, by=OPERATOR)
        row = await session.get_one(Supplier, key)
        assert (row.code, row.lead_time_days, row.country_code) == ("ACME", 12, "BR")
        assert recorded(session)[-1] == ("parties.supplier_created", {"supplier_id": key, "code": "ACME"})

    async def test_refuses_a_code_that_is_taken_and_what_is_misspelt(self, session: AsyncSession):
        await parties.supplier(session, code="ACME")
        async with refused(session, commands.SupplierCodeTaken, field="code"):
            await commands.create_supplier(session, CreateSupplier(code="ACME", name="Acme"), by=OPERATOR)
        async with refused(session, commands.InvalidEmail, field="email"):
            request = CreateSupplier(code="B", name="B", email="b@b")
            await commands.create_supplier(session, request, by=OPERATOR)
        async with refused(session, InvalidInput, field="address.country_code"):
            request = CreateSupplier(code="B", name="B", address=Address(country_code="BRA"))
            await commands.create_supplier(session, request, by=OPERATOR)


class TestUpdateSupplier:
    async def test_corrects_what_is_given(self, session: AsyncSession):
        key = await parties.supplier(session)
        change = UpdateSupplier(supplier_id=key, lead_time_days=0, email="buy@acme.example")
        await commands.update_supplier(session, change, by=OPERATOR)
        row = await session.get_one(Supplier, key)
        assert (row.lead_time_days, row.email) == (0, "buy@acme.example")
        facts = {"supplier_id": key, "changed": ["email", "lead_time_days"]}
        assert recorded(session)[-1] == ("parties.supplier_updated", facts)

    async def test_refuses_what_there_is_not_is_misspelt_or_past(self, session: AsyncSession):
        key = await parties.supplier(session)
        async with refused(session, commands.UnknownSupplier, field="supplier_id"):
            await commands.update_supplier(session, UpdateSupplier(supplier_id=SupplierId(404)), by=OPERATOR)
        async with refused(session, commands.InvalidEmail, field="email"):
            await commands.update_supplier(session, UpdateSupplier(supplier_id=key, email="b"), by=OPERATOR)
        async with refused(session, VersionConflict, field="expected_version"):
            await commands.update_supplier(session, UpdateSupplier(supplier_id=key, expected_version=2), by=OPERATOR)


class TestSupplierVisibility:
    async def test_shows_a_supplier_to_itself_and_staff(self, session: AsyncSession):
        one, two = await parties.supplier(session), await parties.supplier(session)
        expected = {ADMIN: {one, two}, OPERATOR: {one, two}, supplier_caller(two): {two}}
        expected |= {ANONYMOUS: set(), customer_caller(one): set()}
        for by, suppliers in expected.items():
            assert await seen(session, Supplier, measures.supplier_visibility, by) == suppliers, by.name
