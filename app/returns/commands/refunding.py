"""Money that went back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.limits import Between, Length
from app.kernel.locks import lock
from app.kernel.money import AMOUNT_MAX, CurrencyCode, rounded
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import InvalidInput, Refusal, allows, refuses
from app.orders.tables import Order
from app.returns.commands.finding import ReturnStatusForbids, UnknownReturn, facts_of, lock_return
from app.returns.events import RefundRecorded
from app.returns.questions import refundable_of
from app.returns.tables import Refund, RefundId, RefundMethod, ReturnAction, ReturnId, ReturnStatus


class RefundTooHigh(Refusal):
    """More is to go back than the received pieces cost, less what was refunded for them before."""

    refundable: Annotated[Decimal, "How much may still be refunded, in the order's currency."]


class OtherCurrency(Refusal):
    """The order was paid in another currency; a refund is in the currency that was paid."""

    currency: Annotated[str, "The order's currency."]


@dataclass(frozen=True, kw_only=True)
class RecordRefund:
    """Say that money went back for a return."""

    return_id: Annotated[ReturnId, "The return it pays for."]
    amount: Annotated[Decimal, "How much went back.", Between(Decimal("0.0001"), AMOUNT_MAX)]
    currency: Annotated[CurrencyCode, "The currency of the amount, which is the order's."]
    method: Annotated[RefundMethod, "How it went back."] = RefundMethod.ORIGINAL_PAYMENT
    reference: Annotated[str | None, "What the bank or payment provider calls it.", Length(1, 200)] = None


@allows(STAFF)
@refuses(UnknownReturn, ReturnStatusForbids, RefundTooHigh, OtherCurrency)
async def record_refund(session: AsyncSession, refund: RecordRefund, *, by: Principal) -> RefundId:
    """Record that money went back for goods that came back; never more than they cost."""
    returned = await lock_return(session, refund.return_id, ReturnAction.REFUND, by=by)
    order = (await lock(session, Order, [returned.order_id]))[returned.order_id]
    if refund.currency != order.currency:
        raise OtherCurrency(field="currency", currency=order.currency)
    if rounded(refund.amount, refund.currency) != refund.amount:
        raise InvalidInput(f"{refund.currency} has no coin so small.", field="amount")
    left = await refundable_of(session, returned, order)
    if refund.amount > left:
        raise RefundTooHigh(field="amount", refundable=left)
    row = Refund(
        return_id=returned.id,
        order_id=order.id,
        amount=refund.amount,
        currency=refund.currency,
        method=refund.method,
        reference=refund.reference,
        recorded_at=clock.now(),
    )
    session.add(row)
    before, returned.status = returned.status, ReturnStatus.REFUNDED
    returned.closed_at = clock.now()
    await session.flush()
    facts = facts_of(returned, before=before)
    event = RefundRecorded(**facts, refund_id=row.id, amount=row.amount, currency=row.currency)
    record(session, event, by=by)
    return RefundId(row.id)
