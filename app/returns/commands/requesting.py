"""Asking to send goods back, and our answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.limits import QUANTITY, Length
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal, Role
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import UnknownOrder, UnknownOrderLine, lock_order
from app.orders.commands import lines_of as order_lines_of
from app.orders.tables import Order, OrderId, OrderLineId
from app.returns.commands.finding import (
    ReturnLineRepeated,
    ReturnStatusForbids,
    UnknownReturn,
    facts_of,
    lock_return,
)
from app.returns.events import ReturnApproved, ReturnClosed, ReturnRejected, ReturnRequested
from app.returns.questions import returnable_of
from app.returns.tables import Return, ReturnAction, ReturnId, ReturnLine, ReturnReason, ReturnStatus

BUYERS_AND_STAFF = STAFF | {Role.CUSTOMER}


class NotReturnable(Refusal):
    """Fewer pieces of the line may be sent back: only what was delivered and no other return claims."""

    returnable: Annotated[int, "Pieces of the line that may be sent back now."]


@dataclass(frozen=True, kw_only=True)
class RequestedLine:
    """Pieces of one order line that are to be sent back."""

    order_line_id: Annotated[OrderLineId, "The line they were bought with."]
    quantity: Annotated[int, "How many pieces.", QUANTITY]


@dataclass(frozen=True, kw_only=True)
class RequestReturn:
    """Say which goods of an order are to be sent back, and why."""

    order_id: Annotated[OrderId, "The order the goods were bought with."]
    lines: Annotated[tuple[RequestedLine, ...], "What is to be sent back.", Length(1, 250)]
    reason: Annotated[ReturnReason, "Why."]
    note: Annotated[str | None, "What there is to say about it, in words.", Length(1, 1_000)] = None


@dataclass(frozen=True, kw_only=True)
class ApproveReturn:
    """Agree to a return."""

    return_id: Annotated[ReturnId, "The return."]


@dataclass(frozen=True, kw_only=True)
class RejectReturn:
    """Do not agree to a return."""

    return_id: Annotated[ReturnId, "The return."]
    reason: Annotated[str, "Why not, as the customer is told.", Length(1, 500)]


@dataclass(frozen=True, kw_only=True)
class CloseReturn:
    """End a return without a refund."""

    return_id: Annotated[ReturnId, "The return."]


@allows(BUYERS_AND_STAFF)
@refuses(UnknownOrder, UnknownOrderLine, ReturnLineRepeated, NotReturnable)
async def request_return(session: AsyncSession, request: RequestReturn, *, by: Principal) -> ReturnId:
    """Ask to send delivered goods back; by the customer who bought them, or by staff for the customer."""
    order = await lock_order(session, request.order_id, by=by)
    products = await _products(session, order, request)
    returned = Return(order_id=order.id, customer_id=order.customer_id, reason=request.reason, note=request.note)
    session.add(returned)
    await session.flush()
    session.add_all(
        ReturnLine(
            return_id=returned.id,
            order_line_id=line.order_line_id,
            product_id=products[line.order_line_id],
            quantity=line.quantity,
        )
        for line in request.lines
    )
    await session.flush()
    record(session, ReturnRequested(**facts_of(returned, before=None)), by=by)
    return ReturnId(returned.id)


@allows(STAFF)
@refuses(UnknownReturn, ReturnStatusForbids)
async def approve_return(session: AsyncSession, approval: ApproveReturn, *, by: Principal) -> ReturnId:
    """Agree to a return, so that the customer may send the goods."""
    returned = await lock_return(session, approval.return_id, ReturnAction.APPROVE, by=by)
    before, returned.status = returned.status, ReturnStatus.APPROVED
    returned.approved_at = clock.now()
    await session.flush()
    record(session, ReturnApproved(**facts_of(returned, before=before)), by=by)
    return ReturnId(returned.id)


@allows(STAFF)
@refuses(UnknownReturn, ReturnStatusForbids)
async def reject_return(session: AsyncSession, rejection: RejectReturn, *, by: Principal) -> ReturnId:
    """Refuse a return, with the reason that the customer is told."""
    returned = await lock_return(session, rejection.return_id, ReturnAction.REJECT, by=by)
    before, returned.status = returned.status, ReturnStatus.REJECTED
    returned.rejection_reason, returned.closed_at = rejection.reason, clock.now()
    await session.flush()
    record(session, ReturnRejected(**facts_of(returned, before=before)), by=by)
    return ReturnId(returned.id)


@allows(STAFF)
@refuses(UnknownReturn, ReturnStatusForbids)
async def close_return(session: AsyncSession, closing: CloseReturn, *, by: Principal) -> ReturnId:
    """End a return without a refund: the goods never came, or nothing is owed for them."""
    returned = await lock_return(session, closing.return_id, ReturnAction.CLOSE, by=by)
    before, returned.status = returned.status, ReturnStatus.CLOSED
    returned.closed_at = clock.now()
    await session.flush()
    record(session, ReturnClosed(**facts_of(returned, before=before)), by=by)
    return ReturnId(returned.id)


async def _products(session: AsyncSession, order: Order, request: RequestReturn) -> dict[int, int]:
    """The product of each order line; refused where one is unknown, named twice or wants more than may come back."""
    products = {line.id: line.product_id for line in await order_lines_of(session, order)}
    left = {line.order_line_id: line.quantity for line in await returnable_of(session, order)}
    seen = set[int]()
    for index, line in enumerate(request.lines):
        if line.order_line_id not in products:
            raise UnknownOrderLine(field=f"lines.{index}.order_line_id")
        if line.order_line_id in seen:
            raise ReturnLineRepeated(field=f"lines.{index}.order_line_id")
        seen.add(line.order_line_id)
        if line.quantity > left.get(line.order_line_id, 0):
            raise NotReturnable(field=f"lines.{index}.quantity", returnable=left.get(line.order_line_id, 0))
    return products
