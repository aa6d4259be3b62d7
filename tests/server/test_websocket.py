"""`graphql-transport-ws` to the letter, tried with a bare WebSocket client against a real server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.kernel.limits import DEFAULTS
from app.kernel.principal import Principal
from app.server.websocket import Sockets
from app.server.websocket_messages import SUBPROTOCOL, CloseCode, clipped
from resolvers.context import GraphQLRequest, GraphQLResponse
from resolvers.errors import RequestError
from resolvers.reading.documents import RequestErrors


class FakeStream:
    """A stream of numbers, which a test may end."""

    def __init__(self, numbers: int | None) -> None:
        self.numbers = numbers
        self.given = 0
        self.closed = False
        self.idle_cursor: str | None = None
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def __aiter__(self) -> FakeStream:
        return self

    async def __anext__(self) -> str:
        if self.numbers is None:
            await self.ended
        if self.given == self.numbers:
            raise StopAsyncIteration
        self.given += 1
        return f'{{"data":{{"number":{self.given}}}}}'

    def end(self, reason: Exception) -> None:
        """End the stream with `reason`."""
        self.ended.set_exception(reason)

    async def aclose(self) -> None:
        """Take note that it was closed."""
        self.closed = True


class FakeAnswering:
    """Answers by the document's first word."""

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []
        self.finished = 0

    async def answer(self, request: GraphQLRequest, principal: Principal) -> Any:
        """An answer of each kind."""
        match request.document.split()[0]:
            case "echo":
                told = {"name": principal.name, "variables": request.variables}
                return GraphQLResponse(orjson.dumps({"data": told}), executed=True)
            case "slow":
                await asyncio.sleep(0.2)
                self.finished += 1
                return GraphQLResponse(b'{"data":{}}', executed=True)
            case "invalid":
                return GraphQLResponse(b'{"errors":[{"message":"no"}]}', executed=False)
            case "refused":
                raise RequestErrors([RequestError("NO", "No.")])
            case "fault":
                raise KeyError("secret")
            case "count":
                self.streams.append(FakeStream(3))
            case _:
                self.streams.append(FakeStream(None))
        return self.streams[-1]


async def authenticate(payload: Mapping[str, Any], headers: Headers) -> Principal:
    """A caller named by the payload; a wrong one is refused, a broken one is a fault of the database."""
    match payload.get("authorization"):
        case "wrong":
            raise ValueError("wrong")
        case "broken":
            raise ConnectionError("database")
        case "slow":
            await asyncio.sleep(0.2)
    return Principal(name=str(payload.get("authorization", headers.get("x-name", "anonymous"))), user_id=1)


class Server:
    """A server with fakes behind it."""

    def __init__(self, sockets: Sockets, answering: FakeAnswering, port: int) -> None:
        self.sockets = sockets
        self.answering = answering
        self.url = f"ws://127.0.0.1:{port}/graphql"

    @asynccontextmanager
    async def connected(self, protocol: str = SUBPROTOCOL) -> AsyncIterator[ClientConnection]:
        """A connection that has said nothing yet."""
        async with connect(self.url, subprotocols=[Subprotocol(protocol)], compression=None) as connection:
            yield connection

    @asynccontextmanager
    async def acknowledged(self, **payload: str) -> AsyncIterator[ClientConnection]:
        """A connection that was acknowledged."""
        async with self.connected() as connection:
            await send(connection, type="connection_init", payload=payload)
            assert await receive(connection) == {"type": "connection_ack"}
            yield connection


@asynccontextmanager
async def serving(**limits: int) -> AsyncIterator[Server]:
    """A server within the block."""
    answering = FakeAnswering()
    sockets = Sockets(answering, authenticate, limits=replace(DEFAULTS, **limits))
    app = Starlette(routes=[WebSocketRoute("/graphql", sockets.endpoint)])
    config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None, ws_per_message_deflate=False)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Server(sockets, answering, listening.getsockname()[1])
    await sockets.drain(1)
    server.should_exit = True
    await running


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the usual limits, for all tests that only look at what they are told."""
    async with serving() as made:
        yield made


@pytest.fixture
async def own_server() -> AsyncIterator[Server]:
    """A server of one test's own, for those that look into it."""
    async with serving() as made:
        yield made


async def send(connection: ClientConnection, **message: Any) -> None:
    """Send one message."""
    await connection.send(json.dumps(message))


async def receive(connection: ClientConnection) -> Any:
    """The next message, which must be text."""
    async with asyncio.timeout(3):
        text = await connection.recv()
    assert isinstance(text, str)
    return json.loads(text)


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """The code and the reason with which the server closes, once what it sent before was read."""
    async with asyncio.timeout(3):
        with suppress(ConnectionClosed):
            async for _ in connection:
                pass
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


