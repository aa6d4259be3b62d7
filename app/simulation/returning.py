"""Returns that are played: some of a delivered order comes back."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import func, select

from app.kernel.money import CurrencyCode, rounded
from app.locations.tables import LocationId
from app.orders.tables import Order, OrderId, OrderLine, OrderLineId, OrderStatus
from app.returns.commands import (
    ApproveReturn,
    CloseReturn,
    DisposedLine,
    DisposeReturn,
    ReceivedLine,
    ReceiveReturn,
    RecordRefund,
    RejectReturn,
    RequestedLine,
    RequestReturn,
    approve_return,
    close_return,
    dispose_return,
    receive_return,
    record_refund,
    reject_return,
    request_return,
)
from app.returns.tables import (
    Disposition,
    Return,
    ReturnCondition,
    ReturnId,
    ReturnLine,
    ReturnLineId,
    ReturnReason,
)
from app.simulation.trade import SIMULATED, Life, Trade


async def return_life(trade: Trade, order_id: OrderId) -> Life:
    """A return, from the wish to the refund or to its early end."""
    delivered = select(OrderLine.id, OrderLine.quantity_shipped).join(Order, Order.id == OrderLine.order_id)
    delivered = delivered.where(Order.id == order_id, Order.status == OrderStatus.DELIVERED)
    lines = await trade.clerk.read(delivered.order_by(OrderLine.id))
    if not lines:
        return
    line = trade.one_of(lines)
    wanted = RequestedLine(order_line_id=OrderLineId(line.id), quantity=trade.chance.randint(1, line.quantity_shipped))
    wish = RequestReturn(order_id=order_id, lines=(wanted,), reason=trade.one_of(list(ReturnReason)), note=SIMULATED)
    return_id = await trade.clerk.give(request_return, wish)
    yield "returns requested"
    if trade.happens(trade.habits.rejects):
        await trade.clerk.give(reject_return, RejectReturn(return_id=return_id, reason=SIMULATED))
        yield "returns rejected"
        return
    await trade.clerk.give(approve_return, ApproveReturn(return_id=return_id))
    yield "returns approved"
    async for told in _received(trade, return_id):
        yield told


async def _received(trade: Trade, return_id: ReturnId) -> Life:
    """Goods of a return that arrive, and what becomes of them and of the money."""
    row = (await trade.clerk.read(select(ReturnLine.id, ReturnLine.quantity).filter_by(return_id=return_id)))[0]
    line_id = ReturnLineId(row.id)
    arrived = ReceivedLine(return_line_id=line_id, quantity=row.quantity, condition=trade.one_of(list(ReturnCondition)))
    place: LocationId = trade.one_of(trade.goods.places)
    await trade.clerk.give(receive_return, ReceiveReturn(return_id=return_id, location_id=place, lines=(arrived,)))
    yield "returns received"
    decided = DisposedLine(return_line_id=line_id, disposition=trade.one_of(list(Disposition)))
    await trade.clerk.give(dispose_return, DisposeReturn(return_id=return_id, lines=(decided,)))
    yield "returns disposed"
    amount, currency = await _paid(trade, return_id)
    if amount and trade.happens(trade.habits.refunds):
        await trade.clerk.give(record_refund, RecordRefund(return_id=return_id, amount=amount, currency=currency))
        yield "refunds recorded"
    else:
        await trade.clerk.give(close_return, CloseReturn(return_id=return_id))
        yield "returns closed"


async def _paid(trade: Trade, return_id: ReturnId) -> tuple[Decimal, CurrencyCode]:
    """What the received pieces of a return cost."""
    cost = func.sum(OrderLine.unit_price_amount * ReturnLine.quantity_received).label("cost")
    paid = (
        select(cost, Order.currency)
        .select_from(ReturnLine)
        .join(OrderLine, OrderLine.id == ReturnLine.order_line_id)
        .join(Return, Return.id == ReturnLine.return_id)
        .join(Order, Order.id == Return.order_id)
        .where(Return.id == return_id)
        .group_by(Order.currency)
    )
    row = (await trade.clerk.read(paid))[0]
    currency = CurrencyCode(row.currency)
    return rounded(row.cost, currency), currency
