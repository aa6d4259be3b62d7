"""A year by seed: hundreds of random commands over a year of the clock, and the books are right after each one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel import clock
from app.kernel.refusal import Refusal
from app.simulation.play import begin_play
from tests.simulation.books import Books
from tests.simulation.mischief import play_prank

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 300
PRANKS = 0.3
SEEDS = (1, 2)
CALM_MINUTES_MAX = 10
PAUSES = 0.06


@pytest.mark.usefixtures("shop")
class TestYear:
    @pytest.mark.parametrize("seed", SEEDS)
    async def test_keeps_the_books_right(self, sessions: async_sessionmaker[AsyncSession], seed: int) -> None:
        play = await begin_play(sessions, seed)
        books, chance, now = Books(sessions), play.trade.chance, NEW_YEAR
        await books.open()
        for _ in range(STEPS):
            now += timedelta(minutes=chance.randint(0, CALM_MINUTES_MAX))
            now += timedelta(days=chance.randint(5, 30)) if chance.random() < PAUSES else timedelta()
            refusals = play.refusals.total()
            with clock.stopped_at(now):
                if chance.random() < PRANKS:
                    try:
                        await play_prank(play.trade.clerk, play.trade.goods, chance)
                    except Refusal as refusal:
                        play.refusals[refusal.code()] += 1
                else:
                    await play.step()
            await books.check(refused=play.refusals.total() > refusals)
        assert now - NEW_YEAR > timedelta(days=180)
        assert play.told["orders placed"] > 5
        assert play.told["shipments delivered"] > 1
        assert len(play.refusals) > 5
