"""How an order comes along: functions that fulfilment, shipments and returns call inside their own transaction.

Each locks the order. Callers lock their own rows before, and change holds and stock afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.locks import lock_one
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal
from app.orders import events, rules
from app.orders.commands.finding import UnknownOrder, UnknownOrderLine, lines_of, require, tell
from app.orders.rules import OrderAction
from app.orders.tables import Order, OrderLine, OrderStatus


class QuantityExceeded(Refusal):
    """The line has fewer pieces left than you asked for."""

    left: Annotated[int, "How many pieces are left."]


@dataclass(frozen=True, kw_only=True)
class LineQuantity:
    """Pieces of one line of an order."""

    order_line_id: int
    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrderProgress:
    """Pieces of an order with which something happened, and when (else now)."""

    order_id: int
    lines: tuple[LineQuantity, ...]
    at: datetime | None = None


async def mark_allocated(session: AsyncSession, allocated: OrderProgress, *, by: Principal) -> OrderStatus:
    """Count pieces as given to a location, or no longer where a quantity is negative; answers the state after."""
    order, lines = await _begin(session, allocated, OrderAction.ALLOCATE)
    for line, quantity, field in _parts(allocated, lines):
        left = line.quantity - line.quantity_cancelled - line.quantity_allocated
        _require_left(quantity, left, field)
        _require_left(-quantity, line.quantity_allocated - line.quantity_shipped, field)
        line.quantity_allocated += quantity
    before = _advance(order, lines.values())
    await session.flush()
    tell(session, events.OrderAllocated, order, before=before, by=by, quantity=_sum(allocated))
    return order.status


async def mark_shipped(session: AsyncSession, shipped: OrderProgress, *, by: Principal) -> OrderStatus:
    """Count pieces as on their way to the customer; answers the state after."""
    order, lines = await _begin(session, shipped, OrderAction.SHIP)
    for line, quantity, field in _parts(shipped, lines):
        _require_left(quantity, line.quantity_allocated - line.quantity_shipped, field)
        line.quantity_shipped += quantity
    before = _advance(order, lines.values())
    if order.status == OrderStatus.SHIPPED:
        order.shipped_at = shipped.at or clock.now()
    await session.flush()
    tell(session, events.OrderShipped, order, before=before, by=by, quantity=_sum(shipped))
    return order.status


async def mark_returned(session: AsyncSession, returned: OrderProgress, *, by: Principal) -> OrderStatus:
    """Count pieces as come back from the customer; the order's state stays."""
    order, lines = await _begin(session, returned, OrderAction.RETURN)
    for line, quantity, field in _parts(returned, lines):
        _require_left(quantity, line.quantity_shipped - line.quantity_returned, field)
        line.quantity_returned += quantity
    await session.flush()
    tell(session, events.OrderReturned, order, before=order.status, by=by, quantity=_sum(returned))
    return order.status


async def mark_delivered(
    session: AsyncSession, order_id: int, *, by: Principal, at: datetime | None = None
) -> OrderStatus:
    """Say that the last piece of a wholly shipped order arrived."""
    order, _ = await _begin(session, OrderProgress(order_id=order_id, lines=()), OrderAction.DELIVER)
    before, order.status = order.status, OrderStatus.DELIVERED
    order.delivered_at = at or clock.now()
    await session.flush()
    tell(session, events.OrderDelivered, order, before=before, by=by)
    return order.status


async def _begin(
    session: AsyncSession, progress: OrderProgress, action: OrderAction
) -> tuple[Order, dict[int, OrderLine]]:
    """The order, locked and fit for `action`, and its lines."""
    order = await lock_one(session, Order, progress.order_id)
    if order is None:
        raise UnknownOrder(field="order_id")
    require(order, action)
    return order, {line.id: line for line in await lines_of(session, order)}


def _parts(progress: OrderProgress, lines: dict[int, OrderLine]) -> Iterable[tuple[OrderLine, int, str]]:
    """Each line that something happened with, how many pieces of it, and what a refusal names."""
    for index, part in enumerate(progress.lines):
        if part.order_line_id not in lines:
            raise UnknownOrderLine(field=f"lines.{index}.order_line_id")
        yield lines[part.order_line_id], part.quantity, f"lines.{index}.quantity"


def _require_left(quantity: int, left: int, field: str) -> None:
    """Refuse more pieces than are left."""
    if quantity > left:
        raise QuantityExceeded(field=field, left=left)


def _sum(progress: OrderProgress) -> int:
    """How many pieces something happened with."""
    return sum(part.quantity for part in progress.lines)


def _advance(order: Order, lines: Iterable[OrderLine]) -> OrderStatus:
    """Bring the order's state up to date with its lines; answers the state before."""
    before, order.status = order.status, rules.progress(lines)
    return before
