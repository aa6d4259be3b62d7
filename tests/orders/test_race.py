"""Many buyers, few pieces, several processes: never oversold, never deadlocked, every piece accounted for."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.tables import StockLevel
from app.kernel.outbox import OutboxEvent, write_outbox
from app.orders.tables import Order, OrderLine, OrderStatus
from tests.factories import inventory as stock
from tests.factories import orders as make
from tests.orders.buyers import Race, buy

PROCESSES = 3


def run(race: Race) -> Counter[str]:
    """The race in several processes at once; what came of all carts."""
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawning) as pool:
        outcomes = pool.map(buy, [replace(race, seed=race.seed + number) for number in range(PROCESSES)])
        return sum(outcomes, Counter[str]())


async def sold(session: AsyncSession) -> dict[int, int]:
    """How many pieces of each product were ordered for good."""
    ordered = (
        select(OrderLine.product_id, func.sum(OrderLine.quantity))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.status == OrderStatus.PLACED)
        .group_by(OrderLine.product_id)
    )
    return {row[0]: row[1] for row in await session.execute(ordered)}


async def assert_told_in_order(session: AsyncSession) -> None:
    """Each level's events follow on each other: what one left is what the next one found."""
    told = select(OutboxEvent.facts).where(OutboxEvent.name == "inventory.stock_level_changed").order_by(OutboxEvent.id)
    last: dict[int, dict[str, Any]] = {}
    for facts in await session.scalars(told):
        before = last.get(facts["stock_level_id"])
        for count in ("on_hand", "held", "available"):
            assert before is None or facts[f"{count}_before"] == before[f"{count}_after"]
        last[facts["stock_level_id"]] = facts
    levels = {level.id: level for level in await session.scalars(select(StockLevel))}
    assert {key: (facts["on_hand_after"], facts["held_after"]) for key, facts in last.items()} == {
        key: (level.on_hand, level.held) for key, level in levels.items()
    }


class TestRace:
    async def test_as_many_buyers_as_pieces_get_one(self, session: AsyncSession, database_url: str) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 20, channel_id=channel_id)
        await write_outbox(session)
        await session.commit()
        race = Race(
            database_url=database_url,
            channel_id=channel_id,
            products=(product_id,),
            buyers=8,
            carts=3,
            pieces_max=1,
            fickle=False,
            seed=1,
        )
        assert run(race) == {"placed": 20, "refused": 8 * 3 * PROCESSES - 20}
        assert await stock.counts(session, product_id, location_id) == (20, 20, 0)
        await stock.assert_balanced(session)
        await assert_told_in_order(session)

    @pytest.mark.parametrize("seed", [1, 2])
    async def test_carts_with_the_same_products_neither_deadlock_nor_oversell(
        self, session: AsyncSession, database_url: str, seed: int
    ) -> None:
        channel_id = await make.channel(session)
        products = tuple([(await make.offered(session, 30, channel_id=channel_id))[0] for _ in range(4)])
        for product_id in products:
            await stock.stocked(session, 10, product_id=product_id)
        await write_outbox(session)
        await session.commit()
        race = Race(
            database_url=database_url,
            channel_id=channel_id,
            products=products,
            buyers=5,
            carts=4,
            pieces_max=3,
            fickle=True,
            seed=seed * 100,
        )
        outcomes = run(race)
        assert outcomes["placed"] > 0
        assert sum(outcomes.values()) == 5 * 4 * PROCESSES
        assert all(pieces <= 40 for pieces in (await sold(session)).values())
        await stock.assert_balanced(session)
        await assert_told_in_order(session)
