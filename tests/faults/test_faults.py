"""Faults under load: whatever is killed, every follower ends with exactly the events of the log, each once, in order.

The ordinary suite has each fault once, for a second or two, two or three at a time. `--faults SECONDS` goes on for so
long, with outages ten times as long, an import and long transactions beside, and a PostgreSQL that restarts and
crashes. What happens is drawn from a seed, which is told where it fails; `--only-faults NAME,NAME` has the same ones
happen in each round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from itertools import repeat
from random import Random

import pytest

from tests.faults.beside import Import, importing, open_transactions
from tests.faults.conftest import ONLY, Ground
from tests.faults.crowd import Crowd
from tests.faults.harm import LONG, SHORT, Fault, Scene
from tests.faults.topics import of_customers, of_staff, of_strangers
from tests.faults.trading import Api, Market
from tests.faults.truth import Truth
from tests.faults.world import World, world

SHIPMENTS = "SELECT id, tracking_token FROM shipments ORDER BY id DESC LIMIT 4"
UNDER_LOAD_SECONDS = 0.3
AT_ONCE_MAX = 3
PLAYS = 4


class Drama:
    """A world with its market and its crowd, in which one fault after the other happens."""

    def __init__(self, of: World, *, rate: float, longer: float) -> None:
        chance = Random(of.chance.random())  # noqa: S311
        self.world = of
        self.api = Api(of.addresses, chance)
        self.api.credential = of.shop.staff
        self.market = Market(of.ground.sessions, self.api, rate=rate)
        self.crowd = Crowd(of, self.api)
        self.truth = Truth(of, self.api)
        self.scene = Scene(of, self.crowd, longer)
        self.importing: Import | None = None

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Trade and followers, within the block."""
        async with AsyncExitStack() as things:
            things.push_async_callback(self.api.close)
            things.push_async_callback(self.crowd.end)
            things.push_async_callback(self.market.end)
            await self.crowd.join(*of_staff(self.world.shop), *of_customers(self.world.shop))
            await self.market.begin([self.world.chance.randrange(1_000_000) for _ in range(PLAYS)])
            yield

    async def join_strangers(self) -> None:
        """Have strangers follow the newest shipments by their tokens."""
        shipments = await self.world.in_database(SHIPMENTS)
        await self.crowd.join(*of_strangers({row["id"]: row["tracking_token"] for row in shipments}))

    async def suffer(self, faults: Sequence[Fault]) -> None:
        """Let faults happen at once while trade goes on, and then everybody come to rest and be checked."""
        began, told = time.monotonic(), self.crowd.told
        await asyncio.sleep(UNDER_LOAD_SECONDS)
        async with asyncio.TaskGroup() as under_way:
            for fault in faults:
                under_way.create_task(fault(self.scene))  # type: ignore[arg-type]
        await asyncio.sleep(UNDER_LOAD_SECONDS)
        await self.market.hold_still()
        ended = time.monotonic()
        async with self.importing.held() if self.importing else nullcontext():
            await self.truth.require(self.crowd)
        self.market.go_on()
        names = ", ".join(fault.__name__ for fault in faults)
        now = time.monotonic()
        say(f"{names}: {ended - began:.1f} s, all right {now - ended:.1f} s after; {self.crowd.told - told} told")

    def say(self) -> None:
        """Say what it came to."""
        say(f"{len(self.crowd.followers)} followers, {len(self.truth.events)} events, {self.crowd.told} told")
        say(f"{self.market.commands} commands, refused {dict(self.market.refused)}, {dict(self.api.repeated)}")
        unshown = sum(clerk.unshown for clerk in self.market.clerks)
        say(f"{unshown} repeats were not shown what they did; streams ended: {dict(self.crowd.ends)}")
        if self.importing:
            say(f"the import was begun {self.importing.begun} times, is whole: {self.importing.is_whole}")


Rounds = Callable[[Random], Iterator[Sequence[Fault]]]


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Rounds:
    """The faults of each round of the long form: drawn, or the same ones each time where they are asked for."""
    asked = request.config.getoption(ONLY, None)
    if asked is None:
        return drawn
    named = {fault.__name__: fault for fault in LONG}
    faults = [named[name] for name in asked.split(",")]
    return lambda _: repeat(faults)


def drawn(chance: Random) -> Iterator[Sequence[Fault]]:
    """One to three faults at a time, of all before any comes again."""
    left: list[Fault] = []
    while True:
        left = left or chance.sample(LONG, len(LONG))
        count = chance.randint(1, AT_ONCE_MAX)
        yield left[:count]
        left = left[count:]


def say(what: str) -> None:
    """Say what happened, to whoever reads along or looks why it failed."""
    print(what, flush=True)  # noqa: T201


class TestFollowers:
    async def test_lose_no_event_by_any_fault(self, ground: Ground) -> None:
        begins, kept = {"serve": 2, "relay": 2, "worker": 1}, {"serve": 1, "relay": 1, "worker": 1}
        async with world(ground, begins, kept) as of:
            drama = Drama(of, rate=20, longer=1)
            async with drama.going_on():
                faults = of.chance.sample(SHORT, len(SHORT))
                for first in range(0, len(faults), AT_ONCE_MAX):
                    await drama.suffer(faults[first : first + AT_ONCE_MAX])
                    if first == 0:
                        await drama.join_strangers()
                drama.say()

    async def test_lose_no_event_for_minutes(self, own_ground: Ground, seconds: int, rounds: Rounds) -> None:
        say(f"--seed {own_ground.seed}")
        kept = {"serve": 3, "relay": 2, "worker": 2}
        async with world(own_ground, kept, kept) as of:
            drama = Drama(of, rate=30, longer=10)
            until = time.monotonic() + seconds
            async with drama.going_on(), importing(of) as drama.importing, open_transactions(of):
                for faults in rounds(of.chance):
                    if time.monotonic() > until:
                        break
                    await drama.suffer(faults)
                    await drama.join_strangers()
                drama.say()
