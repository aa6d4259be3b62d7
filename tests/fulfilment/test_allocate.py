"""Allocating an order: the nearest location, one transaction, and the reason where it cannot be done."""

from __future__ import annotations

import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.fulfilment import commands
from app.fulfilment.questions import sourcing_plan
from app.fulfilment.tables import FulfilmentId, FulfilmentStatus, SourcingVerdict
from app.inventory.commands import InsufficientStock
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM
from app.kernel.refusal import Refusal
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId
from app.orders.commands import ActionNotAllowed, CancelOrder, UnknownOrder, cancel_order
from app.orders.tables import Order, OrderId, OrderLine, OrderStatus
from tests.factories import access, inventory
from tests.factories import fulfilment as factory


async def allocate(session: AsyncSession, order_id: OrderId, location_id: LocationId | None = None) -> OrderId:
    request = commands.AllocateOrder(order_id=order_id, location_id=location_id)
    return await commands.allocate_order(session, request, by=access.OPERATOR)


class TestAllocateOrder:
    async def test_moves_the_hold_to_the_nearest_location(self, session: AsyncSession):
        product = await inventory.product(session)
        far = await factory.stocked_at(session, product, 5, factory.BERLIN)
        order_id = await factory.ordered(session, [(product, 3)])
        near = await factory.stocked_at(session, product, 5, factory.PORTO)
        await allocate(session, order_id)
        assert await inventory.counts(session, product, far) == (5, 0, 0)
        assert await inventory.counts(session, product, near) == (5, 3, 0)
        (fulfilment,) = await factory.fulfilments(session, order_id)
        assert (fulfilment.location_id, fulfilment.status) == (near, FulfilmentStatus.ALLOCATED)
        assert fulfilment.number == f"F-{fulfilment.id + 10_000_000}"
        assert [(line.product_id, line.quantity) for line in await factory.lines(session, fulfilment.id)] == [
            (product, 3)
        ]
        await inventory.assert_balanced(session)

    async def test_brings_the_order_to_allocated_and_tells_it(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 2)
        order = await session.get_one(Order, fulfilment.order_id, populate_existing=True)
        assert order.status is OrderStatus.ALLOCATED
        (told,) = [facts for name, facts in access.recorded(session) if name == "fulfilment.fulfilment_allocated"]
        assert (told["fulfilment_id"], told["order_id"], told["pieces"]) == (fulfilment.id, order.id, 2)
        assert (told["status_before"], told["status_after"]) == (None, "ALLOCATED")

    async def test_splits_a_line_where_no_location_has_it_all(self, session: AsyncSession):
        product = await inventory.product(session)
        far = await factory.stocked_at(session, product, 2, factory.BERLIN)
        near = await factory.stocked_at(session, product, 2, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        await allocate(session, order_id)
        served = {
            fulfilment.location_id: [line.quantity for line in await factory.lines(session, fulfilment.id)]
            for fulfilment in await factory.fulfilments(session, order_id)
        }
        assert served == {near: [2], far: [1]}
        await inventory.assert_balanced(session)

    async def test_serves_from_the_location_that_staff_name(self, session: AsyncSession):
        product = await inventory.product(session)
        far = await factory.stocked_at(session, product, 5, factory.BERLIN)
        await factory.stocked_at(session, product, 5, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        await allocate(session, order_id, far)
        assert [fulfilment.location_id for fulfilment in await factory.fulfilments(session, order_id)] == [far]

    async def test_refuses_what_nobody_has(self, session: AsyncSession):
        product = await inventory.product(session)
        await factory.stocked_at(session, product, 5, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        elsewhere = await inventory.location(session)
        async with access.refused(session, commands.NoLocationServes, field="order_id") as caught:
            await allocate(session, order_id, elsewhere)
        assert caught.value.details == {"missing": 3}

    async def test_refuses_a_second_time(self, session: AsyncSession):
        fulfilment = await factory.allocated(session)
        async with access.refused(session, commands.NothingToAllocate, field="order_id"):
            await allocate(session, OrderId(fulfilment.order_id))

    async def test_refuses_a_cancelled_order(self, session: AsyncSession):
        fulfilment = await factory.allocated(session)
        await cancel_order(session, CancelOrder(order_id=OrderId(fulfilment.order_id)), by=SYSTEM)
        async with access.refused(session, ActionNotAllowed):
            await allocate(session, OrderId(fulfilment.order_id))

    async def test_refuses_an_unknown_order(self, session: AsyncSession):
        async with access.refused(session, UnknownOrder, field="order_id"):
            await allocate(session, OrderId(404))

    async def test_refuses_an_unknown_location(self, session: AsyncSession):
        product = await inventory.product(session)
        await factory.stocked_at(session, product, 5, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        async with access.refused(session, UnknownLocation, field="location_id"):
            await allocate(session, order_id, LocationId(404))

    async def test_gives_the_last_pieces_to_one_of_two_at_once(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions() as session:
            product = await inventory.product(session)
            far = await factory.stocked_at(session, product, 4, factory.BERLIN)
            ids = [await factory.ordered(session, [(product, 2)]) for _ in range(2)]
            near = await factory.stocked_at(session, product, 2, factory.PORTO)
            await session.commit()

        async def attempt(order_id: OrderId) -> Refusal | None:
            async with sessions() as session:
                try:
                    await allocate(session, order_id)
                except Refusal as refusal:
                    return refusal
                await write_outbox(session)
                await session.commit()
                return None

        outcomes = await asyncio.gather(*(attempt(order_id) for order_id in ids))
        assert all(outcome is None or isinstance(outcome, InsufficientStock) for outcome in outcomes)
        assert None in outcomes
        async with sessions() as session:
            lost = [order_id for order_id, outcome in zip(ids, outcomes, strict=True) if outcome]
            for order_id in lost:
                await allocate(session, order_id)
            assert await inventory.counts(session, product, near) == (2, 2, 0)
            assert await inventory.counts(session, product, far) == (4, 2, 0)
            await inventory.assert_balanced(session)


class TestSourcingPlan:
    async def test_tells_beforehand_what_is_chosen_and_why_not_the_others(self, session: AsyncSession):
        product = await inventory.product(session)
        far = await factory.stocked_at(session, product, 5, factory.BERLIN)
        near = await factory.stocked_at(session, product, 5, factory.PORTO)
        few = await factory.stocked_at(session, product, 1, factory.LISBON)
        unknown = await factory.stocked_at(session, product, 5, None)
        empty = await inventory.location(session, address=factory.LISBON)
        order_id = await factory.ordered(session, [(product, 3)])
        plan = await sourcing_plan(session, order_id, by=access.OPERATOR)
        assert plan is not None
        assert {candidate.location_id: candidate.verdict for candidate in plan.candidates} == {
            near: SourcingVerdict.CHOSEN,
            far: SourcingVerdict.NOT_NEARER,
            few: SourcingVerdict.WOULD_SPLIT,
            unknown: SourcingVerdict.DISTANCE_UNKNOWN,
            empty: SourcingVerdict.NO_STOCK,
        }
        await allocate(session, order_id)
        assert [fulfilment.location_id for fulfilment in await factory.fulfilments(session, order_id)] == [near]

    async def test_counts_the_order_s_own_hold_as_free(self, session: AsyncSession):
        product = await inventory.product(session)
        only = await factory.stocked_at(session, product, 3, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        plan = await sourcing_plan(session, order_id, by=access.OPERATOR)
        assert plan is not None
        assert [candidate.location_id for candidate in plan.chosen] == [only]

    async def test_is_for_staff(self, session: AsyncSession):
        product = await inventory.product(session)
        await factory.stocked_at(session, product, 3, factory.PORTO)
        order_id = await factory.ordered(session, [(product, 3)])
        assert await sourcing_plan(session, order_id, by=ANONYMOUS) is None


class TestCancelFulfilment:
    async def test_keeps_the_hold_and_lets_the_order_be_allocated_again(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 2)
        request = commands.CancelFulfilment(fulfilment_id=FulfilmentId(fulfilment.id))
        await commands.cancel_fulfilment(session, request, by=access.OPERATOR)
        line = await session.scalar(select(OrderLine).where(OrderLine.order_id == fulfilment.order_id))
        assert line is not None
        assert (line.quantity_allocated, fulfilment.status) == (0, FulfilmentStatus.CANCELLED)
        assert (await inventory.counts(session, line.product_id, fulfilment.location_id))[1] == 2
        await allocate(session, OrderId(fulfilment.order_id))
        assert (await inventory.counts(session, line.product_id, fulfilment.location_id))[1] == 2
        await inventory.assert_balanced(session)

    async def test_refuses_once_cancelled(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 2)
        request = commands.CancelFulfilment(fulfilment_id=FulfilmentId(fulfilment.id))
        await commands.cancel_fulfilment(session, request, by=access.OPERATOR)
        async with access.refused(session, commands.FulfilmentStatusForbids, field="fulfilment_id"):
            await commands.cancel_fulfilment(session, request, by=access.OPERATOR)

    async def test_follows_the_order_s_cancellation(self, session: AsyncSession):
        fulfilment = await factory.allocated(session, 2)
        await cancel_order(session, CancelOrder(order_id=OrderId(fulfilment.order_id)), by=SYSTEM)
        assert await commands.cancel_fulfilments_of(session, fulfilment.order_id, by=SYSTEM) == 1
        assert await commands.cancel_fulfilments_of(session, fulfilment.order_id, by=SYSTEM) == 0
        assert fulfilment.status is FulfilmentStatus.CANCELLED
