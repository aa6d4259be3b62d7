"""What returns are asked: which pieces of an order may be sent back, and how much may be refunded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ProductId
from app.fulfilment.tables import FulfilmentLine, Parcel, ParcelLine
from app.kernel.money import CurrencyCode
from app.kernel.principal import Principal
from app.kernel.visibility import viewer_values
from app.orders.measures import order_visibility
from app.orders.tables import Order, OrderId, OrderLine, OrderLineId, OrderStatus
from app.returns import rules
from app.returns.tables import Refund, Return, ReturnLine, ReturnStatus
from app.shipments.tables import Shipment, ShipmentStatus

ASKED = (ReturnStatus.REQUESTED, ReturnStatus.APPROVED)
"""Returns of which nothing arrived yet: they claim what was asked for."""


@dataclass(frozen=True, kw_only=True)
class ReturnableLine:
    """How many pieces of an order line may be sent back now."""

    order_line_id: OrderLineId
    product_id: ProductId
    quantity: Annotated[int, "How many pieces of it may be sent back."]


async def returnable_lines(
    session: AsyncSession, order_id: OrderId, *, by: Principal
) -> tuple[ReturnableLine, ...] | None:
    """Which pieces of an order may be sent back now; null for an unknown order."""
    visible = order_visibility.condition(Order.__table__, by.roles)
    found = select(Order).where(Order.id == order_id, visible)
    order = await session.scalar(found, viewer_values(by), execution_options={"populate_existing": True})
    return None if order is None else await returnable_of(session, order)


async def returnable_of(session: AsyncSession, order: Order) -> tuple[ReturnableLine, ...]:
    """The lines of `order` of which pieces may be sent back: delivered, and claimed by no other return."""
    arrived, claimed = await _arrived(session, order), await _claimed(session, order.id)
    statement = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    lines = [
        ReturnableLine(
            order_line_id=OrderLineId(line.id),
            product_id=ProductId(line.product_id),
            quantity=rules.returnable(arrived.get(line.id, 0), claimed.get(line.id, 0)),
        )
        for line in await session.scalars(statement.execution_options(populate_existing=True))
    ]
    return tuple(line for line in lines if line.quantity)


async def _arrived(session: AsyncSession, order: Order) -> dict[int, int]:
    """Pieces that arrived, by line: of a delivered order all that shipped, else what its delivered parcels held."""
    if order.status is OrderStatus.DELIVERED:
        whole = select(OrderLine.id, OrderLine.quantity_shipped).where(OrderLine.order_id == order.id)
        return {line: int(pieces) for line, pieces in await session.execute(whole)}
    held = (
        select(FulfilmentLine.order_line_id, func.sum(ParcelLine.quantity))
        .join(ParcelLine, ParcelLine.fulfilment_line_id == FulfilmentLine.id)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .join(Shipment, Shipment.id == Parcel.shipment_id)
        .where(Shipment.order_id == order.id, Shipment.status == ShipmentStatus.DELIVERED)
        .group_by(FulfilmentLine.order_line_id)
    )
    return {line: int(pieces) for line, pieces in await session.execute(held)}


async def _claimed(session: AsyncSession, order_id: int) -> dict[int, int]:
    """Pieces that returns of the order claim, by line: what was asked for while it is awaited, else what arrived.

    What arrived stays claimed however the return ended, for the customer has it no longer.
    """
    pieces = case((Return.status.in_(ASKED), ReturnLine.quantity), else_=ReturnLine.quantity_received)
    statement = (
        select(ReturnLine.order_line_id, func.sum(pieces))
        .join(Return, Return.id == ReturnLine.return_id)
        .where(Return.order_id == order_id)
        .group_by(ReturnLine.order_line_id)
    )
    return {line: int(claimed) for line, claimed in await session.execute(statement)}


async def refundable_of(session: AsyncSession, returned: Return, order: Order) -> Decimal:
    """How much may still be refunded for a return: what its received pieces cost, less what was refunded.

    Never more in all than was paid for the order's goods, though each return is rounded by itself.
    """
    paid = (
        select(OrderLine.unit_price_amount, ReturnLine.quantity_received)
        .join(OrderLine, OrderLine.id == ReturnLine.order_line_id)
        .where(ReturnLine.return_id == returned.id)
    )
    lines = [
        rules.PaidLine(unit_price=price, quantity_received=pieces) for price, pieces in await session.execute(paid)
    ]
    of_return = rules.refundable(
        lines,
        tax_rate=rules.tax_rate(subtotal=order.subtotal_amount, tax=order.tax_amount),
        refunded=await _refunded(session, Refund.return_id == returned.id),
        currency=CurrencyCode(order.currency),
    )
    of_order = order.subtotal_amount + order.tax_amount - await _refunded(session, Refund.order_id == order.id)
    return max(Decimal(0), min(of_return, of_order))


async def _refunded(session: AsyncSession, which: ColumnElement[bool]) -> Decimal:
    """How much went back by the refunds that `which` chooses."""
    return await session.scalar(select(func.sum(Refund.amount)).where(which)) or Decimal(0)
