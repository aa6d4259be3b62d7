"""The play: many lives at once, a step at a time, at a rate and within bounds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random, SystemRandom

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.refusal import Refusal
from app.simulation.clerk import Clerk
from app.simulation.goods import find_goods
from app.simulation.lives import order_life, stock_life
from app.simulation.trade import Habits, Life, Trade

LIVES_MAX = 40
"""So many lives are under way at once; further ones begin as these end."""
BEGINS = 0.15
"""How often a step begins another life."""
IS_STOCK = 0.25
"""How many of the lives are those of shelves."""
SEED_MAX = 1_000_000
BEHIND_SECONDS_MAX = 1.0
"""A play that is further behind its rate does not hurry to make up for it."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a play goes, in events a second, and where it ends: after so many events, or seconds."""

    rate: float
    events_max: int | None = None
    seconds_max: float | None = None


class Play:
    """Trade that is played over a database."""

    def __init__(self, trade: Trade) -> None:
        """Play `trade`."""
        self.trade = trade
        self.lives: list[Life] = []
        self.told: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    async def step(self) -> str | None:
        """Play one step of one life; answers what happened, None where a life ended."""
        life = self._chosen()
        try:
            told = await anext(life)
        except StopAsyncIteration:
            self.lives.remove(life)
            return None
        except Refusal as refusal:
            self.lives.remove(life)
            self.refusals[refusal.code()] += 1
            return None
        self.told[told] += 1
        return told

    def _chosen(self) -> Life:
        """The life that goes on: one that is under way, or another that begins."""
        chance = self.trade.chance
        if not self.lives or (len(self.lives) < LIVES_MAX and chance.random() < BEGINS):
            begin = stock_life if chance.random() < IS_STOCK else order_life
            self.lives.append(begin(self.trade))
            return self.lives[-1]
        return chance.choice(self.lives)

    async def run(self, pace: Pace, *, stop: asyncio.Event, watch: Callable[[Play], None] = lambda _: None) -> None:
        """Play until the end of `pace`, or until `stop` is set."""
        loop = asyncio.get_running_loop()
        began = due = loop.time()
        while not stop.is_set() and not self._is_over(pace, loop.time() - began):
            before = self.trade.clerk.events
            await self.step()
            watch(self)
            due = max(due + (self.trade.clerk.events - before) / pace.rate, loop.time() - BEHIND_SECONDS_MAX)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await stop.wait()

    def _is_over(self, pace: Pace, seconds: float) -> bool:
        """Whether a bound is reached."""
        if pace.events_max is not None and self.trade.clerk.events >= pace.events_max:
            return True
        return pace.seconds_max is not None and seconds >= pace.seconds_max


def random_seed() -> int:
    """A seed that nobody chose."""
    return SystemRandom().randrange(SEED_MAX)


async def begin_play(sessions: async_sessionmaker[AsyncSession], seed: int, *, habits: Habits | None = None) -> Play:
    """A play by `seed` over the goods that there are."""
    clerk = Clerk(sessions)
    chance = Random(seed)  # noqa: S311 — a play must be repeatable.
    return Play(Trade(clerk=clerk, goods=await find_goods(clerk), chance=chance, habits=habits or Habits()))
