"""Outages: whatever is away for a while, every follower ends with the events of the log, each once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.server.relay import begin_epoch
from app.server.wakeup import Wakeup
from resolvers.errors import RequestError
from resolvers.following.followers import TooSlow
from schema.root import GRAPH
from tests.following.conftest import Shelf
from tests.following.own_redis import OwnRedis
from tests.following.processes import Process, Reader, eventually, process, relaying

LEVELS = """subscription ($after: String) {
  stockLevelChanged(after: $after) { cursor availableAfter stockLevel { available } } }"""


@asynccontextmanager
async def over(own_redis: OwnRedis) -> AsyncIterator[Wakeup]:
    """A wake-up of one process over a Redis."""
    made = Wakeup(own_redis.url, namespace="outages")
    await made.connect()
    try:
        yield made
    finally:
        await made.disconnect()


@asynccontextmanager
async def two_processes(
    database_url: str, sessions: async_sessionmaker[AsyncSession], own_redis: OwnRedis
) -> AsyncIterator[tuple[Process, Process]]:
    """Two relays and two processes that follow, all of which hear of each other by Redis alone."""
    async with AsyncExitStack() as things:
        wakeups = [await things.enter_async_context(over(own_redis)) for _ in range(4)]
        await things.enter_async_context(relaying(database_url, wakeups[0]))
        await things.enter_async_context(relaying(database_url, wakeups[1], stands_by=True))
        made = [await things.enter_async_context(process(database_url, sessions, each)) for each in wakeups[2:]]
        for each in made:
            await each.settled()
        yield made[0], made[1]


def told(reader: Reader) -> list[int]:
    """The available pieces after each event that was told."""
    return [event["availableAfter"] for event in reader.read]


async def end_connections(database_url: str, condition: str) -> None:
    """End the connections of which `condition` is true, as a server that is restarted would."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
    )
    await connection.close()


class TestRedis:
    async def test_that_is_away_costs_latency_and_no_event(self, database_url, sessions, shelf: Shelf, own_redis):
        async with two_processes(database_url, sessions, own_redis) as made:
            readers = [await each.follow(LEVELS) for each in made]
            await shelf.change()
            for reader in readers:
                await reader.count(1)
            own_redis.stop()
            for _ in range(5):
                await shelf.change()
                await asyncio.sleep(0.1)
            for reader in readers:
                await reader.count(6)
            own_redis.start()
            for _ in range(5):
                await shelf.change()
                await asyncio.sleep(0.1)
            for reader in readers:
                await reader.count(11)
                assert told(reader) == list(range(101, 112))
                await reader.close()

    async def test_that_is_restarted_again_and_again_repeats_and_loses_nothing(
        self, database_url, sessions, shelf: Shelf, own_redis
    ):
        async with two_processes(database_url, sessions, own_redis) as made:
            readers = [await each.follow(LEVELS) for each in made]
            for round_ in range(4):
                for _ in range(10):
                    await shelf.change()
                    await asyncio.sleep(0.01)
                own_redis.stop()
                await asyncio.sleep(0.05 * round_)
                own_redis.start()
            for reader in readers:
                await reader.count(40)
                assert told(reader) == list(range(101, 141))
                await reader.close()


class TestDatabase:
    async def test_whose_connections_end_all_the_time_loses_nothing(
        self, database_url, sessions, shelf: Shelf, own_redis
    ):
        async with two_processes(database_url, sessions, own_redis) as made:
            readers = [await each.follow(LEVELS) for each in made]
            for _ in range(5):
                for _ in range(6):
                    await shelf.change()
                    await asyncio.sleep(0.01)
                await end_connections(database_url, "application_name IN ('lading relay', 'lading read')")
                await asyncio.sleep(0.2)
            for reader in readers:
                await reader.count(30, 10)
                assert told(reader) == list(range(101, 131))
                await reader.close()


class TestEpoch:
    async def test_that_ends_ends_every_follower_with_the_advice_to_read_anew(
        self, database_url, sessions, shelf: Shelf, served
    ):
        reader = await served.follow(LEVELS)
        connection = await asyncpg.connect(database_url)
        async with connection.transaction():
            await begin_epoch(connection)
        await connection.close()
        ended = await reader.ended()
        assert isinstance(ended, RequestError)
        assert (ended.extensions or {})["code"] == "CURSOR_EXPIRED"
        again = await served.follow(LEVELS)
        await shelf.change()
        await again.count(1)
        await again.close()


class TestSlowFollowers:
    async def test_of_events_are_let_go_and_resume_without_a_loss(self, database_url, sessions, shelf: Shelf, wakeup):
        async with (
            relaying(database_url, wakeup),
            process(database_url, sessions, wakeup, follower_buffer_events_max=5) as made,
        ):
            await made.settled()
            slow, fast = await made.follow(LEVELS), await made.follow(LEVELS)
            slow.pause()
            for _ in range(12):
                await shelf.change()
                await asyncio.sleep(0.01)
            await fast.count(12)
            slow.resume()
            ended = await slow.ended()
            assert isinstance(ended, TooSlow)
            cursor = (ended.extensions or {})["cursor"]
            assert cursor == slow.read[-1]["cursor"]
            again = await made.follow(LEVELS, after=cursor)
            await eventually(lambda: len(again.read) + len(slow.read) >= 12)
            assert told(slow) + told(again) == list(range(101, 113))
            for reader in (fast, again):
                await reader.close()

    async def test_of_states_get_the_last_one(self, database_url, sessions, shelf: Shelf, wakeup):
        async with (
            relaying(database_url, wakeup),
            process(database_url, sessions, wakeup, graph=GRAPH, follower_buffer_events_max=5) as made,
        ):
            await made.settled()
            slow = await made.follow(LEVELS)
            slow.pause()
            for _ in range(30):
                await shelf.change()
            await made.settled(31)
            await asyncio.sleep(0.1)
            slow.resume()
            await eventually(lambda: told(slow)[-1] == 130)
            assert told(slow)[-1] == 130
            assert len(slow.read) < 10
            await slow.close()
