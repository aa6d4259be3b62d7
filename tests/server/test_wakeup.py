"""The wake-up: it hears from its first message on, survives Redis, is bounded, and tells of every gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis.asyncio

from app.kernel.limits import DEFAULTS
from app.server.wakeup import Bell, Subscription, Unsubscribed, Wakeup
from tests.following.own_redis import OwnRedis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of this test's own, running."""
    made = OwnRedis(tmp_path)
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def connected(url: str, namespace: str = "lading-test", **limits: int) -> AsyncIterator[Wakeup]:
    """A wake-up that is connected within the block."""
    made = Wakeup(url, namespace=namespace, limits=replace(DEFAULTS, **limits))
    await made.connect()
    try:
        yield made
    finally:
        await made.disconnect()


async def heard(reader: Subscription, seconds: float = 5) -> str:
    """The next message; gaps are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            if (message := await reader.next()) is not None:
                return message


async def gap(reader: Subscription, seconds: float = 10) -> None:
    """Wait until a gap is told."""
    async with asyncio.timeout(seconds):
        while await reader.next() is not None:
            pass


async def up(wakeup: Wakeup) -> None:
    """Wait until others are heard."""
    async with asyncio.timeout(10):
        while not wakeup.connected:
            await asyncio.sleep(0.01)


@pytest.fixture(params=["redis", "memory"])
def url(request: pytest.FixtureRequest, redis_url: str) -> str:
    """Each kind of address."""
    return redis_url if request.param == "redis" else "memory://"


class TestWakeup:
    async def test_hears_what_is_published_after_it_subscribed(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup:
            await up(wakeup)
            for number in range(10):
                async with wakeup.subscribe(f"channel-{number}") as reader:
                    await wakeup.publish(f"channel-{number}", f"message {number}")
                    assert await heard(reader) == f"message {number}"

    async def test_tells_every_reader_of_a_channel_in_order(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as first, wakeup.subscribe("a") as second:
                for number in range(20):
                    await wakeup.publish("a", str(number))
                for reader in (first, second):
                    assert [await heard(reader) for _ in range(20)] == [str(number) for number in range(20)]

    async def test_goes_on_for_one_reader_when_another_leaves(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as staying:
                async with wakeup.subscribe("a"):
                    pass
                await wakeup.publish("a", "still")
                assert await heard(staying) == "still"

    async def test_ends_its_readers_when_it_disconnects(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup, wakeup.subscribe("a") as reader:
            await wakeup.disconnect()
            with pytest.raises(Unsubscribed):
                await heard(reader)

    async def test_lets_a_subscription_be_cancelled(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup:

            async def read() -> None:
                async with wakeup.subscribe("a") as reader:
                    await heard(reader, 60)

            reading = asyncio.create_task(read())
            await asyncio.sleep(0.05)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

    async def test_tells_a_slow_reader_of_a_gap_instead_of_growing(self, url, redis_prefix):
        async with connected(url, redis_prefix, wakeup_messages_waiting_max=10) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader:
                for number in range(50):
                    await wakeup.publish("a", str(number))
                await gap(reader)

    async def test_publishes_hundreds_at_once(self, redis_url, redis_prefix):
        async with connected(redis_url, redis_prefix) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader:
                await asyncio.gather(*(wakeup.publish("a", str(number)) for number in range(300)))
                assert {await heard(reader) for _ in range(300)} == {str(number) for number in range(300)}

    async def test_passes_over_bytes_that_are_no_text(self, redis_url, redis_prefix):
        async with connected(redis_url, redis_prefix) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader, redis.asyncio.Redis.from_url(redis_url) as other:
                await other.publish(f"{redis_prefix}:a", b"\xff\xfe")
                await wakeup.publish("a", "text")
                assert [await heard(reader), await heard(reader)] == ["\ufffd\ufffd", "text"]


class TestOutage:
    async def test_tells_of_the_gap_and_hears_again_after_redis_was_away(self, own_redis):
        async with connected(own_redis.url) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader:
                for outage in (0.0, 1.0):
                    own_redis.stop()
                    await asyncio.sleep(outage)
                    await wakeup.publish("a", "lost")
                    own_redis.start()
                    await gap(reader)
                    await wakeup.publish("a", "found")
                    assert await heard(reader) == "found"

    async def test_starts_while_redis_is_away(self, own_redis):
        own_redis.stop()
        async with connected(own_redis.url) as wakeup, wakeup.subscribe("a") as reader:
            await wakeup.publish("a", "lost")
            assert not wakeup.connected
            own_redis.start()
            await gap(reader)
            await wakeup.publish("a", "found")
            assert await heard(reader) == "found"

    async def test_tells_a_gap_when_its_connection_is_ended(self, own_redis):
        async with connected(own_redis.url) as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader, redis.asyncio.Redis.from_url(own_redis.url) as other:
                await other.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                await gap(reader)
                await wakeup.publish("a", "found")
                assert await heard(reader) == "found"


class TestBell:
    async def test_rings_and_joins_rings_that_come_at_once(self, url, redis_prefix):
        async with connected(url, redis_prefix) as wakeup:
            await up(wakeup)
            bell = Bell(wakeup)
            running = asyncio.create_task(bell.run())
            async with wakeup.subscribe("relay") as reader:
                for _ in range(100):
                    bell.ring()
                assert await heard(reader) == ""
                with pytest.raises(TimeoutError):
                    await heard(reader, 0.1)
            running.cancel()


class TestUnixSocket:
    async def test_is_reached(self, own_redis):
        async with connected(f"unix://{own_redis.socket}") as wakeup:
            await up(wakeup)
            async with wakeup.subscribe("a") as reader:
                await wakeup.publish("a", "near")
                assert await heard(reader) == "near"
