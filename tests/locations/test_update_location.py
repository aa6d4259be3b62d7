"""Places are corrected."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.refusal import InvalidInput, VersionConflict
from app.locations import commands
from app.locations.commands import UpdateLocation, update_location
from app.locations.tables import Location, LocationId, SupplierId
from tests.factories import locations
from tests.factories.access import OPERATOR, recorded, refused


class TestUpdateLocation:
    async def test_corrects_what_is_given_and_tells_its_uses_before(self, session: AsyncSession):
        key = await locations.location(session, address=Address(line1="Old road 1", city="Porto"), priority=3)
        change = UpdateLocation(
            location_id=key, expected_version=1, sells=False, address=Address(city="Lisboa"), time_zone="Europe/Lisbon"
        )
        await update_location(session, change, by=OPERATOR)
        row = await session.get_one(Location, key)
        assert (row.sells, row.fulfils, row.line1, row.city, row.priority) == (False, True, None, "Lisboa", 3)
        name, facts = recorded(session)[-1]
        assert (name, facts["changed"]) == ("locations.location_updated", ["time_zone", "sells", "line1", "city"])
        assert (facts["sells_before"], facts["sells"], facts["fulfils_before"]) == (True, False, True)

    async def test_says_nothing_where_nothing_changes(self, session: AsyncSession):
        key = await locations.location(session)
        before = recorded(session)
        await update_location(session, UpdateLocation(location_id=key, sells=True), by=OPERATOR)
        assert recorded(session) == before

    async def test_refuses_what_there_is_not(self, session: AsyncSession):
        key = await locations.location(session)
        async with refused(session, commands.UnknownLocation, field="location_id"):
            await update_location(session, UpdateLocation(location_id=LocationId(404)), by=OPERATOR)
        async with refused(session, commands.UnknownTimeZone, field="time_zone"):
            await update_location(session, UpdateLocation(location_id=key, time_zone="Mars"), by=OPERATOR)
        async with refused(session, commands.UnknownSupplier, field="supplier_id"):
            await update_location(session, UpdateLocation(location_id=key, supplier_id=SupplierId(404)), by=OPERATOR)
        async with refused(session, InvalidInput, field="address.country_code"):
            change = UpdateLocation(location_id=key, address=Address(country_code="P1"))
            await update_location(session, change, by=OPERATOR)

    async def test_refuses_a_version_that_is_past(self, session: AsyncSession):
        key = await locations.location(session)
        async with refused(session, VersionConflict, field="expected_version"):
            await update_location(session, UpdateLocation(location_id=key, expected_version=9), by=OPERATOR)
