"""Customers are added and corrected."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.principal import ANONYMOUS
from app.kernel.refusal import InvalidInput, VersionConflict
from app.parties import commands, measures
from app.parties.commands import CreateCustomer, UpdateCustomer
from app.parties.tables import Customer, CustomerId, CustomerKind
from tests.factories import parties
from tests.factories.access import ADMIN, OPERATOR, customer_caller, recorded, refused, seen, supplier_caller


class TestCreateCustomer:
    async def test_adds_one_with_its_address(self, session: AsyncSession):
        request = CreateCustomer(
            number="C-7000", name="Ana", email="ana@example.org", address=Address(city="Recife", country_code="BR")
        )
        key = await commands.create_customer(session, request, by=OPERATOR)
        row = await session.get_one(Customer, key)
        assert (row.number, row.kind, row.email, row.city) == ("C-7000", CustomerKind.PERSON, request.email, "Recife")
        assert recorded(session)[-1] == ("parties.customer_created", {"customer_id": key, "number": "C-7000"})

    async def test_refuses_a_number_that_is_taken(self, session: AsyncSession):
        await parties.customer(session, number="C-7000")
        async with refused(session, commands.CustomerNumberTaken, field="number"):
            await commands.create_customer(session, CreateCustomer(number="C-7000", name="Bea"), by=OPERATOR)

    async def test_refuses_what_is_no_email_and_no_country(self, session: AsyncSession):
        async with refused(session, commands.InvalidEmail, field="email"):
            request = CreateCustomer(number="C-1", name="Ana", email="ana at example")
            await commands.create_customer(session, request, by=OPERATOR)
        async with refused(session, InvalidInput, field="address.country_code"):
            request = CreateCustomer(number="C-1", name="Ana", address=Address(country_code="B"))
            await commands.create_customer(session, request, by=OPERATOR)


class TestUpdateCustomer:
    async def test_lets_a_customer_correct_itself(self, session: AsyncSession):
        key = await parties.customer(session, phone="+55 81 1")
        change = UpdateCustomer(customer_id=key, expected_version=1, name="Ana Souza", kind=CustomerKind.BUSINESS)
        await commands.update_customer(session, change, by=customer_caller(key))
        row = await session.get_one(Customer, key)
        assert (row.name, row.kind, row.phone, row.version) == ("Ana Souza", CustomerKind.BUSINESS, "+55 81 1", 2)
        facts = {"customer_id": key, "changed": ["name", "kind"]}
        assert recorded(session)[-1] == ("parties.customer_updated", facts)

    async def test_refuses_another_customer_in_the_words_for_none(self, session: AsyncSession):
        key = await parties.customer(session)
        async with refused(session, commands.UnknownCustomer, field="customer_id") as foreign:
            change = UpdateCustomer(customer_id=key, name="Mine")
            await commands.update_customer(session, change, by=customer_caller(key + 1))
        async with refused(session, commands.UnknownCustomer, field="customer_id") as missing:
            change = UpdateCustomer(customer_id=CustomerId(404), name="Mine")
            await commands.update_customer(session, change, by=customer_caller(key))
        assert foreign.value.message == missing.value.message

    async def test_refuses_what_is_no_email_and_a_version_that_is_past(self, session: AsyncSession):
        key = await parties.customer(session)
        async with refused(session, commands.InvalidEmail, field="email"):
            await commands.update_customer(session, UpdateCustomer(customer_id=key, email="x"), by=OPERATOR)
        async with refused(session, VersionConflict, field="expected_version"):
            await commands.update_customer(session, UpdateCustomer(customer_id=key, expected_version=2), by=OPERATOR)


class TestCustomerVisibility:
    async def test_shows_a_customer_to_itself_and_staff(self, session: AsyncSession):
        one, two = await parties.customer(session), await parties.customer(session)
        expected = {ADMIN: {one, two}, OPERATOR: {one, two}, customer_caller(one): {one}}
        expected |= {ANONYMOUS: set(), supplier_caller(one): set()}
        for by, customers in expected.items():
            assert await seen(session, Customer, measures.customer_visibility, by) == customers, by.name
