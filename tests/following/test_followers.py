"""A follower's buffer: bounded, in order, and true about where its reader stands."""

from __future__ import annotations

import asyncio

import pytest

from app.kernel.event_log import Cursor, Snapshot, decode_cursor
from resolvers.following.followers import Delivery, Follower, TooSlow


def delivery(position: int, key: int = 1, transaction_id: int = 0) -> Delivery:
    """What is delivered of an event: its key and position, and its cursor."""
    pieces = (f"{key}@{position} ".encode(), b"")
    return Delivery("e", position, key, transaction_id, pieces, Cursor("e", position).encode().encode().join(pieces))


class Sent:
    """What was sent to a reader at once."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = free
        self.bodies: list[bytes] = []

    def __call__(self, body: bytes) -> bool:
        """Send a body, where nothing stands against it."""
        if self.free:
            self.bodies.append(body)
        return self.free


async def read(follower: Follower) -> tuple[str, int]:
    """The next delivery: what it is of, and the position of the cursor it tells."""
    async with asyncio.timeout(1):
        what, cursor = (await follower.next()).decode().split(" ")
    decoded = decode_cursor(cursor)
    assert decoded is not None
    return what, decoded.position


def follower(*, conflates: bool, buffer_max: int = 3, start: Cursor | None = None) -> Follower:
    """A follower from the beginning of a log."""
    return Follower(start or Cursor("e", 0), buffer_max=buffer_max, conflates=conflates)


class TestEvents:
    async def test_are_told_once_and_in_order(self):
        made = follower(conflates=False)
        for position in (1, 2, 3):
            made.offer(delivery(position))
        assert [await read(made) for _ in range(3)] == [("1@1", 1), ("1@2", 2), ("1@3", 3)]

    async def test_end_with_the_last_cursor_where_the_reader_is_too_slow(self):
        made = follower(conflates=False)
        made.offer(delivery(1))
        assert await read(made) == ("1@1", 1)
        for position in (2, 3, 4, 5):
            made.offer(delivery(position))
        with pytest.raises(TooSlow) as slow:
            await made.next()
        assert (slow.value.extensions or {})["cursor"] == Cursor("e", 1).encode()

    async def test_before_the_beginning_are_passed_over(self):
        made = follower(conflates=False)
        made.joined_at = 5
        made.offer(delivery(5))
        made.offer(delivery(6))
        assert await read(made) == ("1@6", 6)

    async def test_that_a_snapshot_saw_are_passed_over_and_the_cursor_goes_on_to_say_so(self):
        made = follower(conflates=False, start=Cursor("e", 0, Snapshot(10, 12, frozenset({10}))))
        for position, transaction_id in ((1, 9), (2, 10), (3, 11), (4, 12)):
            made.offer(delivery(position, transaction_id=transaction_id))
        assert [await read(made) for _ in range(2)] == [("1@2", 2), ("1@4", 4)]
        assert decode_cursor(made.cursor) == Cursor("e", 4, Snapshot(10, 12, frozenset({10})))

    async def test_wake_a_reader_that_waits(self):
        made = follower(conflates=False)
        reading = asyncio.create_task(made.next())
        await asyncio.sleep(0)
        assert made.idle
        made.offer(delivery(1))
        assert (await reading).startswith(b"1@1")

    async def test_go_straight_to_a_reader_that_waits(self):
        made, sent = follower(conflates=False), Sent()
        made.send_now = sent
        made.offer(delivery(1))
        assert await read(made) == ("1@1", 1)
        reading = asyncio.create_task(made.next())
        await asyncio.sleep(0)
        made.offer(delivery(2))
        made.offer(delivery(3))
        assert sent.bodies == [delivery(2).body, delivery(3).body]
        assert decode_cursor(made.cursor) == Cursor("e", 3)
        assert made.idle
        assert not reading.done()
        reading.cancel()

    async def test_wait_in_order_where_the_reader_cannot_be_sent_to_at_once(self):
        made, sent = follower(conflates=False), Sent(free=False)
        made.send_now = sent
        reading = asyncio.create_task(made.next())
        await asyncio.sleep(0)
        made.offer(delivery(1))
        assert decode_cursor(made.cursor) == Cursor("e", 0)
        sent.free = True
        made.offer(delivery(2))
        assert (await reading).startswith(b"1@1")
        assert await read(made) == ("1@2", 2)
        assert sent.bodies == []

    async def test_go_to_no_reader_who_is_leaving(self):
        made, sent = follower(conflates=False), Sent()
        made.send_now = sent
        reading = asyncio.create_task(made.next())
        await asyncio.sleep(0)
        reading.cancel()
        made.offer(delivery(1))
        assert sent.bodies == []

    async def test_that_wait_are_told_before_the_end(self):
        made = follower(conflates=False)
        made.offer(delivery(1))
        made.end(ValueError("the end"))
        made.offer(delivery(2))
        assert await read(made) == ("1@1", 1)
        with pytest.raises(ValueError, match="the end"):
            await made.next()


class TestStates:
    async def test_take_the_place_of_older_ones_and_the_cursor_is_the_low_water_mark(self):
        made = follower(conflates=True)
        made.offer(delivery(1, key=1))
        made.offer(delivery(2, key=2))
        made.offer(delivery(3, key=1))
        assert await read(made) == ("1@3", 1)
        assert await read(made) == ("2@2", 3)

    async def test_are_told_with_their_own_cursors_again_once_the_reader_has_caught_up(self):
        made = follower(conflates=True)
        for position in (1, 2, 3):
            made.offer(delivery(position))
        assert await read(made) == ("1@3", 3)
        made.offer(delivery(4))
        made.offer(delivery(5, key=2))
        assert [await read(made), await read(made)] == [("1@4", 4), ("2@5", 5)]

    async def test_never_overflow_by_one_key(self):
        made = follower(conflates=True)
        for position in range(1, 1_000):
            made.offer(delivery(position))
        assert await read(made) == ("1@999", 999)

    async def test_of_more_keys_than_fit_end_with_the_last_cursor(self):
        made = follower(conflates=True)
        for position in range(1, 5):
            made.offer(delivery(position, key=position))
        with pytest.raises(TooSlow) as slow:
            await made.next()
        assert (slow.value.extensions or {})["cursor"] == Cursor("e", 0).encode()

    async def test_lose_nothing_to_a_reader_that_resumes_from_any_cursor(self):
        offered = [(1, 1), (2, 2), (3, 1), (4, 3), (5, 2), (6, 1)]
        for stop in range(4):
            made = follower(conflates=True)
            for position, key in offered:
                made.offer(delivery(position, key=key))
            known: dict[str, int] = {}
            cursor = 0
            for _ in range(min(stop, 3)):
                what, cursor = await read(made)
                known[what.split("@")[0]] = int(what.split("@")[1])
            for position, key in offered:
                if position > cursor:
                    known[str(key)] = max(position, known.get(str(key), 0))
            assert known == {"1": 6, "2": 5, "3": 4}
