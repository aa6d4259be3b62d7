"""Goods that came back: they are received and inspected, and it is decided what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands import ReturnStock, TooMuchStock, return_stock
from app.kernel import clock
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import QUANTITY, Length
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId
from app.orders.commands import ActionNotAllowed, LineQuantity, OrderProgress, mark_returned
from app.returns.commands.finding import (
    ReturnLineRepeated,
    ReturnStatusForbids,
    UnknownReturn,
    UnknownReturnLine,
    facts_of,
    lines_of,
    lock_return,
    named_lines,
)
from app.returns.events import ReturnDisposed, ReturnReceived
from app.returns.tables import (
    Disposition,
    Return,
    ReturnAction,
    ReturnCondition,
    ReturnId,
    ReturnLine,
    ReturnLineId,
    ReturnStatus,
)


class ReceivedTooMany(Refusal):
    """More arrived than the line is to bring back; request another return for the rest."""

    expected: Annotated[int, "Pieces that the line is to bring back."]


class NotReceived(Refusal):
    """Nothing of the line arrived, so there is nothing to decide about."""


class AlreadyDisposed(Refusal):
    """It was decided before what becomes of the line."""


@dataclass(frozen=True, kw_only=True)
class ReceivedLine:
    """Pieces of one line that arrived, and how they are."""

    return_line_id: Annotated[ReturnLineId, "The line."]
    quantity: Annotated[int, "How many pieces arrived.", QUANTITY]
    condition: Annotated[ReturnCondition, "What inspection found."]


@dataclass(frozen=True, kw_only=True)
class ReceiveReturn:
    """Say what of a return arrived, and where."""

    return_id: Annotated[ReturnId, "The return."]
    location_id: Annotated[LocationId, "Where the goods arrived."]
    lines: Annotated[tuple[ReceivedLine, ...], "What arrived; what is left out did not.", Length(1, 250)]


@dataclass(frozen=True, kw_only=True)
class DisposedLine:
    """What becomes of the pieces of one line."""

    return_line_id: Annotated[ReturnLineId, "The line."]
    disposition: Annotated[Disposition, "What becomes of its pieces."]


@dataclass(frozen=True, kw_only=True)
class DisposeReturn:
    """Decide what becomes of goods that came back."""

    return_id: Annotated[ReturnId, "The return."]
    lines: Annotated[tuple[DisposedLine, ...], "What becomes of which line.", Length(1, 250)]


@allows(STAFF)
@refuses(
    UnknownReturn,
    UnknownReturnLine,
    ReturnLineRepeated,
    ReturnStatusForbids,
    ReceivedTooMany,
    UnknownLocation,
    ActionNotAllowed,
)
async def receive_return(session: AsyncSession, receipt: ReceiveReturn, *, by: Principal) -> ReturnId:
    """Record that the goods of a return arrived, and how they are; they are not on sale before they are disposed of."""
    returned = await lock_return(session, receipt.return_id, ReturnAction.RECEIVE, by=by)
    lines = named_lines(await lines_of(session, returned.id), [line.return_line_id for line in receipt.lines])
    for index, (line, arrived) in enumerate(zip(lines, receipt.lines, strict=True)):
        if arrived.quantity > line.quantity:
            raise ReceivedTooMany(field=f"lines.{index}.quantity", expected=line.quantity)
        line.quantity_received, line.condition = arrived.quantity, arrived.condition
    before, returned.status = returned.status, ReturnStatus.RECEIVED
    returned.received_at, returned.location_id = clock.now(), receipt.location_id
    await flush_or_refuse(session, {"fk_returns_location_id": UnknownLocation(field="location_id")})
    parts = tuple(LineQuantity(order_line_id=line.order_line_id, quantity=line.quantity_received) for line in lines)
    await mark_returned(session, OrderProgress(order_id=returned.order_id, lines=parts), by=by)
    pieces = sum(line.quantity_received for line in lines)
    facts = facts_of(returned, before=before)
    record(session, ReturnReceived(**facts, location_id=receipt.location_id, pieces=pieces), by=by)
    return ReturnId(returned.id)


@allows(STAFF)
@refuses(
    UnknownReturn,
    UnknownReturnLine,
    ReturnLineRepeated,
    ReturnStatusForbids,
    NotReceived,
    AlreadyDisposed,
    TooMuchStock,
)
async def dispose_return(session: AsyncSession, decision: DisposeReturn, *, by: Principal) -> ReturnId:
    """Decide what becomes of goods that came back; those that are restocked are on sale again where they arrived."""
    returned = await lock_return(session, decision.return_id, ReturnAction.DISPOSE, by=by)
    every_line = await lines_of(session, returned.id)
    lines = named_lines(every_line, [line.return_line_id for line in decision.lines])
    for index, (line, decided) in enumerate(zip(lines, decision.lines, strict=True)):
        if not line.quantity_received:
            raise NotReceived(field=f"lines.{index}.return_line_id")
        if line.disposition is not None:
            raise AlreadyDisposed(field=f"lines.{index}.return_line_id")
        line.disposition = decided.disposition
    before = returned.status
    if all(line.disposition or not line.quantity_received for line in every_line.values()):
        returned.status, returned.disposed_at = ReturnStatus.DISPOSED, clock.now()
    await session.flush()
    await _restock(session, returned, lines, by=by)
    pieces = sum(line.quantity_received for line in lines)
    record(session, ReturnDisposed(**facts_of(returned, before=before), pieces=pieces), by=by)
    return ReturnId(returned.id)


async def _restock(session: AsyncSession, returned: Return, lines: list[ReturnLine], *, by: Principal) -> None:
    """Put what is restocked back on the shelf where it arrived, in the order in which stock is always locked."""
    restocked = [line for line in lines if line.disposition is Disposition.RESTOCK]
    for line in sorted(restocked, key=lambda line: line.product_id):
        movement = ReturnStock(
            product_id=line.product_id,
            location_id=returned.location_id or 0,
            quantity=line.quantity_received,
            reference=returned.number,
        )
        await return_stock(session, movement, by=by)
