"""Resuming: from the cursor of an event, or from one read beside data, without a gap and without a repetition."""

from __future__ import annotations

import base64

import asyncpg
import pytest

from app.kernel.event_log import Cursor, Snapshot, decode_cursor
from resolvers.errors import RequestError
from tests.following.conftest import Shelf
from tests.following.processes import Process, Reader, process, relaying

LEVELS = """subscription ($after: String) {
  stockLevelChanged(after: $after) { cursor availableAfter stockLevel { available } } }"""
SNAPSHOT = "{ eventCursor stockLevels { nodes { available } } }"


def told(reader: Reader) -> list[int]:
    """The available pieces after each event that was told."""
    return [event["availableAfter"] for event in reader.read]


def code(error: Exception | None) -> str:
    """The code of an error that a client is told."""
    assert isinstance(error, RequestError)
    return str((error.extensions or {})["code"])


class TestAfterAnEvent:
    async def test_goes_on_with_what_was_missed_and_then_with_what_happens(self, served: Process, shelf: Shelf):
        first = await served.follow(LEVELS)
        await shelf.change()
        (seen,) = await first.count(1)
        await first.close()
        for _ in range(3):
            await shelf.change()
        again = await served.follow(LEVELS, after=seen["cursor"])
        await shelf.change()
        await again.count(4)
        assert told(again) == [102, 103, 104, 105]
        await again.close()

    @pytest.mark.parametrize("ring", [1, 10_000])
    async def test_goes_on_through_many_batches_in_another_process(
        self, database_url, sessions, shelf: Shelf, wakeup, ring
    ):
        bounds = {"follow_batch_events_max": 3, "follow_ring_events_max": ring}
        async with relaying(database_url, wakeup), process(database_url, sessions, wakeup, **bounds) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            for _ in range(20):
                await shelf.change()
            await other.settled(21)
            reader = await other.follow(LEVELS, after=beginning)
            await shelf.change()
            await reader.count(22)
            assert told(reader) == list(range(100, 122))
            cursors = [decode_cursor(event["cursor"]) for event in reader.read]
            assert [cursor.position for cursor in cursors if cursor] == sorted(
                {cursor.position for cursor in cursors if cursor}
            )
            await reader.close()

    async def test_tells_a_hundred_that_come_back_at_once_the_same(self, served: Process, shelf: Shelf):
        first = await served.follow(LEVELS)
        await shelf.change()
        (seen,) = await first.count(1)
        for _ in range(5):
            await shelf.change()
        readers = [await served.follow(LEVELS, after=seen["cursor"]) for _ in range(30)]
        await shelf.change()
        for reader in readers:
            await reader.count(6)
            assert told(reader) == [102, 103, 104, 105, 106, 107]
            await reader.close()
        await first.close()


class TestAfterASnapshot:
    async def test_meets_the_data_exactly(self, served: Process, shelf: Shelf):
        await shelf.change()
        snapshot = await served.ask(SNAPSHOT)
        await shelf.change()
        reader = await served.follow(LEVELS, after=snapshot["eventCursor"])
        await shelf.change()
        await reader.count(2)
        assert snapshot["stockLevels"]["nodes"][0]["available"] == 101
        assert told(reader) == [102, 103]
        await reader.close()

    async def test_skips_what_was_seen_before_it_had_a_position_and_tells_what_was_not(
        self, database_url, sessions, shelf: Shelf, wakeup
    ):
        async with process(database_url, sessions, wakeup) as reading:
            async with relaying(database_url, wakeup):
                await reading.settled()
            async with sessions() as slow:
                await slow.connection()
                await shelf.change()
                snapshot = await reading.ask(SNAPSHOT)
                await shelf.change_in(slow)
                await slow.commit()
            reader = await reading.follow(LEVELS, after=snapshot["eventCursor"])
            async with relaying(database_url, wakeup):
                await shelf.change()
                await reader.count(2)
            assert snapshot["stockLevels"]["nodes"][0]["available"] == 101
            assert told(reader) == [102, 103]
            again = await reading.follow(LEVELS, after=reader.read[0]["cursor"])
            await again.count(1)
            assert told(again) == [103]
            await reader.close()
            await again.close()


class TestExpiry:
    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "nonsense",
            "x" * 20_000,
            base64.b64encode(b"epoch").decode(),
            base64.b64encode(b"epoch:-1").decode(),
            base64.b64encode(b"epoch:99999999999999999999").decode(),
            base64.b64encode(b"epoch:1:2").decode(),
            Cursor("another-epoch", 1).encode(),
        ],
    )
    async def test_refuses_what_is_no_cursor_of_this_log(self, served: Process, cursor):
        reader = await served.follow(LEVELS, after=cursor)
        assert code(await reader.ended()) == "CURSOR_EXPIRED"

    async def test_refuses_a_cursor_of_the_future(self, served: Process):
        cursor = Cursor(served.following.tail.epoch, served.following.tail.position + 100).encode()
        reader = await served.follow(LEVELS, after=cursor)
        assert code(await reader.ended()) == "CURSOR_EXPIRED"

    async def test_refuses_a_cursor_that_is_too_old(self, served: Process, shelf: Shelf, database_url):
        connection = await asyncpg.connect(database_url)
        await shelf.change()
        await served.settled(2)
        await connection.execute("DELETE FROM outbox_positions WHERE position = 1")
        await connection.execute("UPDATE outbox_log SET pruned_position = 1")
        await connection.close()
        epoch = served.following.tail.epoch
        old = await served.follow(LEVELS, after=Cursor(epoch, 0).encode())
        assert code(await old.ended()) == "CURSOR_EXPIRED"
        kept = await served.follow(LEVELS, after=Cursor(epoch, 1).encode())
        await kept.count(2)
        await kept.close()


class TestCursor:
    def test_is_read_as_it_was_written(self):
        for snapshot in (None, Snapshot(1, 5, frozenset({2, 3})), Snapshot(7, 7)):
            cursor = Cursor("epoch", 12, snapshot)
            assert decode_cursor(cursor.encode()) == cursor

    def test_knows_what_its_snapshot_saw(self):
        snapshot = Snapshot.parse("10:20:12,15")
        assert [snapshot.saw(number) for number in (9, 10, 12, 15, 19, 20)] == [True, True, False, False, True, False]
