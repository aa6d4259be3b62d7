"""Returns for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.money import CurrencyCode
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal
from app.locations.tables import LocationId
from app.orders.tables import OrderId, OrderLine, OrderLineId
from app.returns import commands
from app.returns.tables import (
    Disposition,
    RefundId,
    Return,
    ReturnCondition,
    ReturnId,
    ReturnLine,
    ReturnLineId,
    ReturnReason,
)
from tests.factories import inventory, shipments


async def order_line(session: AsyncSession, order_id: int) -> OrderLine:
    """The only line of an order, as the database has it now."""
    statement = select(OrderLine).where(OrderLine.order_id == order_id).execution_options(populate_existing=True)
    return (await session.scalars(statement)).one()


async def ask(session: AsyncSession, line: OrderLine, pieces: int, *, by: Principal = SYSTEM) -> ReturnId:
    """A request to send pieces of an order line back."""
    request = commands.RequestReturn(
        order_id=OrderId(line.order_id),
        lines=(commands.RequestedLine(order_line_id=OrderLineId(line.id), quantity=pieces),),
        reason=ReturnReason.CHANGED_MIND,
    )
    return await commands.request_return(session, request, by=by)


async def requested(session: AsyncSession, pieces: int = 2, *, delivered: int = 3, by: Principal = ANONYMOUS) -> Return:
    """A return of pieces of a delivered order, which waits for our answer."""
    shipment = await shipments.delivered(session, delivered, by=by)
    return await fresh(session, await ask(session, await order_line(session, shipment.order_id), pieces))


async def approved(session: AsyncSession, pieces: int = 2) -> Return:
    """A return that we agreed to."""
    returned = await requested(session, pieces)
    await commands.approve_return(session, commands.ApproveReturn(return_id=ReturnId(returned.id)), by=SYSTEM)
    return await fresh(session, returned.id)


async def received(session: AsyncSession, pieces: int = 2, *, location_id: LocationId | None = None) -> Return:
    """A return whose goods arrived, all of them."""
    returned = await approved(session, pieces)
    await receive(session, returned, pieces, location_id=location_id)
    return await fresh(session, returned.id)


async def receive(
    session: AsyncSession, returned: Return, pieces: int, *, location_id: LocationId | None = None
) -> None:
    """Receive pieces of the only line of a return."""
    (line,) = await lines(session, returned.id)
    arrived = commands.ReceivedLine(
        return_line_id=ReturnLineId(line.id), quantity=pieces, condition=ReturnCondition.OPENED
    )
    at = location_id or await inventory.location(session)
    receipt = commands.ReceiveReturn(return_id=ReturnId(returned.id), location_id=at, lines=(arrived,))
    await commands.receive_return(session, receipt, by=SYSTEM)


async def disposed(session: AsyncSession, pieces: int = 2, disposition: Disposition = Disposition.RESTOCK) -> Return:
    """A return of whose goods it was decided what becomes of them."""
    returned = await received(session, pieces)
    await dispose(session, returned, disposition)
    return await fresh(session, returned.id)


async def dispose(session: AsyncSession, returned: Return, disposition: Disposition) -> None:
    """Decide what becomes of the only line of a return."""
    (line,) = await lines(session, returned.id)
    decided = commands.DisposedLine(return_line_id=ReturnLineId(line.id), disposition=disposition)
    decision = commands.DisposeReturn(return_id=ReturnId(returned.id), lines=(decided,))
    await commands.dispose_return(session, decision, by=SYSTEM)


async def refund(session: AsyncSession, returned: Return, amount: str, currency: str = "EUR") -> RefundId:
    """Record money that went back."""
    recorded = commands.RecordRefund(
        return_id=ReturnId(returned.id), amount=Decimal(amount), currency=CurrencyCode(currency)
    )
    return await commands.record_refund(session, recorded, by=SYSTEM)


async def lines(session: AsyncSession, return_id: int) -> list[ReturnLine]:
    """The lines of a return, in their order."""
    of_return = select(ReturnLine).where(ReturnLine.return_id == return_id).order_by(ReturnLine.id)
    return list(await session.scalars(of_return.execution_options(populate_existing=True)))


async def fresh(session: AsyncSession, return_id: int) -> Return:
    """The return as the database has it now."""
    return await session.get_one(Return, return_id, populate_existing=True)
