"""The relay: dense positions in the order of effects, whoever leads and whatever commits in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest
from sqlalchemy import text

from app.kernel.event_log import EVENT_CURSOR_SQL, POSITIONS_CHANNEL, decode_cursor
from app.kernel.limits import DEFAULTS
from app.kernel.outbox import record, write_outbox
from app.kernel.principal import SYSTEM
from app.server.relay import Relay, connector, open_log, run_relay
from app.server.wakeup import Bell, Subscription, Wakeup
from tests.following.events import LevelChanged, commit, level_ids


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 5) -> None:
    """Wait until `condition` holds; TimeoutError where it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def relaying(database_url: str, wakeup: Wakeup, **limits: int) -> AsyncIterator[Relay]:
    """A relay that runs within the block."""
    relay = Relay(connector(database_url), wakeup, limits=replace(DEFAULTS, **limits))
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await running


@pytest.fixture
async def wakeup() -> AsyncIterator[Wakeup]:
    """A wake-up within this process."""
    made = Wakeup("memory://")
    await made.connect()
    yield made
    await made.disconnect()


class TestRelay:
    async def test_positions_what_commits_without_holes(self, database_url, sessions, wakeup):
        await commit(sessions, LevelChanged(level_id=1))
        async with relaying(database_url, wakeup):
            await commit(sessions, LevelChanged(level_id=2), LevelChanged(level_id=3))

            async def three() -> bool:
                return await level_ids(database_url) == [1, 2, 3]

            await until(three)

    async def test_does_not_wait_for_a_transaction_that_stays_open_and_finds_it_when_it_commits(
        self, database_url, sessions, wakeup
    ):
        async with relaying(database_url, wakeup), sessions() as slow:
            record(slow, LevelChanged(level_id=1), by=SYSTEM)
            await write_outbox(slow)
            await commit(sessions, LevelChanged(level_id=2))

            async def second() -> bool:
                return await level_ids(database_url) == [2]

            await until(second)
            for number in range(3, 6):
                await commit(sessions, LevelChanged(level_id=number))
                await asyncio.sleep(0.03)
            await slow.commit()

            async def all_of_them() -> bool:
                return await level_ids(database_url) == [2, 3, 4, 5, 1]

            await until(all_of_them)

    async def test_forgets_what_is_rolled_back(self, database_url, sessions, wakeup):
        async with relaying(database_url, wakeup), sessions() as undone:
            record(undone, LevelChanged(level_id=1), by=SYSTEM)
            await write_outbox(undone)
            await undone.rollback()
            await commit(sessions, LevelChanged(level_id=2))

            async def second() -> bool:
                return await level_ids(database_url) == [2]

            await until(second)

    async def test_positions_more_than_one_batch(self, database_url, sessions, wakeup):
        await commit(sessions, *(LevelChanged(level_id=number) for number in range(25)))
        async with relaying(database_url, wakeup, relay_batch_events_max=10):

            async def all_of_them() -> bool:
                return await level_ids(database_url) == list(range(25))

            await until(all_of_them)
            await commit(sessions, *(LevelChanged(level_id=number) for number in range(25, 50)))

            async def those_after() -> bool:
                return await level_ids(database_url) == list(range(50))

            await until(those_after)

    async def test_has_one_leader_and_a_stand_by_that_takes_over(self, database_url, sessions, wakeup):
        async with relaying(database_url, wakeup) as first:
            await first.leads.wait()
            async with relaying(database_url, wakeup) as second:
                await commit(sessions, LevelChanged(level_id=1))
                await asyncio.sleep(0.1)
                assert not second.leads.is_set()
                await kill_leader(database_url)
                async with asyncio.timeout(5):
                    await asyncio.wait(
                        [asyncio.create_task(each.leads.wait()) for each in (first, second)],
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                await commit(sessions, LevelChanged(level_id=2))

                async def both() -> bool:
                    return await level_ids(database_url) == [1, 2]

                await until(both)

    async def test_gives_no_position_twice_when_leaders_change_all_the_time(self, database_url, sessions, wakeup):
        async with relaying(database_url, wakeup, relay_batch_events_max=7), relaying(database_url, wakeup):
            writing = asyncio.gather(*(write_many(sessions, begin) for begin in (0, 100, 200)))
            for _ in range(6):
                await asyncio.sleep(0.05)
                with suppress(AssertionError):
                    await kill_leader(database_url)
            await writing

            async def everything() -> bool:
                return len(await level_ids(database_url)) == 120

            await until(everything, 10)
            levels = await level_ids(database_url)
            for begin in (0, 100, 200):
                assert [level for level in levels if begin <= level < begin + 100] == list(range(begin, begin + 40))

    async def test_tells_positions_names_and_keys_and_republishes_its_tail(self, database_url, sessions, wakeup):
        async with wakeup.subscribe(POSITIONS_CHANNEL) as heard:
            async with relaying(database_url, wakeup):
                await commit(sessions, LevelChanged(level_id=7, shelf_id=8))
                told = await next_positions(heard)
            async with relaying(database_url, wakeup):
                again = await next_positions(heard)
        assert told == again == [[1, "tests.level_changed", {"level_id": 7, "shelf_id": 8}]]

    async def test_tells_all_of_its_events_unless_that_is_too_much(self, database_url, sessions, wakeup, monkeypatch):
        async with wakeup.subscribe(POSITIONS_CHANNEL) as heard:
            async with relaying(database_url, wakeup):
                await commit(sessions, LevelChanged(level_id=7, shelf_id=8))
                ((facts, actor, _, transaction_id),) = (await next_message(heard))["details"]
            monkeypatch.setattr("app.server.relay.MESSAGE_BYTES_MAX", 10)
            async with relaying(database_url, wakeup):
                assert "details" not in await next_message(heard)
        assert facts["level_id"] == 7
        assert actor["name"] == "system"
        assert int(transaction_id) > 0

    async def test_is_woken_by_a_ring_over_redis(self, database_url, redis_url, redis_prefix, sessions):
        wakeup = Wakeup(redis_url, namespace=redis_prefix)
        await wakeup.connect()
        bell = Bell(wakeup)
        ringing = asyncio.create_task(bell.run())
        async with wakeup.subscribe(POSITIONS_CHANNEL) as heard, relaying(database_url, wakeup):
            await commit(sessions, LevelChanged(level_id=1))
            bell.ring()
            assert len(await next_positions(heard)) == 1
        ringing.cancel()
        await wakeup.disconnect()

    async def test_runs_until_it_is_stopped(self, database_url, redis_url, sessions):
        stop = asyncio.Event()
        running = asyncio.create_task(run_relay(database_url, Wakeup(redis_url), stop=stop))
        await commit(sessions, LevelChanged(level_id=1))

        async def one() -> bool:
            return await level_ids(database_url) == [1]

        await until(one)
        stop.set()
        async with asyncio.timeout(3):
            await running


class TestEpoch:
    async def test_stays_while_the_database_is_the_same_one(self, database_url):
        connection = await asyncpg.connect(database_url)
        first, second = await open_log(connection), await open_log(connection)
        await connection.close()
        assert first.epoch == second.epoch

    async def test_goes_on_when_the_first_relay_begins(self, database_url):
        connection = await asyncpg.connect(database_url)
        before = decode_cursor(await connection.fetchval(f"SELECT {EVENT_CURSOR_SQL}"))
        standing = await open_log(connection)
        await connection.close()
        assert before is not None
        assert standing.epoch == before.epoch

    async def test_is_another_after_a_restore_and_everything_is_still_found(self, database_url, sessions, wakeup):
        await commit(sessions, LevelChanged(level_id=1))
        connection = await asyncpg.connect(database_url)
        before = await open_log(connection)
        async with relaying(database_url, wakeup):

            async def one() -> bool:
                return await level_ids(database_url) == [1]

            await until(one)
        await connection.execute("UPDATE outbox_log SET cluster = 'another', covered = '1:9223372036854775807:'")
        await connection.execute("UPDATE outbox_events SET transaction_id = '9223372036854775800'")
        async with relaying(database_url, wakeup):
            await commit(sessions, LevelChanged(level_id=2))

            async def two() -> bool:
                return await level_ids(database_url) == [1, 2]

            await until(two)
        assert (await open_log(connection)).epoch != before.epoch
        assert await connection.fetchval("SELECT transaction_id::text FROM outbox_events ORDER BY id LIMIT 1") == "0"
        await connection.close()


class TestEventCursor:
    async def test_names_the_position_and_what_its_statement_saw(self, database_url, sessions, wakeup):
        async with relaying(database_url, wakeup):
            await commit(sessions, LevelChanged(level_id=1))

            async def one() -> bool:
                return await level_ids(database_url) == [1]

            await until(one)
        async with sessions() as slow, sessions() as reader:
            record(slow, LevelChanged(level_id=2), by=SYSTEM)
            await write_outbox(slow)
            await commit(sessions, LevelChanged(level_id=3))
            cursor = decode_cursor(str(await reader.scalar(text(f"SELECT {EVENT_CURSOR_SQL}"))))
            await slow.commit()
            ids = {
                level: int(transaction)
                for level, transaction in await reader.execute(
                    text("SELECT (facts->>'level_id')::int, transaction_id::text FROM outbox_events")
                )
            }
        assert cursor is not None
        assert cursor.position == 1
        assert cursor.snapshot is not None
        assert [cursor.snapshot.saw(ids[level]) for level in (1, 2, 3)] == [True, False, True]


async def kill_leader(database_url: str) -> None:
    """End the leader's connection, as a machine that dies would."""
    connection = await asyncpg.connect(database_url)
    ended = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await connection.close()
    assert ended == 1


async def write_many(sessions, begin: int) -> None:
    """Commit forty events of one key, one after the other."""
    for number in range(begin, begin + 40):
        await commit(sessions, LevelChanged(level_id=number))
        await asyncio.sleep(0.01)


async def next_positions(heard: Subscription) -> Any:
    """The events of the next message that holds any."""
    return (await next_message(heard))["events"]


async def next_message(heard: Subscription) -> Any:
    """The next message that holds any events."""
    async with asyncio.timeout(5):
        while True:
            message = await heard.next()
            if message and (told := orjson.loads(message))["events"]:
                return told
