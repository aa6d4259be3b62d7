"""Cohorts: what goes wrong while they are read, and what is handed on then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.kernel.event_log import Cursor, LoggedEvent, decode_cursor
from app.kernel.limits import DEFAULTS
from resolvers.errors import RequestError
from resolvers.following.cohorts import Cohort, Route, Routes, batch_of
from resolvers.following.followers import CursorExpired, Delivery, Follower

NAME = "orders.order_placed"


class Caller:
    """A caller with a key."""

    api_key_id, user_id = 7, None


class ScriptedPayload:
    """A payload whose reading waits for the test, or fails as it says."""

    key, principal = "the same", Caller()

    def __init__(self, *failures: Exception, cost: int = 1) -> None:
        self.failures = list(failures)
        self.cost = cost
        self.go = asyncio.Event()
        self.go.set()
        self.batches: list[int] = []

    async def deliveries(self, events: Sequence[LoggedEvent], epoch: str) -> dict[int, Delivery]:
        """What is delivered of events: their cursors."""
        self.batches.append(len(events))
        await self.go.wait()
        if self.failures:
            raise self.failures.pop(0)
        return {event.position: delivery(epoch, event.position) for event in events}


def delivery(epoch: str, position: int) -> Delivery:
    """What is delivered of an event: its cursor."""
    return Delivery(epoch, position, position, 0, (b"", b""), Cursor(epoch, position).encode().encode())


def event(position: int) -> LoggedEvent:
    """An event in its place."""
    return LoggedEvent(position, NAME, {}, {}, {}, datetime.now(UTC), 0)


def join(routes: Routes, payload: Any, start: Cursor, **limits: int) -> tuple[Follower, Cohort]:
    """A follower of everything, and its cohort."""
    follower = Follower(start, conflates=False, **limits)
    return follower, routes.join(follower, Route((NAME,), ()), payload)


async def told(follower: Follower) -> tuple[str, int]:
    """The log and position of the next event that a follower is told."""
    async with asyncio.timeout(2):
        cursor = decode_cursor((await follower.next()).decode())
    assert cursor is not None
    return cursor.epoch, cursor.position


@pytest.fixture
def routes() -> Routes:
    """Routes that nobody has joined."""
    return Routes(DEFAULTS)


class TestReading:
    async def test_is_tried_again_while_the_database_is_away(self, routes: Routes):
        payload = ScriptedPayload(asyncpg.CannotConnectNowError("starting up"), ConnectionResetError())
        follower, cohort = join(routes, payload, Cursor("e", 0))
        cohort.reading.push(event(1), cohort, "e")
        assert await told(follower) == ("e", 1)
        assert payload.batches == [1, 1, 1]

    async def test_that_fails_for_good_ends_its_followers_and_says_where_they_stand(self, routes: Routes):
        payload = ScriptedPayload(asyncpg.NumericValueOutOfRangeError("integer out of range"))
        follower, cohort = join(routes, payload, Cursor("e", 3))
        cohort.reading.push(event(4), cohort, "e")
        with pytest.raises(RequestError) as failed:
            await told(follower)
        assert (failed.value.extensions or {})["cursor"] == Cursor("e", 3).encode()
        assert payload.batches == [1]

    async def test_that_fails_says_where_its_reader_stands_once_it_has_read_what_waits(self, routes: Routes):
        payload = ScriptedPayload()
        follower, cohort = join(routes, payload, Cursor("e", 0))
        cohort.reading.push(event(1), cohort, "e")
        cohort.reading.push(event(2), cohort, "e")
        assert await told(follower) == ("e", 1)
        payload.failures.append(asyncpg.NumericValueOutOfRangeError("integer out of range"))
        cohort.reading.push(event(3), cohort, "e")
        await asyncio.sleep(0.05)
        assert await told(follower) == ("e", 2)
        with pytest.raises(RequestError) as failed:
            await told(follower)
        assert (failed.value.extensions or {})["cursor"] == Cursor("e", 2).encode()

    async def test_takes_fewer_events_at_once_where_each_costs_much(self, routes: Routes):
        payload = ScriptedPayload(cost=DEFAULTS.follow_batch_cost_max // 3)
        payload.go.clear()
        follower, cohort = join(routes, payload, Cursor("e", 0))
        for position in range(1, 8):
            cohort.reading.push(event(position), cohort, "e")
        payload.go.set()
        assert [await told(follower) for _ in range(7)] == [("e", position) for position in range(1, 8)]
        assert payload.batches == [3, 3, 1]
        dear: Any = ScriptedPayload(cost=10 * DEFAULTS.follow_batch_cost_max)
        assert batch_of(dear, DEFAULTS) == 1

    async def test_of_a_log_that_is_no_more_is_told_to_nobody_who_follows_the_new_one(self, routes: Routes):
        payload = ScriptedPayload()
        payload.go.clear()
        stuck, cohort = join(routes, payload, Cursor("old", 99))
        cohort.reading.push(event(100), cohort, "old")
        await asyncio.sleep(0)
        cohort.reading.push(event(101), cohort, "old")
        routes.forget()
        stuck.end(CursorExpired())
        new, same = join(routes, payload, Cursor("new", 50))
        assert same is cohort
        cohort.reading.push(event(51), cohort, "new")
        payload.go.set()
        assert await told(new) == ("new", 51)
        assert new.idle is False
        assert payload.batches == [1, 1]


class TestBuffers:
    async def test_are_bounded_in_bytes(self):
        follower = Follower(Cursor("e", 0), conflates=False, bytes_max=3 * len(delivery("e", 1).body))
        for position in (1, 2, 3):
            follower.offer(delivery("e", position))
        assert await told(follower) == ("e", 1)
        follower.offer(delivery("e", 4))
        assert [await told(follower) for _ in range(3)] == [("e", 2), ("e", 3), ("e", 4)]
        for position in range(5, 9):
            follower.offer(delivery("e", position))
        with pytest.raises(RequestError) as slow:
            await told(follower)
        assert slow.value.extensions == {"code": "FOLLOWER_TOO_SLOW", "cursor": Cursor("e", 4).encode()}
