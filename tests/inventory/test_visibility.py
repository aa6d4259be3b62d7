"""Who sees which stock."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import Product
from app.inventory.commands import SetReorderPoint, set_reorder_point
from app.inventory.measures import (
    available,
    below_reorder_point,
    product_available,
    product_incoming,
    product_on_hand,
    stock_level_visibility,
    stock_movement_visibility,
)
from app.inventory.tables import StockLevel, StockMovement
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.kernel.refusal import VersionConflict
from app.kernel.visibility import Visibility, viewer_values
from app.parties.commands import CreateSupplier, create_supplier
from tests.factories import inventory as make


async def seen(session: AsyncSession, table: Any, visibility: Visibility, caller: Principal) -> set[int]:
    """The products of the rows that the caller sees."""
    condition = visibility.condition(table.__table__, caller.roles)
    statement = select(table.product_id).where(condition).params(**viewer_values(caller))
    return set(await session.scalars(statement))


class TestStockVisibility:
    async def test_shows_everyone_what_is_offered_and_suppliers_their_own(self, session: AsyncSession) -> None:
        supplier_id = await create_supplier(session, CreateSupplier(code="S-1", name="Supplier"), by=SYSTEM)
        supplier = Principal(roles=frozenset({Role.SUPPLIER}), supplier_id=supplier_id)
        offered, _ = await make.stocked(session, 1)
        draft, _ = await make.stocked(session, 1, product_id=await make.product(session, publish=False))
        backroom, _ = await make.stocked(session, 1, location_id=await make.location(session, sells=False))
        own, _ = await make.stocked(session, 1, product_id=await make.product(session, supplier_id=supplier_id))
        levels, movements = stock_level_visibility, stock_movement_visibility
        assert await seen(session, StockLevel, levels, ANONYMOUS) == {offered, own}
        assert await seen(session, StockLevel, levels, supplier) == {own}
        assert await seen(session, StockLevel, levels, SYSTEM) == {offered, draft, backroom, own}
        assert await seen(session, StockMovement, movements, ANONYMOUS) == set()
        assert await seen(session, StockMovement, movements, supplier) == {own}


class TestMeasures:
    async def test_sum_over_locations(self, session: AsyncSession) -> None:
        product_id, _ = await make.stocked(session, 3)
        await make.stocked(session, 4, product_id=product_id)
        await make.stocked(session, 5, product_id=product_id, location_id=await make.location(session, sells=False))
        table = Product.__table__
        told = select(product_available(table), product_on_hand(table), product_incoming(table))
        row = (await session.execute(told.where(table.c.id == product_id))).one()
        assert tuple(row) == (7, 12, 0)

    @pytest.mark.parametrize(("point", "below"), [(None, False), (2, False), (3, True), (4, True)])
    async def test_tell_where_more_should_be_ordered(
        self, session: AsyncSession, point: int | None, *, below: bool
    ) -> None:
        product_id, location_id = await make.stocked(session, 3)
        setting = SetReorderPoint(product_id=product_id, location_id=location_id, reorder_point=point)
        level_id = await set_reorder_point(session, setting, by=SYSTEM)
        table = StockLevel.__table__
        row = (
            await session.execute(select(available(table), below_reorder_point(table)).where(table.c.id == level_id))
        ).one()
        assert tuple(row) == (3, below)


class TestSetReorderPoint:
    async def test_tells_it_once_and_refuses_an_old_version(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 3)
        session.info.clear()
        setting = SetReorderPoint(product_id=product_id, location_id=location_id, reorder_point=2)
        await set_reorder_point(session, setting, by=SYSTEM)
        await set_reorder_point(session, setting, by=SYSTEM)
        (event,) = make.events_of(session)
        assert (event["name"], event["reorder_point_after"]) == ("inventory.reorder_point_set", 2)
        old = SetReorderPoint(product_id=product_id, location_id=location_id, reorder_point=1, expected_version=1)
        with pytest.raises(VersionConflict):
            await set_reorder_point(session, old, by=SYSTEM)