async def streams(server: Server, number: int) -> list[FakeStream]:
    """The streams of the server, once there are so many and they are read."""
    async with asyncio.timeout(3):
        while len(server.answering.streams) < number:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    return server.answering.streams


class TestHandshake:
    async def test_accepts_the_one_subprotocol(self, server):
        async with server.connected() as connection:
            assert connection.subprotocol == SUBPROTOCOL

    @pytest.mark.parametrize("protocol", ["graphql-ws", "other"])
    async def test_closes_with_4406_for_another(self, server, protocol):
        async with server.connected(protocol) as connection:
            assert (await closed(connection))[0] == CloseCode.BAD_SUBPROTOCOL

    async def test_closes_with_4408_without_an_initialisation(self):
        async with serving(connection_init_ms_max=50) as server, server.connected() as connection:
            await send(connection, type="ping")
            assert await closed(connection) == (4408, "Connection initialisation timeout")

    async def test_waits_as_long_as_it_likes_once_it_is_initialised(self):
        async with serving(connection_init_ms_max=50) as server, server.acknowledged() as connection:
            await asyncio.sleep(0.1)
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    @pytest.mark.parametrize("first", ["anna", "slow"])
    async def test_closes_with_4429_for_a_second_initialisation(self, server, first):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": first})
            await send(connection, type="connection_init")
            assert await closed(connection) == (4429, "Too many initialisation requests")

    async def test_closes_with_4403_for_a_caller_who_is_refused(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "wrong"})
            assert await closed(connection) == (4403, "Forbidden")

    async def test_closes_with_4500_where_it_cannot_find_out(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "broken"})
            assert (await closed(connection))[0] == 4500

    async def test_closes_with_4401_for_an_operation_before_the_acknowledgement(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "slow"})
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert await closed(connection) == (4401, "Unauthorized")

    async def test_closes_with_4429_where_a_caller_has_too_many_sockets(self):
        async with serving(sockets_per_caller_max=1) as server:
            async with server.acknowledged(), server.connected() as second:
                await send(second, type="connection_init")
                code, reason = await closed(second)
                assert code == 4429
                assert "this would be 2, the limit is 1" in reason
            async with asyncio.timeout(3):
                while server.sockets.callers:
                    await asyncio.sleep(0.01)
            async with server.acknowledged():
                pass

    async def test_closes_with_4403_when_a_caller_may_no_longer_call(self, server):
        async with server.acknowledged(authorization="anna") as anna, server.acknowledged(authorization="bert") as bert:
            server.sockets.end(lambda principal: principal.name == "anna")
            assert (await closed(anna))[0] == 4403
            await send(bert, type="ping")
            assert await receive(bert) == {"type": "pong"}


BAD_MESSAGES: list[str | bytes] = [
    "",
    "not json",
    "[]",
    "1",
    "null",
    '"text"',
    "{}",
    '{"type":null}',
    '{"type":"connect"}',
    '{"type":"ping","payload":[]}',
    '{"type":"ping","payload":"x"}',
    '{"type":"connection_init","payload":1}',
    '{"type":"subscribe","payload":{"query":"echo"}}',
    '{"type":"subscribe","id":1,"payload":{"query":"echo"}}',
    '{"type":"subscribe","id":"","payload":{"query":"echo"}}',
    json.dumps({"type": "subscribe", "id": "x" * 257, "payload": {"query": "echo"}}),
    '{"type":"subscribe","id":"1"}',
    '{"type":"subscribe","id":"1","payload":"echo"}',
    '{"type":"subscribe","id":"1","payload":{}}',
    '{"type":"subscribe","id":"1","payload":{"query":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","operationName":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","variables":[]}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","extensions":"x"}}',
    '{"type":"complete"}',
    '{"type":"complete","id":{}}',
    '{"type":"pong","payload":' + "[" * 200 + "]" * 200 + "}",
    '{"type":"ping","payload":{"a":' + "[" * 100 + "]" * 100 + "}}",
    '{"type":"ping","payload":' + "[" * 20_000,
    b'{"type":"ping"}',
]


class TestMessages:
    @pytest.mark.parametrize("message", BAD_MESSAGES)
    async def test_closes_with_4400_for_what_is_no_message(self, server, message):
        async with server.acknowledged() as connection:
            await connection.send(message)
            code, reason = await closed(connection)
            assert code == 4400
            assert reason

    async def test_closes_with_1009_for_a_frame_over_the_limit(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="ping", payload={"text": "x" * DEFAULTS.frame_bytes_max})
            assert (await closed(connection))[0] == 1009

    async def test_answers_a_ping_with_its_payload(self, server):
        async with server.connected() as connection:
            await send(connection, type="ping", payload={"a": [1]})
            assert await receive(connection) == {"type": "pong", "payload": {"a": [1]}}
            await send(connection, type="pong")
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    def test_clips_a_reason_to_what_a_close_frame_holds(self):
        assert len(clipped("é" * 200).encode()) <= 123


