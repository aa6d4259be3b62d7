"""Places are added to the tree."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.refusal import InvalidInput
from app.locations import commands, measures, rules
from app.locations.commands import CreateLocation, create_location
from app.locations.tables import Location, LocationId, LocationKind, SupplierId
from tests.factories import locations, parties
from tests.factories.access import OPERATOR, recorded, refused, supplier_caller


def place(**details: object) -> CreateLocation:
    """A request for a warehouse, unless `details` say otherwise."""
    given = {"code": "LISBON", "name": "Lisbon", "kind": LocationKind.WAREHOUSE}
    return CreateLocation(**{**given, **details})  # type: ignore[arg-type]  # The test says what it gives.


class TestCreateLocation:
    async def test_adds_a_site_with_its_address_and_zone(self, session: AsyncSession):
        supplier = await parties.supplier(session)
        address = Address(city="Lisboa", country_code="PT", latitude=Decimal("38.7169"), longitude=Decimal("-9.1399"))
        request = place(address=address, time_zone="Europe/Lisbon", supplier_id=SupplierId(supplier), priority=5)
        key = await create_location(session, request, by=OPERATOR)
        row = await session.get_one(Location, key)
        assert (row.path, row.city, row.country_code, row.time_zone) == ("/LISBON/", "Lisboa", "PT", "Europe/Lisbon")
        assert (row.latitude, row.supplier_id, row.priority, row.sells) == (Decimal("38.7169"), supplier, 5, False)
        facts = {"location_id": key, "parent_id": None, "code": "LISBON", "path": "/LISBON/", "kind": "WAREHOUSE"}
        assert recorded(session)[-1] == ("locations.location_created", facts)

    async def test_puts_places_inside_and_finds_them_by_their_path(self, session: AsyncSession):
        site = await locations.location(session, code="A", time_zone="Asia/Tokyo")
        zone = await locations.location(session, code="COLD", kind=LocationKind.ZONE, parent_id=site)
        shelf = await locations.location(session, code="COLD-1", kind=LocationKind.BIN, parent_id=zone)
        await locations.location(session, code="A-2")
        row = await session.get_one(Location, shelf)
        assert (row.path, row.time_zone) == ("/A/COLD/COLD-1/", "Asia/Tokyo")
        table = Location.__table__
        inside = select(table.c.id).where(measures.within(table, "/A/"))
        assert set(await session.scalars(inside)) == {site, zone, shelf}

    async def test_takes_utc_where_nothing_is_said(self, session: AsyncSession):
        key = await create_location(session, place(), by=OPERATOR)
        assert (await session.get_one(Location, key)).time_zone == "UTC"

    async def test_refuses_a_code_that_is_taken(self, session: AsyncSession):
        await locations.location(session, code="LISBON")
        async with refused(session, commands.LocationCodeTaken, field="code"):
            await create_location(session, place(), by=OPERATOR)

    @pytest.mark.parametrize("code", ["A/B", "A B", "A\u00a0B"])
    async def test_refuses_a_code_that_breaks_paths(self, session: AsyncSession, code: str):
        async with refused(session, InvalidInput, field="code"):
            await create_location(session, place(code=code), by=OPERATOR)

    @pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "europe/lisbon"])
    async def test_refuses_a_time_zone_that_there_is_not(self, session: AsyncSession, name: str):
        async with refused(session, commands.UnknownTimeZone, field="time_zone"):
            await create_location(session, place(time_zone=name), by=OPERATOR)

    async def test_refuses_a_country_that_is_no_code(self, session: AsyncSession):
        async with refused(session, InvalidInput, field="address.country_code"):
            await create_location(session, place(address=Address(country_code="pt")), by=OPERATOR)

    async def test_refuses_a_bin_that_lies_nowhere_or_in_a_bin(self, session: AsyncSession):
        async with refused(session, commands.LocationDoesNotFit, field="kind"):
            await create_location(session, place(kind=LocationKind.BIN), by=OPERATOR)
        site = await locations.location(session)
        shelf = await locations.location(session, kind=LocationKind.BIN, parent_id=site)
        async with refused(session, commands.LocationDoesNotFit, field="kind"):
            await create_location(session, place(kind=LocationKind.BIN, parent_id=shelf), by=OPERATOR)

    async def test_refuses_a_tree_that_is_too_deep(self, session: AsyncSession):
        above = None
        for _ in range(rules.DEPTH_MAX):
            above = await locations.location(session, parent_id=above)
        async with refused(session, commands.LocationDoesNotFit, field="parent_id"):
            await create_location(session, place(parent_id=above), by=OPERATOR)

    async def test_refuses_a_parent_or_supplier_that_there_is_not(self, session: AsyncSession):
        async with refused(session, commands.UnknownParent, field="parent_id"):
            await create_location(session, place(parent_id=LocationId(404)), by=OPERATOR)
        async with refused(session, commands.UnknownSupplier, field="supplier_id"):
            await create_location(session, place(supplier_id=SupplierId(404)), by=OPERATOR)

    async def test_refuses_a_parent_that_the_caller_does_not_see(self, session: AsyncSession):
        hidden = await locations.location(session, sells=False)
        async with refused(session, commands.UnknownParent, field="parent_id"):
            await create_location(session, place(parent_id=hidden), by=supplier_caller(7))
