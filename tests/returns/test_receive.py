"""Goods that come back: received, disposed of, and on sale again only where they are restocked."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.tables import MovementReason, StockMovement
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId
from app.returns import commands
from app.returns.events import ReturnDisposed, ReturnReceived
from app.returns.tables import Disposition, ReturnCondition, ReturnStatus
from tests.factories import access, inventory
from tests.factories import returns as factory


class TestReceiveReturn:
    async def test_counts_what_arrived_and_tells_the_order(self, session: AsyncSession):
        location_id = await inventory.location(session)
        returned = await factory.approved(session, 2)
        await factory.receive(session, returned, 1, location_id=location_id)
        now = await factory.fresh(session, returned.id)
        assert (now.status, now.location_id) == (ReturnStatus.RECEIVED, location_id)
        (line,) = await factory.lines(session, returned.id)
        assert (line.quantity_received, line.condition) == (1, ReturnCondition.OPENED)
        assert (await factory.order_line(session, returned.order_id)).quantity_returned == 1
        name, facts = access.recorded(session)[-1]
        assert (name, facts["pieces"], facts["location_id"]) == (ReturnReceived.name, 1, location_id)

    async def test_lets_what_did_not_arrive_be_asked_for_again(self, session: AsyncSession):
        returned = await factory.approved(session, 3)
        await factory.receive(session, returned, 1)
        await factory.ask(session, await factory.order_line(session, returned.order_id), 2)

    async def test_refuses_more_than_was_asked_for(self, session: AsyncSession):
        returned = await factory.approved(session, 2)
        at = await inventory.location(session)
        async with access.refused(session, commands.ReceivedTooMany, field="lines.0.quantity") as caught:
            await factory.receive(session, returned, 3, location_id=at)
        assert caught.value.details == {"expected": 2}

    async def test_refuses_an_unknown_location(self, session: AsyncSession):
        returned = await factory.approved(session, 2)
        async with access.refused(session, UnknownLocation, field="location_id"):
            await factory.receive(session, returned, 2, location_id=LocationId(404))

    async def test_refuses_before_we_agreed(self, session: AsyncSession):
        returned = await factory.requested(session, 2)
        at = await inventory.location(session)
        async with access.refused(session, commands.ReturnStatusForbids, field="return_id"):
            await factory.receive(session, returned, 2, location_id=at)


class TestDisposeReturn:
    async def test_puts_restocked_pieces_back_on_sale_where_they_arrived(self, session: AsyncSession):
        location_id = await inventory.location(session)
        returned = await factory.received(session, 2, location_id=location_id)
        await factory.dispose(session, returned, Disposition.RESTOCK)
        (line,) = await factory.lines(session, returned.id)
        assert await inventory.counts(session, line.product_id, location_id) == (2, 0, 0)
        moved = select(StockMovement.quantity).where(
            StockMovement.reason == MovementReason.RETURNED, StockMovement.reference == returned.number
        )
        assert (await session.scalars(moved)).all() == [2]
        assert (await factory.fresh(session, returned.id)).status is ReturnStatus.DISPOSED
        await inventory.assert_balanced(session)
        assert access.recorded(session)[-1][0] == ReturnDisposed.name

    @pytest.mark.parametrize("disposition", sorted(set(Disposition) - {Disposition.RESTOCK}))
    async def test_keeps_everything_else_off_sale(self, session: AsyncSession, disposition: Disposition):
        returned = await factory.disposed(session, 2, disposition)
        moved = select(StockMovement.id).where(StockMovement.reference == returned.number)
        assert (await session.scalars(moved)).all() == []
        assert returned.status is ReturnStatus.DISPOSED

    async def test_refuses_a_second_time(self, session: AsyncSession):
        returned = await factory.disposed(session)
        async with access.refused(session, commands.ReturnStatusForbids, field="return_id"):
            await factory.dispose(session, returned, Disposition.SCRAP)
