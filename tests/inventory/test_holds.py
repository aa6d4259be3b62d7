"""Holding, moving, consuming and giving back what carts and orders hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.inventory.commands import (
    ConsumeHolds,
    HoldLine,
    HoldStock,
    InsufficientStock,
    MoveHolds,
    NotHeld,
    ReleaseHolds,
    consume_holds,
    expire_holds,
    hold_stock,
    move_holds,
    release_holds,
)
from app.inventory.rules import Placement
from app.inventory.tables import HoldKind, HoldStatus, MovementReason, StockHold, StockMovement
from app.kernel import clock
from app.kernel.principal import SYSTEM
from app.orders.tables import OrderLine
from tests.factories import inventory as stock
from tests.factories import orders as make


async def a_line(session: AsyncSession, quantity: int) -> OrderLine:
    """The line of a placed order, whose pieces are held at one location."""
    channel_id = await make.channel(session)
    product_id, _ = await make.offered(session, quantity, channel_id=channel_id)
    order_id = await make.placed(session, channel_id, {product_id: quantity})
    return (await session.scalars(select(OrderLine).where(OrderLine.order_id == order_id))).one()


async def held_at(session: AsyncSession, line: OrderLine) -> dict[int, int]:
    """How many pieces of the line are held at each location."""
    active = select(StockHold.location_id, StockHold.quantity).where(
        StockHold.order_line_id == line.id, StockHold.status == HoldStatus.ACTIVE
    )
    return {row[0]: row[1] for row in await session.execute(active)}


def at(line: OrderLine, location_id: int, quantity: int) -> Placement:
    """Pieces of the line at a location."""
    return Placement(product_id=line.product_id, location_id=location_id, quantity=quantity, order_line_id=line.id)


class TestHoldStock:
    async def test_prefers_the_first_location_by_priority_that_has_all(self, session: AsyncSession) -> None:
        line = await a_line(session, 1)
        first, second = await stock.location(session, priority=1), await stock.location(session, priority=2)
        product_id, _ = await stock.stocked(session, 2, location_id=first)
        await stock.stocked(session, 9, product_id=product_id, location_id=second)
        for quantity, places in ((3, {second: 3}), (2, {first: 2}), (6, {second: 6})):
            wanted = HoldLine(order_line_id=line.id, product_id=product_id, quantity=quantity)
            request = HoldStock(order_id=line.order_id, lines=(wanted,), kind=HoldKind.ORDER)
            placements = await hold_stock(session, request, by=SYSTEM)
            assert {one.location_id: one.quantity for one in placements} == places

    async def test_fills_up_in_the_order_of_priority(self, session: AsyncSession) -> None:
        line = await a_line(session, 1)
        first, second = await stock.location(session, priority=1), await stock.location(session, priority=2)
        product_id, _ = await stock.stocked(session, 3, location_id=second)
        await stock.stocked(session, 2, product_id=product_id, location_id=first)
        wanted = HoldLine(order_line_id=line.id, product_id=product_id, quantity=4)
        request = HoldStock(order_id=line.order_id, lines=(wanted,), kind=HoldKind.ORDER)
        placements = await hold_stock(session, request, by=SYSTEM)
        assert [(one.location_id, one.quantity) for one in placements] == [(first, 2), (second, 2)]
        await stock.assert_balanced(session)

    async def test_passes_by_locations_that_neither_sell_nor_fulfil(self, session: AsyncSession) -> None:
        line = await a_line(session, 1)
        closed = await stock.location(session, fulfils=False)
        product_id, _ = await stock.stocked(session, 3, location_id=closed)
        wanted = HoldLine(order_line_id=line.id, product_id=product_id, quantity=1, field="lines.0.quantity")
        request = HoldStock(order_id=line.order_id, lines=(wanted,), kind=HoldKind.ORDER)
        with pytest.raises(InsufficientStock) as refused:
            await hold_stock(session, request, by=SYSTEM)
        assert refused.value.details == {"available": 0}

    async def test_holds_what_there_is_where_that_is_enough(self, session: AsyncSession) -> None:
        line = await a_line(session, 1)
        product_id, _ = await stock.stocked(session, 3)
        wanted = HoldLine(order_line_id=line.id, product_id=product_id, quantity=5)
        request = HoldStock(order_id=line.order_id, lines=(wanted,), kind=HoldKind.ORDER, whole=False)
        assert sum(one.quantity for one in await hold_stock(session, request, by=SYSTEM)) == 3


class TestMoveHolds:
    async def test_lays_them_where_the_goods_are_taken_from(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        (source,) = await held_at(session, line)
        _, target = await stock.stocked(session, 4, product_id=line.product_id)  # type: ignore[arg-type]
        split = (at(line, source, 2), at(line, target, 3))
        await move_holds(session, MoveHolds(order_id=line.order_id, targets=split), by=SYSTEM)
        assert await held_at(session, line) == {source: 2, target: 3}
        await move_holds(session, MoveHolds(order_id=line.order_id, targets=(at(line, source, 5),)), by=SYSTEM)
        assert await held_at(session, line) == {source: 5}
        await stock.assert_balanced(session)

    async def test_refuses_a_location_that_has_too_few(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        _, target = await stock.stocked(session, 4, product_id=line.product_id)  # type: ignore[arg-type]
        for place in (target, await stock.location(session)):
            move = MoveHolds(order_id=line.order_id, targets=(at(line, place, 5),))
            await session.commit()
            with pytest.raises(InsufficientStock):
                await move_holds(session, move, by=SYSTEM)
            await session.rollback()
            await session.refresh(line)


class TestConsumeHolds:
    async def test_takes_the_pieces_out_of_stock(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        (place,) = await held_at(session, line)
        shipped = ConsumeHolds(order_id=line.order_id, parts=(at(line, place, 2),), reference="SHP-1")
        await consume_holds(session, shipped, by=SYSTEM)
        assert await stock.counts(session, line.product_id, place) == (3, 3, 0)
        movement = (await session.scalars(select(StockMovement).order_by(StockMovement.id.desc()))).first()
        assert movement
        assert (movement.reason, movement.quantity, movement.reference) == (MovementReason.SHIPPED, 2, "SHP-1")
        assert (movement.from_location_id, movement.to_location_id) == (place, None)
        await stock.assert_balanced(session)

    async def test_keeps_the_story_of_each_part(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        (place,) = await held_at(session, line)
        for quantity in (2, 3):
            parts = (at(line, place, quantity),)
            await consume_holds(session, ConsumeHolds(order_id=line.order_id, parts=parts), by=SYSTEM)
        holds = await session.execute(select(StockHold.quantity, StockHold.status))
        assert sorted(tuple(hold) for hold in holds) == [(2, HoldStatus.CONSUMED), (3, HoldStatus.CONSUMED)]

    async def test_refuses_pieces_that_are_not_held_there(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        (place,) = await held_at(session, line)
        for part in (at(line, place, 6), at(line, await stock.location(session), 1)):
            with pytest.raises(NotHeld):
                await consume_holds(session, ConsumeHolds(order_id=line.order_id, parts=(part,)), by=SYSTEM)


class TestReleaseHolds:
    async def test_gives_back_some_or_all(self, session: AsyncSession) -> None:
        line = await a_line(session, 5)
        some = ReleaseHolds(order_id=line.order_id, order_line_id=line.id, quantity=2)
        assert await release_holds(session, some, by=SYSTEM) == 2
        assert await release_holds(session, ReleaseHolds(order_id=line.order_id), by=SYSTEM) == 3
        assert await release_holds(session, ReleaseHolds(order_id=line.order_id), by=SYSTEM) == 0
        await stock.assert_balanced(session)


class TestExpireHolds:
    async def test_gives_back_what_is_due_and_only_once(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        await make.cart(session, channel_id, {product_id: 3})
        due = clock.now() + timedelta(minutes=21)
        assert await expire_holds(session, clock.now()) == 0
        session.info.clear()
        assert await expire_holds(session, due) == 1
        assert await expire_holds(session, due) == 0
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)
        expired, level = stock.events_of(session)
        assert (expired["name"], expired["quantity"]) == ("inventory.stock_hold_expired", 3)
        assert (level["reason"], level["available_before"], level["available_after"]) == ("EXPIRED", 2, 5)

    async def test_passes_by_a_cart_that_is_just_changing(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        async with sessions() as first, sessions() as second:
            channel_id = await make.channel(first)
            product_id, _ = await make.offered(first, 5, channel_id=channel_id)
            cart_id, _ = await make.cart(first, channel_id, {product_id: 3})
            await first.commit()
            await release_holds(first, ReleaseHolds(order_id=cart_id, quantity=1), by=SYSTEM)
            due = clock.now() + timedelta(hours=1)
            assert await expire_holds(second, due) == 0
            await first.commit()
            assert await expire_holds(second, due) == 1
            await second.commit()
            await stock.assert_balanced(first)
