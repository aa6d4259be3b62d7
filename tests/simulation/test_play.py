"""Playing trade: at a rate, within bounds, alike by seed, and from the cart to the refund."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.inventory.questions import unexplained_levels
from app.kernel.outbox import OutboxEvent
from app.orders.tables import Order
from app.shipments.tables import TrackingEvent
from app.simulation.goods import NothingToTrade
from app.simulation.play import Pace, Play, begin_play
from app.simulation.trade import Habits

Sessions = async_sessionmaker[AsyncSession]
SMOOTH = Habits(abandons=0, cancels=0, picks_short=0, returns=1, rejects=0, refunds=1)
AT_ONCE = 1e9
STEPS_MAX = 800
EVERYTHING = {
    *("carts created", "cart lines set", "orders placed", "orders allocated", "picks confirmed", "parcels packed"),
    *("shipments created", "shipments dispatched", "tracking events added", "shipments delivered"),
    *("returns requested", "returns approved", "returns received", "returns disposed", "refunds recorded"),
    "deliveries received",
}


async def played(sessions: Sessions, pace: Pace, *, seed: int = 7, habits: Habits | None = None) -> Play:
    """A play that is over."""
    play = await begin_play(sessions, seed, habits=habits)
    await play.run(pace, stop=asyncio.Event())
    return play


class TestPlay:
    async def test_needs_something_to_trade(self, sessions: Sessions) -> None:
        with pytest.raises(NothingToTrade):
            await begin_play(sessions, 1)

    @pytest.mark.usefixtures("shop")
    async def test_goes_from_the_cart_to_the_refund(self, sessions: Sessions) -> None:
        play = await begin_play(sessions, 7, habits=SMOOTH)
        for _ in range(STEPS_MAX):
            await play.step()
            if set(play.told) >= EVERYTHING:
                break
        assert set(play.told) >= EVERYTHING
        async with sessions() as session:
            assert await unexplained_levels(session) == []
            assert await session.scalar(select(func.bool_and(TrackingEvent.is_simulated)))

    @pytest.mark.usefixtures("shop")
    async def test_ends_after_so_many_events(self, sessions: Sessions) -> None:
        async with sessions() as session:
            before = await session.scalar(select(func.count()).select_from(OutboxEvent)) or 0
        play = await played(sessions, Pace(rate=AT_ONCE, events_max=30))
        async with sessions() as session:
            after = await session.scalar(select(func.count()).select_from(OutboxEvent)) or 0
        assert after - before == play.trade.clerk.events
        assert 30 <= play.trade.clerk.events < 40

    @pytest.mark.usefixtures("shop")
    async def test_keeps_to_its_rate(self, sessions: Sessions) -> None:
        began = time.monotonic()
        play = await played(sessions, Pace(rate=20, seconds_max=2))
        seconds = time.monotonic() - began
        assert 2 <= seconds < 4
        assert 5 < play.trade.clerk.events <= 20 * seconds + 10

    @pytest.mark.usefixtures("shop")
    async def test_stops_when_it_is_asked_to(self, sessions: Sessions) -> None:
        play, stop = await begin_play(sessions, 3), asyncio.Event()
        running = asyncio.create_task(play.run(Pace(rate=0.001), stop=stop))
        await asyncio.sleep(0.2)
        stop.set()
        async with asyncio.timeout(2):
            await running

    @pytest.mark.usefixtures("shop")
    async def test_is_alike_by_seed(self, sessions: Sessions) -> None:
        steps = []
        for _ in range(2):
            play = await begin_play(sessions, 11, habits=Habits(cancels=0))
            steps.append([await play.step() for _ in range(12)])
        assert steps[0] == steps[1]
        async with sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Order))
