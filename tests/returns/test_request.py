"""Asking to send goods back: only what was delivered, never twice, and only one's own."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM
from app.kernel.refusal import Refusal
from app.orders.commands import UnknownOrder, UnknownOrderLine
from app.orders.tables import OrderId, OrderLineId
from app.returns import commands, rules
from app.returns.events import ReturnRequested
from app.returns.measures import allowed_actions, return_visibility
from app.returns.questions import returnable_lines
from app.returns.tables import Return, ReturnId, ReturnLine, ReturnReason, ReturnStatus
from tests.factories import access, orders, shipments
from tests.factories import returns as factory


class TestRequestReturn:
    async def test_asks_for_delivered_pieces(self, session: AsyncSession):
        returned = await factory.requested(session, 2)
        assert (returned.status, returned.number) == (ReturnStatus.REQUESTED, f"RMA-{returned.id + 10_000_000}")
        assert [line.quantity for line in await factory.lines(session, returned.id)] == [2]
        (told,) = [facts for name, facts in access.recorded(session) if name == ReturnRequested.name]
        assert (told["return_id"], told["status_before"], told["status_after"]) == (returned.id, None, "REQUESTED")

    async def test_lets_the_customer_ask_for_its_own_only(self, session: AsyncSession):
        mine, stranger = await orders.customer(session), await orders.customer(session)
        shipment = await shipments.delivered(session, by=mine)
        line = await factory.order_line(session, shipment.order_id)
        async with access.refused(session, UnknownOrder, field="order_id"):
            await factory.ask(session, line, 1, by=stranger)
        return_id = await factory.ask(session, line, 1, by=mine)
        assert await access.seen(session, Return, return_visibility, mine) == {return_id}
        assert await access.seen(session, Return, return_visibility, stranger) == set()
        assert await access.seen(session, Return, return_visibility, access.carrier_caller(1)) == set()

    async def test_refuses_what_was_not_delivered(self, session: AsyncSession):
        shipment = await shipments.dispatched(session)
        line = await factory.order_line(session, shipment.order_id)
        async with access.refused(session, commands.NotReturnable, field="lines.0.quantity") as caught:
            await factory.ask(session, line, 1)
        assert caught.value.details == {"returnable": 0}

    async def test_refuses_more_than_no_other_return_claims(self, session: AsyncSession):
        returned = await factory.requested(session, 2, delivered=3)
        line = await factory.order_line(session, returned.order_id)
        async with access.refused(session, commands.NotReturnable, field="lines.0.quantity") as caught:
            await factory.ask(session, line, 2)
        assert caught.value.details == {"returnable": 1}
        await factory.ask(session, line, 1)

    async def test_frees_what_a_rejected_return_claimed(self, session: AsyncSession):
        returned = await factory.requested(session, 3, delivered=3)
        rejection = commands.RejectReturn(return_id=ReturnId(returned.id), reason="The time to return it is over.")
        await commands.reject_return(session, rejection, by=SYSTEM)
        left = await returnable_lines(session, OrderId(returned.order_id), by=SYSTEM)
        assert left is not None
        assert [line.quantity for line in left] == [3]

    async def test_does_not_take_back_twice_what_arrived_with_a_return_that_was_closed(self, session: AsyncSession):
        returned = await factory.disposed(session, 2)
        await commands.close_return(session, commands.CloseReturn(return_id=ReturnId(returned.id)), by=SYSTEM)
        line = await factory.order_line(session, returned.order_id)
        async with access.refused(session, commands.NotReturnable, field="lines.0.quantity") as caught:
            await factory.ask(session, line, 2)
        assert caught.value.details == {"returnable": 1}

    async def test_refuses_lines_that_are_unknown_or_repeated(self, session: AsyncSession):
        shipment = await shipments.delivered(session)
        line = await factory.order_line(session, shipment.order_id)
        known = commands.RequestedLine(order_line_id=OrderLineId(line.id), quantity=1)
        unknown = commands.RequestedLine(order_line_id=OrderLineId(404), quantity=1)
        for lines, refusal in (((known, unknown), UnknownOrderLine), ((known, known), commands.ReturnLineRepeated)):
            request = commands.RequestReturn(order_id=OrderId(line.order_id), lines=lines, reason=ReturnReason.OTHER)
            async with access.refused(session, refusal, field="lines.1.order_line_id"):
                await commands.request_return(session, request, by=SYSTEM)

    async def test_gives_the_last_piece_to_one_of_two_at_once(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions() as session:
            shipment = await shipments.delivered(session, 1)
            line = await factory.order_line(session, shipment.order_id)
            await session.commit()

        async def attempt() -> bool:
            async with sessions() as session:
                try:
                    await factory.ask(session, line, 1)
                except Refusal:
                    return False
                await asyncio.sleep(0.05)
                await write_outbox(session)
                await session.commit()
                return True

        assert sorted(await asyncio.gather(attempt(), attempt())) == [False, True]
        async with sessions() as session:
            assert await session.scalar(select(func.sum(ReturnLine.quantity))) == 1


class TestAnswers:
    async def test_follow_the_table_of_transitions(self, session: AsyncSession):
        assert set(rules.ALLOWED) == set(ReturnStatus)
        returned = await factory.requested(session)
        row = Return.__table__.alias("returned")
        assert await session.scalar(select(allowed_actions(row))) == ["APPROVE", "REJECT"]
        approval = commands.ApproveReturn(return_id=ReturnId(returned.id))
        await commands.approve_return(session, approval, by=SYSTEM)
        assert await session.scalar(select(allowed_actions(row))) == ["RECEIVE", "CLOSE"]
        async with access.refused(session, commands.ReturnStatusForbids, field="return_id") as caught:
            await commands.approve_return(session, approval, by=SYSTEM)
        assert caught.value.details == {"status": "APPROVED"}

    async def test_close_what_never_came(self, session: AsyncSession):
        returned = await factory.approved(session)
        await commands.close_return(session, commands.CloseReturn(return_id=ReturnId(returned.id)), by=SYSTEM)
        assert (await factory.fresh(session, returned.id)).status is ReturnStatus.CLOSED

    async def test_refuse_an_unknown_return(self, session: AsyncSession):
        async with access.refused(session, commands.UnknownReturn, field="return_id"):
            await commands.approve_return(session, commands.ApproveReturn(return_id=ReturnId(404)), by=SYSTEM)
