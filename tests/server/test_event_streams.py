"""GraphQL over Server-Sent Events: what a client is told, and when its stream ends, with fakes behind the endpoint."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
import uvicorn

from app.kernel import clock
from app.kernel.event_log import Cursor
from app.kernel.limits import DEFAULTS
from app.kernel.principal import Principal
from app.server.event_streams import EventStreams
from app.server.http import GraphQLEndpoint
from app.server.http_requests import EVENT_STREAM, GRAPHQL_JSON, JSON
from app.server.transport import HttpProtocol
from resolvers.context import GraphQLRequest, GraphQLResponse, NoQuery
from resolvers.errors import RequestError
from resolvers.following.followers import SendNow
from resolvers.reading.documents import RequestErrors
from tests.server.streams import SECONDS, Client, asked, beat, eventually

KEY = Principal(name="a key", api_key_id=1)
BODY = b'{"query": "subscription"}'
FOLLOWS = (
    f"POST / HTTP/1.1\r\nhost: a\r\naccept: {EVENT_STREAM}\r\ncontent-type: {JSON}\r\n"
    f"content-length: {len(BODY)}\r\n\r\n"
).encode() + BODY


def at(position: int) -> str:
    """The cursor of a position."""
    return Cursor("log", position).encode()


class Numbers:
    """A stream of numbers that the test gives."""

    def __init__(self, request: GraphQLRequest) -> None:
        self.request = request
        self.given: asyncio.Queue[int | Exception] = asyncio.Queue()
        self.told = 0
        self.padding = ""
        self.send_now: SendNow | None = None
        self.idle_cursor: str | None = None
        self.closed = False

    def __aiter__(self) -> Numbers:
        return self

    async def __anext__(self) -> bytes:
        number = await self.given.get()
        if isinstance(number, Exception):
            raise number
        self.told = number
        return f'{{"data":{{"number":\n{number}}}}}{self.padding}'.encode()

    async def start(self) -> Cursor:
        """Begin at once."""
        return Cursor("log", 0)

    @property
    def cursor(self) -> str:
        """The cursor of the last number."""
        return at(self.told)

    def end(self, reason: Exception) -> None:
        """End after what waits."""
        self.given.put_nowait(reason)

    async def aclose(self) -> None:
        """Take note that it was closed."""
        self.closed = True


class Answers:
    """Answers by the document's first word."""

    def __init__(self) -> None:
        self.streams: list[Numbers] = []
        self.asked: list[GraphQLRequest] = []

    async def execute(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse:
        """An answer that does not stream."""
        return GraphQLResponse(b'{"data":{"name":"%s"}}' % principal.name.encode(), executed=True)

    async def answer(self, request: GraphQLRequest, principal: Principal) -> Any:
        """An answer of each kind."""
        self.asked.append(request)
        match request.document.split()[0]:
            case "query":
                return GraphQLResponse(b'{"data":\r\n[1, \n 2]}', executed=True)
            case "mutation" if request.only_query:
                raise NoQuery
            case "invalid":
                raise RequestErrors([RequestError("NO", "No.")])
            case "refused":
                raise RequestError("FORBIDDEN", "You may not.")
            case "fault":
                raise KeyError("secret")
        self.streams.append(Numbers(request))
        return self.streams[-1]


class House:
    """An endpoint with fakes behind it."""

    def __init__(self, by: Principal = KEY, **limits: int) -> None:
        self.answers = Answers()
        bounds = replace(DEFAULTS, **limits)
        self.streams = EventStreams(self.answers, limits=bounds)

        def authenticate(_: str | None) -> Principal:
            return by

        self.endpoint = GraphQLEndpoint(self.answers, authenticate, bounds, None)
        self.endpoint.stream_by(self.streams)

    async def following(self, client: Client, *numbers: int) -> Numbers:
        """The stream that a client follows, once it has been told these numbers."""
        stream = self.answers.streams[-1]
        for number in numbers:
            stream.given.put_nowait(number)
        await client.until(len(numbers))
        return stream


@asynccontextmanager
async def served(house: House) -> AsyncIterator[int]:
    """The port at which a real server has the endpoint within the block."""
    told: dict[str, Any] = {"lifespan": "off", "log_config": None, "timeout_graceful_shutdown": SECONDS}
    server = uvicorn.Server(uvicorn.Config(house.endpoint, http=HttpProtocol, **told))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await running


async def no_more_is_taken_of(stream: Numbers) -> None:
    """Wait until all buffers on the way are full."""
    left = -1
    while left != stream.given.qsize():
        left = stream.given.qsize()
        await asyncio.sleep(0.2)
    assert left > 0


@pytest.fixture
def house() -> House:
    return House()


class TestChosen:
    @pytest.mark.parametrize(
        ("accept", "answered"),
        [
            (EVENT_STREAM, EVENT_STREAM),
            (f"{EVENT_STREAM}, {JSON}", EVENT_STREAM),
            (f"{JSON};q=0.5, {EVENT_STREAM};q=0.9", EVENT_STREAM),
            (f"{GRAPHQL_JSON}, {JSON}, {EVENT_STREAM}", GRAPHQL_JSON),
            (f"{EVENT_STREAM};q=0.1, {JSON}", JSON),
            (f"{EVENT_STREAM};q=0, */*", JSON),
            ("*/*", JSON),
        ],
    )
    async def test_where_accept_ranks_it_first(self, house, accept, answered):
        async with asked(house.endpoint, "query", headers={"accept": accept}) as client:
            await eventually(lambda: client.complete)
            assert client.headers["content-type"].split(";")[0] == answered

    @pytest.mark.parametrize(
        ("meant", "also", "status"), [(True, ", */*", 200), (False, "", 200), (False, ", */*", 400)]
    )
    async def test_by_get_with_a_header_that_no_link_can_send(self, house, meant, also, status):
        sent = {"preflight": meant, "headers": {"accept": EVENT_STREAM + also}}
        async with asked(house.endpoint, "subscription", method="GET", **sent) as client:
            assert client.status == status


class TestTold:
    async def test_one_answer_in_one_line_and_that_there_is_no_more(self, house):
        async with asked(house.endpoint, "query") as client:
            await eventually(lambda: client.complete)
            assert client.body == b'event: next\ndata: {"data":[1,  2]}\n\nevent: complete\ndata:\n\n'
            assert client.headers["cache-control"] == "no-cache"
        assert not house.streams.open
        assert not house.streams.callers

    async def test_every_event_with_its_cursor_as_id(self, house):
        async with asked(house.endpoint, "subscription") as client:
            await eventually(lambda: client.last_id == at(0))
            stream = await house.following(client, 3, 7)
            assert [(event.id, event.json["data"]["number"]) for event in client.events] == [(at(3), 3), (at(7), 7)]
            stream.given.put_nowait(StopAsyncIteration())
            await eventually(lambda: client.complete)
            assert client.events[-1].kind == "complete"

    async def test_from_where_its_last_stream_broke_off(self, house):
        headers = {"last-event-id": at(5)}
        async with asked(house.endpoint, "subscription", headers=headers, variables={"after": at(2)}):
            assert house.answers.asked[-1].resumed_after == at(5)
        async with asked(house.endpoint, "subscription"):
            assert house.answers.asked[-1].resumed_after is None

    @pytest.mark.parametrize(("document", "code"), [("invalid", "NO"), ("refused", "FORBIDDEN")])
    async def test_why_an_operation_is_refused_as_its_only_answer(self, house, document, code):
        async with asked(house.endpoint, document) as client:
            await eventually(lambda: client.complete)
            assert client.status == 200
            refused, complete = client.events
            assert refused.json["errors"][0]["extensions"]["code"] == code
            assert complete.kind == "complete"

    async def test_nothing_of_a_fault_at_the_beginning_or_on_the_way(self, house):
        async with asked(house.endpoint, "fault") as client:
            await eventually(lambda: client.complete)
            assert client.events[0].json["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        async with asked(house.endpoint, "subscription") as other:
            (await house.following(other, 1)).given.put_nowait(KeyError("secret"))
            await eventually(lambda: other.complete)
            assert other.events[1].json["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert b"secret" not in client.body + other.body

    async def test_how_far_it_has_come_while_it_is_idle(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            beat(house.streams)
            await eventually(lambda: client.body.endswith(b"\n\n:\n\n"))
            stream.idle_cursor = at(9)
            beat(house.streams)
            await eventually(lambda: client.last_id == at(9))
            assert len(client.events) == 1


class TestRefused:
    @pytest.mark.parametrize(
        ("method", "query", "headers", "status"),
        [
            ("POST", "query", {"content-type": "text/plain"}, 415),
            ("POST", "", {}, 400),
            ("PUT", "query", {}, 405),
            ("GET", "mutation", {}, 405),
        ],
    )
    async def test_before_it_begins_what_is_no_such_request(self, house, method, query, headers, status):
        async with asked(house.endpoint, query, method=method, headers=headers) as client:
            assert (client.status, client.headers["content-type"].split(";")[0]) == (status, JSON)
            assert orjson.loads(client.body)["errors"][0]["message"]
        assert not house.streams.open
        assert not house.streams.callers

    async def test_one_stream_too_many_of_a_caller_with_both_numbers(self):
        house = House(event_streams_per_caller_max=1)
        async with asked(house.endpoint, "subscription"):
            async with asked(house.endpoint, "subscription") as second:
                assert second.status == 429
                (error,) = orjson.loads(second.body)["errors"]
                assert error["extensions"]["code"] == "TOO_MANY_STREAMS"
                assert "this would be 2, the limit is 1" in error["message"]
            assert len(house.streams.open) == 1
        async with asked(house.endpoint, "subscription") as again:
            assert again.status == 200


class TestEnds:
    async def test_at_once_when_its_client_has_gone(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            client.gone.set()
            await eventually(lambda: stream.closed)
            assert not house.streams.open
            assert not house.streams.callers

    async def test_with_the_reason_alone_when_its_caller_may_no_longer_call(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            house.streams.end(lambda principal: principal.api_key_id == 2, "The API key was revoked.")
            stream.given.put_nowait(2)
            await client.until(2)
            house.streams.end(lambda principal: principal.api_key_id == 1, "The API key was revoked.")
            stream.given.put_nowait(3)
            await eventually(lambda: client.complete)
            _, _, refused, complete = client.events
            assert refused.json["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
            assert refused.json["errors"][0]["message"] == "The API key was revoked."
            assert complete.kind == "complete"
            assert stream.closed

    async def test_for_one_who_does_not_read_when_its_caller_may_no_longer_call(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            client.reads.clear()
            stream.given.put_nowait(2)
            await eventually(stream.given.empty)
            house.streams.end(lambda _: True, "The user was disabled.")
            await eventually(lambda: client.cut_off)
            await eventually(lambda: not house.streams.open)
            assert len(client.events) == 1

    async def test_when_the_caller_s_key_expires(self):
        house = House(replace(KEY, ends_at=clock.now() + timedelta(seconds=0.1)))
        async with asked(house.endpoint, "subscription") as client:
            await eventually(lambda: client.complete)
            assert client.events[0].json["errors"][0]["message"] == "The API key expired."

    async def test_for_a_client_that_takes_nothing_from_one_beat_to_the_next_and_for_no_other(self, house):
        async with asked(house.endpoint, "subscription") as stuck, asked(house.endpoint, "subscription") as other:
            slow, fast = house.answers.streams
            stuck.reads.clear()
            slow.given.put_nowait(1)
            await eventually(slow.given.empty)
            beat(house.streams)
            fast.given.put_nowait(1)
            await other.until(1)
            assert not stuck.cut_off
            beat(house.streams)
            await eventually(lambda: slow.closed)
            assert stuck.cut_off
            assert len(house.streams.open) == 1
            fast.given.put_nowait(2)
            await other.until(2)

    async def test_with_its_cursor_for_a_client_that_reads_too_slowly(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            stream.end(RequestError("FOLLOWER_TOO_SLOW", "Too slow.", cursor=at(1)))
            await eventually(lambda: client.complete)
            assert client.events[1].json["errors"][0]["extensions"]["cursor"] == at(1)
            assert client.last_id == at(1)


class TestOverSockets:
    async def test_lets_a_client_go_that_stops_reading_and_holds_no_more_for_it_than_a_transport_does(self, house):
        async with served(house) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_024)
            writer.write(FOLLOWS)
            assert (await reader.readline()).split()[1] == b"200"
            (stream,) = house.answers.streams
            stream.padding = " " * 100_000
            for number in range(1_000):
                stream.given.put_nowait(number)
            await no_more_is_taken_of(stream)
            beat(house.streams)
            assert not stream.closed
            beat(house.streams)
            await eventually(lambda: stream.closed and not house.streams.open)
            with suppress(ConnectionError):
                assert not (await asyncio.wait_for(reader.read(-1), SECONDS)).endswith(b"0\r\n\r\n")
            writer.close()

    async def test_frees_the_stream_of_a_client_that_goes_away(self, house):
        async with served(house) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(FOLLOWS)
            await reader.readuntil(b"id: ")
            writer.close()
            await eventually(lambda: house.answers.streams[0].closed and not house.streams.open)


class TestDraining:
    async def test_sends_what_waits_and_breaks_off_without_completing(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            for number in (2, 3):
                stream.given.put_nowait(number)
            await house.streams.drain()
            assert [event.kind for event in client.events] == ["next"] * 3
            assert client.complete
            assert client.last_id == at(3)

    async def test_does_not_wait_for_long_for_who_does_not_read(self, house):
        async with asked(house.endpoint, "subscription") as client:
            stream = await house.following(client, 1)
            client.reads.clear()
            stream.given.put_nowait(2)
            await eventually(stream.given.empty)
            await house.streams.drain(0.05)
            await eventually(lambda: stream.closed)
            assert client.cut_off

    async def test_does_nothing_more_and_has_clients_connect_anew(self, house):
        await house.streams.drain()
        async with asked(house.endpoint, "mutation") as client:
            await eventually(lambda: client.complete)
            assert (client.status, client.body, client.headers["connection"]) == (200, b"", "close")
        assert not house.answers.asked
