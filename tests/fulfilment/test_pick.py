"""Picking: what was taken is counted, too much is refused, and what is missing leaves the books."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ProductId
from app.fulfilment import commands
from app.fulfilment.tables import Fulfilment, FulfilmentId, FulfilmentStatus
from app.kernel.principal import SYSTEM
from app.orders.commands import ActionNotAllowed, CancelOrder, cancel_order
from app.orders.tables import Order, OrderId, OrderStatus
from tests.factories import access, inventory
from tests.factories import fulfilment as factory


async def fresh(session: AsyncSession, fulfilment: Fulfilment) -> Fulfilment:
    return await session.get_one(Fulfilment, fulfilment.id, populate_existing=True)


class TestConfirmPick:
    async def test_counts_what_was_picked(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3)
        (line,) = await factory.lines(session, fulfilment.id)
        await factory.pick(session, fulfilment.id, (line.id, 1))
        assert (await fresh(session, fulfilment)).status is FulfilmentStatus.PICKING
        await factory.pick(session, fulfilment.id, (line.id, 2))
        picked = await fresh(session, fulfilment)
        assert (picked.status, picked.picked_at is None) == (FulfilmentStatus.PICKED, False)
        told = [facts for name, facts in access.recorded(session) if name == "fulfilment.fulfilment_picked"]
        assert [(facts["status_before"], facts["status_after"], facts["pieces"]) for facts in told] == [
            ("ALLOCATED", "PICKING", 1),
            ("PICKING", "PICKED", 2),
        ]

    async def test_refuses_more_than_the_line_wants(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3)
        (line,) = await factory.lines(session, fulfilment.id)
        async with access.refused(session, commands.PickedTooMany, field="lines.0.quantity") as caught:
            await factory.pick(session, fulfilment.id, (line.id, 4))
        assert caught.value.details == {"wanted": 3}
        assert (await factory.lines(session, fulfilment.id))[0].quantity_picked == 0

    async def test_refuses_a_line_of_another_fulfilment(self, session: AsyncSession):
        fulfilment, other = await factory.allocated(session), await factory.allocated(session)
        (foreign,) = await factory.lines(session, other.id)
        async with access.refused(session, commands.UnknownFulfilmentLine, field="lines.0.fulfilment_line_id"):
            await factory.pick(session, fulfilment.id, (foreign.id, 1))

    async def test_refuses_the_same_line_twice(self, session: AsyncSession):
        fulfilment = await factory.allocated(session)
        (line,) = await factory.lines(session, fulfilment.id)
        async with access.refused(session, commands.LineRepeated, field="lines.1.fulfilment_line_id"):
            await factory.pick(session, fulfilment.id, (line.id, 1), (line.id, 1))

    async def test_refuses_nothing_at_all(self, session: AsyncSession):
        fulfilment = await factory.allocated(session)
        async with access.refused(session, commands.NothingPicked, field="lines"):
            await factory.pick(session, fulfilment.id)

    async def test_refuses_an_unknown_fulfilment(self, session: AsyncSession):
        async with access.refused(session, commands.UnknownFulfilment, field="fulfilment_id"):
            await factory.pick(session, FulfilmentId(404), (1, 1))

    async def test_refuses_once_the_order_is_cancelled(self, session: AsyncSession):
        fulfilment = await factory.allocated(session)
        (line,) = await factory.lines(session, fulfilment.id)
        await cancel_order(session, CancelOrder(order_id=OrderId(fulfilment.order_id)), by=SYSTEM)
        async with access.refused(session, ActionNotAllowed):
            await factory.pick(session, fulfilment.id, (line.id, 1))


class TestShortPick:
    async def test_takes_the_missing_pieces_off_the_books_and_the_hold(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3, stock=5)
        (line,) = await factory.lines(session, fulfilment.id)
        await factory.pick(session, fulfilment.id, (line.id, 1), is_last=True)
        (line,) = await factory.lines(session, fulfilment.id)
        assert (line.quantity_picked, line.quantity_short) == (1, 2)
        assert (await fresh(session, fulfilment)).status is FulfilmentStatus.PICKED
        assert await inventory.counts(session, line.product_id, fulfilment.location_id) == (3, 1, 0)
        order = await session.get_one(Order, fulfilment.order_id, populate_existing=True)
        assert order.status is OrderStatus.PARTIALLY_ALLOCATED
        await inventory.assert_balanced(session)

    async def test_lets_the_rest_be_allocated_elsewhere(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3, stock=3)
        (line,) = await factory.lines(session, fulfilment.id)
        elsewhere = await factory.stocked_at(session, ProductId(line.product_id), 9, factory.BERLIN)
        await factory.pick(session, fulfilment.id, (line.id, 2), is_last=True)
        request = commands.AllocateOrder(order_id=OrderId(fulfilment.order_id))
        await commands.allocate_order(session, request, by=access.OPERATOR)
        served = await factory.fulfilments(session, fulfilment.order_id)
        assert [each.location_id for each in served] == [fulfilment.location_id, elsewhere]
        assert await inventory.counts(session, line.product_id, fulfilment.location_id) == (2, 2, 0)
        assert await inventory.counts(session, line.product_id, elsewhere) == (9, 1, 0)
        await inventory.assert_balanced(session)

    async def test_ends_a_fulfilment_of_which_nothing_was_found(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 3, stock=3)
        (line,) = await factory.lines(session, fulfilment.id)
        await factory.pick(session, fulfilment.id, is_last=True)
        assert (await fresh(session, fulfilment)).status is FulfilmentStatus.CANCELLED
        assert await inventory.counts(session, line.product_id, fulfilment.location_id) == (0, 0, 0)
        assert access.recorded(session)[-1][0] == "fulfilment.fulfilment_cancelled"
        await inventory.assert_balanced(session)
