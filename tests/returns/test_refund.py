"""Refunds: in the order's currency, in parts if need be, and never more than the pieces cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.money import CurrencyCode
from app.kernel.principal import SYSTEM
from app.kernel.refusal import InvalidInput
from app.orders.tables import Order
from app.returns import commands, rules
from app.returns.events import RefundRecorded
from app.returns.tables import Disposition, Refund, ReturnId, ReturnStatus
from tests.factories import access
from tests.factories import returns as factory


class TestRefundable:
    def test_adds_the_order_s_tax(self):
        lines = [rules.PaidLine(unit_price=Decimal("10.00"), quantity_received=3)]
        rate = rules.tax_rate(subtotal=Decimal("50.00"), tax=Decimal("5.00"))
        left = rules.refundable(lines, tax_rate=rate, refunded=Decimal(13), currency=CurrencyCode("EUR"))
        assert left == Decimal("20.00")

    def test_needs_no_subtotal(self):
        assert rules.tax_rate(subtotal=Decimal(0), tax=Decimal(0)) == 0

    @given(
        prices=st.lists(st.decimals("0", "1000", places=2), max_size=5),
        refunded=st.decimals("0", "9000", places=2),
    )
    def test_is_never_negative_nor_more_than_was_paid(self, prices: list[Decimal], refunded: Decimal):
        lines = [rules.PaidLine(unit_price=price, quantity_received=2) for price in prices]
        left = rules.refundable(lines, tax_rate=Decimal(0), refunded=refunded, currency=CurrencyCode("EUR"))
        assert 0 <= left <= max(Decimal(0), sum(prices, Decimal(0)) * 2 - refunded)


class TestRecordRefund:
    async def test_records_money_that_went_back(self, session: AsyncSession):
        returned = await factory.disposed(session, 2)
        refund_id = await factory.refund(session, returned, "20.00")
        refund = await session.get_one(Refund, refund_id)
        assert (refund.amount, refund.currency, refund.order_id) == (Decimal("20.00"), "EUR", returned.order_id)
        assert (await factory.fresh(session, returned.id)).status is ReturnStatus.REFUNDED
        name, facts = access.recorded(session)[-1]
        assert (name, facts["amount"], facts["status_before"]) == (RefundRecorded.name, "20.00", "DISPOSED")

    async def test_pays_in_parts_up_to_what_the_pieces_cost(self, session: AsyncSession):
        returned = await factory.disposed(session, 2)
        await factory.refund(session, returned, "15.00")
        async with access.refused(session, commands.RefundTooHigh, field="amount") as caught:
            await factory.refund(session, returned, "5.01")
        assert caught.value.details == {"refundable": Decimal("5.00")}
        await factory.refund(session, returned, "5.00")

    async def test_pays_no_more_for_three_returns_than_the_order_cost(self, session: AsyncSession):
        returned = [await factory.requested(session, 1, delivered=3)]
        line = await factory.order_line(session, returned[0].order_id)
        order = await session.get_one(Order, line.order_id)
        line.unit_price_amount, order.subtotal_amount, order.total_amount = Decimal("0.335"), Decimal(1), Decimal(1)
        returned += [await factory.fresh(session, await factory.ask(session, line, 1)) for _ in range(2)]
        for each in returned:
            await commands.approve_return(session, commands.ApproveReturn(return_id=ReturnId(each.id)), by=SYSTEM)
            await factory.receive(session, each, 1)
            await factory.dispose(session, each, Disposition.SCRAP)
        for each in returned[:2]:
            await factory.refund(session, each, "0.34")
        async with access.refused(session, commands.RefundTooHigh, field="amount") as caught:
            await factory.refund(session, returned[2], "0.34")
        assert caught.value.details == {"refundable": Decimal("0.32")}

    async def test_refuses_another_currency(self, session: AsyncSession):
        returned = await factory.disposed(session)
        async with access.refused(session, commands.OtherCurrency, field="currency") as caught:
            await factory.refund(session, returned, "1.00", "USD")
        assert caught.value.details == {"currency": "EUR"}

    @pytest.mark.parametrize("amount", ["0.001", "1.999"])
    async def test_refuses_what_no_coin_can_pay(self, session: AsyncSession, amount: str):
        returned = await factory.disposed(session)
        async with access.refused(session, InvalidInput, field="amount"):
            await factory.refund(session, returned, amount)

    async def test_refuses_before_it_was_decided_about_the_goods(self, session: AsyncSession):
        returned = await factory.received(session)
        async with access.refused(session, commands.ReturnStatusForbids, field="return_id"):
            await factory.refund(session, returned, "1.00")
