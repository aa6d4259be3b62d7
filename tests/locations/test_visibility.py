"""Who sees which places."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import ANONYMOUS
from app.locations import measures
from app.locations.tables import Location, LocationKind
from tests.factories import locations, parties
from tests.factories.access import ADMIN, OPERATOR, carrier_caller, customer_caller, seen, supplier_caller


class TestLocationVisibility:
    async def test_shows_selling_sites_to_everyone_and_the_rest_to_staff_and_their_supplier(
        self, session: AsyncSession
    ):
        supplier = await parties.supplier(session)
        shop = await locations.location(session)
        shelf = await locations.location(session, kind=LocationKind.BIN, parent_id=shop)
        closed = await locations.location(session, sells=False)
        theirs = await locations.location(session, sells=False, supplier_id=supplier)
        every = {shop, shelf, closed, theirs}
        expected = {ADMIN: every, OPERATOR: every, ANONYMOUS: {shop}}
        expected |= {customer_caller(1): {shop}, carrier_caller(1): {shop}}
        expected |= {supplier_caller(supplier): {shop, theirs}, supplier_caller(supplier + 1): {shop}}
        for by, places in expected.items():
            assert await seen(session, Location, measures.location_visibility, by) == places, by.name
