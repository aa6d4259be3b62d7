"""How an order comes along, told by the floors above."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import SYSTEM
from app.orders.commands import (
    ActionNotAllowed,
    LineQuantity,
    OrderProgress,
    QuantityExceeded,
    UnknownOrderLine,
    mark_allocated,
    mark_delivered,
    mark_returned,
    mark_shipped,
)
from app.orders.measures import allowed_actions
from app.orders.rules import ALLOWED
from app.orders.tables import Order, OrderLine, OrderStatus
from tests.factories import inventory as stock
from tests.factories import orders as make


async def an_order(session: AsyncSession, quantity: int) -> tuple[int, int]:
    """A placed order of one line, and that line."""
    channel_id = await make.channel(session)
    product_id, _ = await make.offered(session, quantity, channel_id=channel_id)
    order_id = await make.placed(session, channel_id, {product_id: quantity})
    line_id = await session.scalar(select(OrderLine.id).where(OrderLine.order_id == order_id))
    assert line_id
    return order_id, line_id


def pieces(order_id: int, line_id: int, quantity: int) -> OrderProgress:
    """Something happened with `quantity` pieces of the line."""
    return OrderProgress(order_id=order_id, lines=(LineQuantity(order_line_id=line_id, quantity=quantity),))


class TestProgress:
    async def test_leads_from_placed_to_delivered(self, session: AsyncSession) -> None:
        of = await an_order(session, 5)
        assert await mark_allocated(session, pieces(*of, 3), by=SYSTEM) == OrderStatus.PARTIALLY_ALLOCATED
        assert await mark_allocated(session, pieces(*of, 2), by=SYSTEM) == OrderStatus.ALLOCATED
        assert await mark_shipped(session, pieces(*of, 2), by=SYSTEM) == OrderStatus.PARTIALLY_SHIPPED
        assert await mark_shipped(session, pieces(*of, 3), by=SYSTEM) == OrderStatus.SHIPPED
        assert await mark_delivered(session, of[0], by=SYSTEM) == OrderStatus.DELIVERED
        assert await mark_returned(session, pieces(*of, 1), by=SYSTEM) == OrderStatus.DELIVERED
        order = await session.get_one(Order, of[0])
        assert order.shipped_at is not None
        assert order.delivered_at is not None

    async def test_goes_back_when_a_location_loses_its_part(self, session: AsyncSession) -> None:
        of = await an_order(session, 5)
        await mark_allocated(session, pieces(*of, 5), by=SYSTEM)
        assert await mark_allocated(session, pieces(*of, -5), by=SYSTEM) == OrderStatus.PLACED

    async def test_tells_each_state_once(self, session: AsyncSession) -> None:
        of = await an_order(session, 2)
        session.info.clear()
        await mark_allocated(session, pieces(*of, 2), by=SYSTEM)
        await mark_shipped(session, pieces(*of, 2), by=SYSTEM)
        await mark_delivered(session, of[0], by=SYSTEM)
        told = [(event["status_before"], event["status_after"]) for event in stock.events_of(session)]
        assert told == [("PLACED", "ALLOCATED"), ("ALLOCATED", "SHIPPED"), ("SHIPPED", "DELIVERED")]

    async def test_refuses_more_pieces_than_are_left(self, session: AsyncSession) -> None:
        of = await an_order(session, 2)
        with pytest.raises(QuantityExceeded) as refused:
            await mark_allocated(session, pieces(*of, 3), by=SYSTEM)
        assert (refused.value.field, refused.value.details) == (("lines", "0", "quantity"), {"left": 2})
        await mark_allocated(session, pieces(*of, 2), by=SYSTEM)
        with pytest.raises(QuantityExceeded):
            await mark_shipped(session, pieces(*of, 3), by=SYSTEM)
        await mark_shipped(session, pieces(*of, 2), by=SYSTEM)
        with pytest.raises(QuantityExceeded):
            await mark_returned(session, pieces(*of, 3), by=SYSTEM)

    async def test_refuses_foreign_lines_and_steps_out_of_turn(self, session: AsyncSession) -> None:
        of, other = await an_order(session, 2), await an_order(session, 2)
        with pytest.raises(UnknownOrderLine):
            await mark_allocated(session, pieces(of[0], other[1], 1), by=SYSTEM)
        with pytest.raises(ActionNotAllowed):
            await mark_shipped(session, pieces(*of, 1), by=SYSTEM)
        with pytest.raises(ActionNotAllowed):
            await mark_delivered(session, of[0], by=SYSTEM)


class TestAllowedActions:
    async def test_are_told_as_the_table_of_transitions_has_them(self, session: AsyncSession) -> None:
        order_id, _ = await an_order(session, 2)
        told = select(Order.status, allowed_actions(Order.__table__)).where(Order.id == order_id)
        status, actions = (await session.execute(told)).one()
        assert set(actions) == ALLOWED[status]
