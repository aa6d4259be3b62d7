"""Event streams over the real log: each event once, though streams break off, and nobody waits for a slow reader."""

from __future__ import annotations

import asyncio

import pytest

from app.kernel.event_log import Cursor, decode_cursor
from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM, Principal
from app.server.event_streams import EventStreams
from app.server.http import GraphQLEndpoint
from resolvers.context import GraphQLRequest, GraphQLResponse
from tests.following.conftest import Shelf
from tests.following.processes import Process, process, relaying
from tests.server.streams import Client, Event, asked, beat, eventually

LEVELS = "subscription ($after: String) { stockLevelChanged(after: $after) { cursor availableAfter } }"


class EndedEarly(Exception):
    """Why a stream ends that has not begun."""


def endpoint_of(served: Process) -> tuple[GraphQLEndpoint, EventStreams]:
    """The endpoint of a process, and its streams."""
    streams = EventStreams(served.execution)

    def authenticate(_: str | None) -> Principal:
        return SYSTEM

    endpoint = GraphQLEndpoint(served.execution, authenticate, DEFAULTS, None)
    endpoint.stream_by(streams)
    return endpoint, streams


def position(client: Client) -> int:
    """Where a client stands by the last id that it was told; before it was told one, nowhere."""
    cursor = decode_cursor(client.last_id or "")
    return cursor.position if cursor else -1


def levels(events: list[Event]) -> list[int]:
    """The available pieces after each event that was told, whose id is its cursor."""
    told = [(event.id, event.json["data"]["stockLevelChanged"]) for event in events]
    assert all(cursor == level["cursor"] for cursor, level in told)
    return [level["availableAfter"] for _, level in told]


class TestResume:
    async def test_without_a_gap_while_events_go_on_wherever_a_stream_breaks_off(
        self, database_url, sessions, shelf: Shelf, wakeup
    ):
        async with relaying(database_url, wakeup), process(database_url, sessions, wakeup) as served:
            await served.settled()
            endpoint, streams = endpoint_of(served)
            seen: list[int] = []
            last_id = Cursor(served.following.tail.epoch, served.following.tail.position).encode()

            async def happen() -> None:
                for _ in range(40):
                    await shelf.change()

            happening = asyncio.create_task(happen())
            for number in (0, 1, 5, 3, 100):
                headers = {"last-event-id": last_id}
                async with asked(endpoint, LEVELS, headers=headers) as client:
                    await eventually(lambda: len(client.events) >= min(number, 40 - len(seen)))  # noqa: B023
                    client.gone.set()
                    await eventually(lambda: not streams.open)
                    seen += levels(client.events)
                    last_id = client.last_id or last_id
            await happening
            assert seen == list(range(101, 141))

    async def test_from_the_header_rather_than_from_the_variable(self, served: Process, shelf: Shelf):
        endpoint, _ = endpoint_of(served)
        first = Cursor(served.following.tail.epoch, served.following.tail.position).encode()
        for _ in range(3):
            await shelf.change()
        async with asked(endpoint, LEVELS, variables={"after": first}) as client:
            assert levels(await client.until(3)) == [101, 102, 103]
            second = client.events[1].id
        headers = {"last-event-id": second or ""}
        async with asked(endpoint, LEVELS, variables={"after": first}, headers=headers) as again:
            assert levels(await again.until(1)) == [103]

    async def test_from_where_it_began_though_nothing_was_told(self, served: Process, shelf: Shelf):
        endpoint, _ = endpoint_of(served)
        async with asked(endpoint, LEVELS) as client:
            await eventually(lambda: client.last_id)
        await shelf.change()
        async with asked(endpoint, LEVELS, headers={"last-event-id": client.last_id or ""}) as again:
            assert levels(await again.until(1)) == [101]

    async def test_from_what_was_sent_past_the_task_of_the_stream(self, served: Process, shelf: Shelf):
        endpoint, _ = endpoint_of(served)
        async with asked(endpoint, LEVELS) as client:
            for number in range(1, 6):
                await shelf.change()
                await client.until(number)
            assert levels(client.events) == [101, 102, 103, 104, 105]
            assert client.at_once >= 4
            third = client.events[2].id or ""
        async with asked(endpoint, LEVELS, headers={"last-event-id": third}) as again:
            assert levels(await again.until(2)) == [104, 105]

    async def test_from_the_beat_of_a_stream_that_is_idle(self, served: Process, shelf: Shelf):
        endpoint, streams = endpoint_of(served)
        query = "subscription ($product: ID) { stockLevelChanged(productId: $product) { cursor availableAfter } }"
        async with asked(endpoint, query, variables={"product": "UHJvZHVjdDo5OTk5"}) as client:
            await eventually(lambda: position(client) >= 0)
            began = position(client)
            await shelf.change()
            await eventually(lambda: served.following.dispatched > began)

            async with asyncio.timeout(5):
                while position(client) <= began:
                    beat(streams)
                    await asyncio.sleep(0.01)
            assert client.events == []

    async def test_nowhere_from_a_cursor_of_another_log(self, served: Process):
        endpoint, _ = endpoint_of(served)
        async with asked(endpoint, LEVELS, headers={"last-event-id": Cursor("other", 1).encode()}) as client:
            await eventually(lambda: client.complete)
            refused, complete = client.events
            assert refused.json["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
            assert complete.kind == "complete"

    async def test_ends_a_stream_that_is_drained_before_it_follows(self, served: Process):
        stream = await served.execution.answer(GraphQLRequest(LEVELS), SYSTEM)
        assert not isinstance(stream, GraphQLResponse)
        stream.end(EndedEarly())
        with pytest.raises(EndedEarly):
            await anext(stream)


class TestSlow:
    async def test_is_let_go_with_its_cursor_and_delays_nobody(self, database_url, sessions, shelf: Shelf, wakeup):
        async with (
            relaying(database_url, wakeup),
            process(database_url, sessions, wakeup, follower_buffer_events_max=3) as served,
        ):
            await served.settled()
            endpoint, _ = endpoint_of(served)
            async with asked(endpoint, LEVELS) as slow, asked(endpoint, LEVELS) as fast:
                await eventually(lambda: slow.last_id and fast.last_id)
                await eventually(lambda: len(list(served.following.routes.everyone())) == 2)
                slow.reads.clear()
                for number in range(1, 9):
                    await shelf.change()
                    await fast.until(number)
                slow.reads.set()
                await eventually(lambda: slow.complete)
                *told, refused, _ = slow.events
                assert refused.json["errors"][0]["extensions"]["code"] == "FOLLOWER_TOO_SLOW"
                assert refused.json["errors"][0]["extensions"]["cursor"] == slow.last_id
            async with asked(endpoint, LEVELS, headers={"last-event-id": slow.last_id or ""}) as again:
                assert levels(told) + levels(await again.until(8 - len(told))) == list(range(101, 109))
