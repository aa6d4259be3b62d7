"""Retention: positions go from the oldest on, once old and read, and nobody reads past what is gone unawares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from app.kernel.event_log import Cursor
from app.kernel.limits import DEFAULTS
from app.server import retention
from app.server.relay import begin_epoch, open_log
from app.server.retention import Retention
from resolvers.following.cohorts import Route
from resolvers.following.followers import CursorExpired
from tests.following.events import LevelChanged, commit, level_ids
from tests.following.processes import process
from tests.server.test_relay import relaying, until, wakeup

__all__ = ["wakeup"]
READER = "INSERT INTO log_readers (name, position, attempts) VALUES"
OLD = "UPDATE outbox_positions SET positioned_at = positioned_at - make_interval(hours => $2) WHERE position <= $1"


@pytest.fixture
async def connection(database_url: str, sessions: Any, wakeup: Any) -> Any:
    """A connection to a database whose log has ten positions."""
    await commit(sessions, *(LevelChanged(level_id=number) for number in range(10)))
    async with relaying(database_url, wakeup):

        async def all_of_them() -> bool:
            return len(await level_ids(database_url)) == 10

        await until(all_of_them)
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


@pytest.fixture
async def served_log(database_url: str, sessions: Any, connection: Any, wakeup: Any) -> Any:
    """Following in a process that stands at the end of that log."""
    del connection
    async with process(database_url, sessions, wakeup) as made:
        yield made.following


async def kept(connection: asyncpg.Connection) -> list[int]:
    """The positions that are kept."""
    return [row["position"] for row in await connection.fetch("SELECT position FROM outbox_positions ORDER BY 1")]


class TestRetention:
    async def test_lets_go_of_old_positions_from_the_oldest_on(self, database_url, sessions, wakeup):
        await commit(sessions, *(LevelChanged(level_id=number) for number in range(5)))
        async with relaying(database_url, wakeup):

            async def all_of_them() -> bool:
                return len(await level_ids(database_url)) == 5

            await until(all_of_them)
            connection = await asyncpg.connect(database_url)
            old = "UPDATE outbox_positions SET positioned_at = positioned_at - interval '30 days' WHERE position <= 3"
            await connection.execute(old)
            await connection.execute("INSERT INTO log_readers (name, position, attempts) VALUES ('slow', 2, 0)")
            await Retention(DEFAULTS).prune(connection)
            assert await connection.fetchval("SELECT min(position) FROM outbox_positions") == 3
            await connection.execute("UPDATE log_readers SET position = 5")
            await Retention(DEFAULTS).prune(connection)
            assert await kept(connection) == [4, 5]
            assert await connection.fetchval("SELECT pruned_position FROM outbox_log") == 3
            async with connection.transaction():
                await begin_epoch(connection)
            await connection.close()
        async with relaying(database_url, wakeup) as relay:
            await relay.leads.wait()
            await commit(sessions, LevelChanged(level_id=9))
            connection = await asyncpg.connect(database_url)

            async def one_more() -> bool:
                return bool(await connection.fetchval("SELECT max(position) = 6 FROM outbox_positions"))

            await until(one_more)
            assert await connection.fetchval("SELECT count(*) FROM outbox_positions") == 3
            await connection.close()

    async def test_goes_on_at_once_while_batches_are_full(self, connection: asyncpg.Connection):
        await connection.execute(OLD, 9, 200)
        letting_go = Retention(replace(DEFAULTS, prune_batch_positions=4))
        for now, first in ((0.0, 5), (0.5, 5), (1.0, 9), (2.0, 10), (30.0, 10)):
            await letting_go.look(connection, now)
            assert (await kept(connection))[0] == first
        await connection.execute(OLD, 10, 200)
        await letting_go.look(connection, 60.0)
        assert await kept(connection) == [10]
        await letting_go.look(connection, 62.0 + retention.PRUNE_SECONDS)
        assert await kept(connection) == []

    async def test_takes_nothing_from_between_where_the_clock_went_back(self, connection: asyncpg.Connection):
        await connection.execute(OLD, 6, 200)
        await connection.execute("UPDATE outbox_positions SET positioned_at = now() WHERE position = 3")
        await Retention(DEFAULTS).prune(connection)
        assert await kept(connection) == [7, 8, 9, 10]

    async def test_is_held_back_by_readers_up_to_a_bound(self, connection: asyncpg.Connection):
        await connection.execute(f"{READER} ('slow', 2, 0), ('quick', 9, 0)")
        limits = replace(DEFAULTS, position_held_hours_max=400)
        passed = retention.PASSED._value.get()  # noqa: SLF001
        await connection.execute(OLD, 8, 200)
        for _ in range(2):
            await Retention(limits).prune(connection)
            assert await kept(connection) == list(range(3, 11))
        assert retention.BEHIND._value.get() == 8  # noqa: SLF001
        assert retention.PASSED._value.get() == passed  # noqa: SLF001
        await connection.execute(OLD, 5, 300)
        await Retention(limits).prune(connection)
        assert await kept(connection) == [6, 7, 8, 9, 10]
        assert retention.PASSED._value.get() == passed + 1  # noqa: SLF001
        await connection.execute("UPDATE log_readers SET position = 10")
        await Retention(limits).prune(connection)
        assert await kept(connection) == [9, 10]

    async def test_never_takes_what_is_young_whatever_was_read(self, connection: asyncpg.Connection):
        await connection.execute(f"{READER} ('quick', 9, 0)")
        assert not await Retention(DEFAULTS).prune(connection)
        assert len(await kept(connection)) == 10


class TestCursors:
    async def test_expire_at_the_edge_and_not_before(self, connection, served_log):
        await connection.execute(OLD, 5, 200)
        await Retention(DEFAULTS).prune(connection)
        epoch = (await open_log(connection)).epoch
        assert (await served_log.start_after(Cursor(epoch, 5).encode())).position == 5
        with pytest.raises(CursorExpired):
            await served_log.start_after(Cursor(epoch, 4).encode())
        assert (await served_log.start_after(Cursor(epoch, 10).encode())).position == 10
        with pytest.raises(CursorExpired):
            await served_log.start_after(Cursor(epoch, 11).encode())

    async def test_expire_while_they_are_read_from(self, connection, served_log):
        epoch = (await open_log(connection)).epoch
        await served_log.start_after(Cursor(epoch, 2).encode())
        route = Route((LevelChanged.name,), ())
        position, events = await served_log._between(route, epoch, 2, 10)  # noqa: SLF001
        assert (position, len(events)) == (10, 8)
        await connection.execute(OLD, 5, 200)
        await Retention(DEFAULTS).prune(connection)
        with pytest.raises(CursorExpired):
            await served_log._between(route, epoch, 2, 10)  # noqa: SLF001
        _, events = await served_log._between(route, epoch, 5, 10)  # noqa: SLF001
        assert len(events) == 5
        with pytest.raises(CursorExpired):
            await served_log._between(route, "another", 5, 10)  # noqa: SLF001
