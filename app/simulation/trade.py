"""Trade: what every life of a play needs, and how often what is not the rule happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from app.simulation.clerk import Clerk
from app.simulation.goods import Goods

Life = AsyncIterator[str]
Thing = TypeVar("Thing")
SIMULATED = "Simulated."


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How often what is not the rule happens, as shares of one."""

    abandons: float = 0.1
    cancels: float = 0.06
    knows_the_buyer: float = 0.7
    picks_short: float = 0.04
    fails_at_the_door: float = 0.1
    returns: float = 0.2
    rejects: float = 0.15
    refunds: float = 0.85


@dataclass(frozen=True, kw_only=True)
class Trade:
    """What every life needs: the clerk, the goods, and the seeded chance."""

    clerk: Clerk
    goods: Goods
    chance: Random
    habits: Habits = Habits()

    def happens(self, share: float) -> bool:
        """Whether something that happens so often happens now."""
        return self.chance.random() < share

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """One of `things`."""
        return self.chance.choice(things)

    def several(self, things: Sequence[Thing], most: int) -> list[Thing]:
        """One to `most` of `things`, none twice."""
        return self.chance.sample(things, min(self.chance.randint(1, most), len(things)))
