"""Loops outlive what nobody foresaw: each goes on after an exception, and logs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from redis.asyncio.client import PubSub
from structlog.testing import capture_logs

from app.kernel.event_log import POSITIONS_CHANNEL
from app.server import enduring
from app.server.enduring import for_ever
from app.server.relay import Relay, connector
from app.server.rounds import AT_ONCE, Rounds
from app.server.wakeup import RELAY_CHANNEL, Bell
from app.server.wakeup.memory import MemoryBackend
from tests.following.own_redis import OwnRedis
from tests.server.test_wakeup import connected, gap, heard, own_redis, up

__all__ = ["own_redis"]

SECONDS = 10


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops rest for a moment only."""
    monkeypatch.setattr(enduring, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What was logged."""
    with capture_logs() as entries:
        yield entries


def once_broken(real: Callable[..., Any]) -> Callable[..., Any]:
    """What raises at its first call, and then does as `real`."""
    calls = iter([True])

    async def call(*arguments: Any, **named: Any) -> Any:
        if next(calls, False):
            raise KeyError("unforeseen")
        return await real(*arguments, **named)

    return call


@asynccontextmanager
async def running(loop: Any) -> AsyncIterator[None]:
    """Run a loop within the block."""
    task = asyncio.create_task(loop)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class TestForEver:
    async def test_logs_an_exception_and_goes_on(self, logged):
        taken: asyncio.Queue[int] = asyncio.Queue()
        steps = iter(range(4))

        async def step() -> None:
            if (number := next(steps, None)) is None:
                await asyncio.Event().wait()
            elif number == 1:
                raise KeyError(number)
            else:
                taken.put_nowait(number)

        async with running(for_ever(step, "this")), asyncio.timeout(SECONDS):
            assert [await taken.get() for _ in range(3)] == [0, 2, 3]
        assert [(each["event"], each["name"]) for each in logged] == [("outlived", "this")]

    async def test_ends_when_it_is_cancelled(self):
        async def never() -> None:
            await asyncio.Event().wait()

        task = asyncio.create_task(for_ever(never, "this"))
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(SECONDS):
            await asyncio.wait([task])
        assert task.cancelled()


class TestLoops:
    async def test_bell_rings_again(self, logged, monkeypatch, redis_prefix):
        async with connected("memory://", redis_prefix) as wakeup, wakeup.subscribe(RELAY_CHANNEL) as reader:
            bell = Bell(wakeup)
            monkeypatch.setattr(wakeup, "publish", once_broken(wakeup.publish))
            async with running(bell.run()):
                bell.ring()
                await until(lambda: bool(logged))
                bell.ring()
                assert await heard(reader) == ""

    async def test_relay_tells_again(self, logged, monkeypatch, redis_prefix, database_url):
        async with connected("memory://", redis_prefix) as wakeup, wakeup.subscribe(POSITIONS_CHANNEL) as reader:
            relay = Relay(connector(database_url), wakeup)
            monkeypatch.setattr(wakeup, "publish", once_broken(wakeup.publish))
            async with running(relay.run()):
                assert json.loads(await heard(reader, SECONDS))["last"] == 0
        assert ("outlived", "relay") in [(each["event"], each.get("name")) for each in logged]

    async def test_wakeup_hears_again(self, logged, monkeypatch, redis_prefix):
        monkeypatch.setattr(MemoryBackend, "next_published", once_broken(MemoryBackend.next_published))
        async with connected("memory://", redis_prefix) as wakeup, wakeup.subscribe("a") as reader:
            await wakeup.publish("a", "told")
            assert await heard(reader) == "told"
        assert [(each["event"], each["name"]) for each in logged] == [("outlived", "wakeup")]

    async def test_wakeup_tells_a_gap_and_hears_by_another_connection(self, own_redis: OwnRedis, monkeypatch):
        async with connected(own_redis.url) as wakeup, wakeup.subscribe("a") as reader:
            await up(wakeup)
            await gap(reader)
            monkeypatch.setattr(PubSub, "get_message", once_broken(PubSub.get_message))
            await wakeup.publish("a", "ends the waiting")
            await gap(reader)
            await wakeup.publish("a", "told")
            assert await heard(reader) == "told"

    async def test_rounds_go_on_past_one_that_breaks(self, logged):
        seen: set[int] = set()

        def look(one: int) -> None:
            if one == 3:
                raise KeyError(one)
            seen.add(one)

        rounds = Rounds(look, 0.02)
        everyone = set(range(2 * AT_ONCE))
        for one in everyone:
            rounds.add(one)
        await until(lambda: len(logged) >= 2)
        rounds.stop()
        assert seen == everyone - {3}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, or until that takes too long."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
