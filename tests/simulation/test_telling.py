"""Every command tells of every object that it changes: without that, following would not equal reading anew."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel import clock
from app.kernel.refusal import Refusal
from app.simulation.goods import find_goods
from app.simulation.play import Play
from app.simulation.trade import Trade
from schema.root import GRAPH
from tests.simulation.mischief import play_prank
from tests.simulation.office import do_a_duty, hire
from tests.simulation.telling import NotingClerk, Telling

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEPS_MIN, STEPS_MAX = 100, 2_500
PRANKS, DUTIES = 0.2, 0.3
SEED = 1
ELSEWHERE = "app.webhooks."
"""Commands that need a process which serves: the tests of webhooks look at what these record."""


@pytest.mark.usefixtures("shop", "signing_key")
class TestTelling:
    async def test_covers_every_change_of_every_command(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        clerk, telling = NotingClerk(sessions), Telling(sessions)
        play = Play(Trade(clerk=clerk, goods=await find_goods(clerk), chance=Random(SEED)))  # noqa: S311
        chance, now, steps = play.trade.chance, BEGIN, 0
        await telling.check()
        await hire(clerk, "first@example.com")
        await hire(clerk, "second@example.com")
        await telling.check()
        commands = {mutation.command.function for mutation in GRAPH.mutations.values()}
        commands = {command for command in commands if not command.__module__.startswith(ELSEWHERE)}
        while steps < STEPS_MIN or (commands - set(clerk.noted) and steps < STEPS_MAX):
            steps, now = steps + 1, now + timedelta(minutes=chance.randint(0, 10))
            what = chance.random()
            with clock.stopped_at(now), suppress(Refusal):
                if what < PRANKS:
                    await play_prank(clerk, play.trade.goods, chance)
                elif what < PRANKS + DUTIES:
                    await do_a_duty(clerk, chance, commands - set(clerk.noted))
                else:
                    await play.step()
            await telling.check()
        assert [command.__name__ for command in commands if not clerk.noted[command]] == []