class TestOperations:
    async def test_answers_a_query_once_and_completes_it(self, server):
        async with server.acknowledged(authorization="anna") as connection:
            payload = {"query": "echo", "variables": {"a": 1}, "operationName": None, "extensions": None}
            await send(connection, type="subscribe", id="é1", payload=payload)
            data = {"name": "anna", "variables": {"a": 1}}
            assert await receive(connection) == {"id": "é1", "type": "next", "payload": {"data": data}}
            assert await receive(connection) == {"id": "é1", "type": "complete"}

    async def test_sends_every_event_of_a_stream_and_completes_it(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "count"})
            told = [await receive(connection) for _ in range(4)]
            assert [message.get("payload", {}).get("data") for message in told[:3]] == [
                {"number": number} for number in (1, 2, 3)
            ]
            assert told[3] == {"id": "1", "type": "complete"}
            assert own_server.answering.streams[0].closed

    @pytest.mark.parametrize("document", ["invalid", "refused"])
    async def test_tells_a_request_that_cannot_run_as_an_error_and_goes_on(self, server, document):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": document})
            refused = await receive(connection)
            assert (refused["id"], refused["type"]) == ("1", "error")
            assert refused["payload"][0]["message"]
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert (await receive(connection))["type"] == "next"

    async def test_masks_a_fault(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "fault"})
            refused = await receive(connection)
            assert refused["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
            assert "secret" not in json.dumps(refused)

    async def test_closes_with_4409_for_an_id_that_is_in_use(self, server):
        async with server.acknowledged() as connection:
            for _ in range(2):
                await send(connection, type="subscribe", id="x" * 200, payload={"query": "follow"})
            code, reason = await closed(connection)
            assert code == 4409
            assert reason.startswith("Subscriber for xxx")

    async def test_ends_a_stream_that_its_client_completes_and_lets_the_id_be_used_again(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await send(connection, type="complete", id="1")
            await send(connection, type="complete", id="unknown")
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert (await receive(connection))["type"] == "next"

    async def test_ends_streams_when_the_client_goes(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await streams(own_server, 1)
        async with asyncio.timeout(3):
            while own_server.sockets.open or not own_server.answering.streams[0].closed:
                await asyncio.sleep(0.01)

    async def test_lets_what_has_begun_end_though_its_client_goes(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "slow"})
            await send(connection, type="ping")
            await receive(connection)
        async with asyncio.timeout(3):
            while not own_server.answering.finished:
                await asyncio.sleep(0.01)

    async def test_refuses_operations_over_the_limit_with_both_numbers(self):
        async with serving(operations_per_socket_max=2) as server, server.acknowledged() as connection:
            for name in ("1", "2", "3"):
                await send(connection, type="subscribe", id=name, payload={"query": "follow"})
            refused = await receive(connection)
            assert (refused["id"], refused["type"]) == ("3", "error")
            told = refused["payload"][0]["extensions"]
            assert (told["code"], told["found"], told["limit"]) == ("TOO_MANY_OPERATIONS", 3, 2)

    async def test_tells_the_end_of_a_stream_as_an_error(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            (await streams(own_server, 1))[0].end(RequestError("FOLLOWER_TOO_SLOW", "Slow.", cursor="abc"))
            ended = await receive(connection)
            assert ended["type"] == "error"
            assert ended["payload"][0]["extensions"] == {"code": "FOLLOWER_TOO_SLOW", "cursor": "abc"}

    async def test_tells_the_cursors_of_idle_streams(self, own_server):
        async with own_server.acknowledged() as connection:
            for name in ("1", "2"):
                await send(connection, type="subscribe", id=name, payload={"query": "follow"})
            (await streams(own_server, 2))[0].idle_cursor = "here"
            for conversation in own_server.sockets.open:
                conversation.tell_cursors()
            assert await receive(connection) == {"type": "ping", "payload": {"cursors": {"1": "here"}}}


class TestDraining:
    async def test_closes_with_1012_once_operations_have_ended(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await streams(own_server, 1)
            await send(connection, type="subscribe", id="2", payload={"query": "slow"})
            await send(connection, type="ping")
            await receive(connection)
            draining = asyncio.create_task(own_server.sockets.drain(2))
            assert (await receive(connection))["id"] == "2"
            assert (await closed(connection))[0] == 1012
            await draining
        async with own_server.connected() as late:
            assert (await closed(late))[0] == 1012
