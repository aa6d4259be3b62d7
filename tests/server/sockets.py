"""A server of WebSockets with fakes behind it, and what a bare client says to it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import uvicorn
from starlette.datastructures import Headers
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.kernel import clock
from app.kernel.limits import DEFAULTS
from app.kernel.principal import Principal
from app.server.origins import ANY, Origins
from app.server.transport import SocketProtocol
from app.server.websocket import Sockets
from app.server.websocket_messages import SUBPROTOCOL
from resolvers.context import GraphQLRequest, GraphQLResponse
from resolvers.errors import RequestError
from resolvers.following.followers import SendNow
from resolvers.reading.documents import RequestErrors


class FakeStream:
    """A stream of numbers, which a test may end."""

    def __init__(self, numbers: int | None) -> None:
        self.numbers = numbers
        self.given = 0
        self.closed = False
        self.idle_cursor: str | None = None
        self.send_now: SendNow | None = None
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def __aiter__(self) -> FakeStream:
        return self

    async def __anext__(self) -> bytes:
        if self.numbers is None:
            await self.ended
        if self.given == self.numbers:
            raise StopAsyncIteration
        self.given += 1
        return b'{"data":{"number":%d}}' % self.given

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
        self.go_on = asyncio.Event()

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
            case "held":
                async with asyncio.timeout(5):
                    await self.go_on.wait()
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
            case "late":
                await asyncio.sleep(0.3)
                self.streams.append(FakeStream(None))
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
    if "seconds" in payload:
        return Principal(name="a key", api_key_id=1, ends_at=clock.now() + timedelta(seconds=float(payload["seconds"])))
    return Principal(name=str(payload.get("authorization", headers.get("x-name", "anonymous"))), user_id=1)


class Server:
    """A server with fakes behind it."""

    def __init__(self, sockets: Sockets, answering: FakeAnswering, serving: uvicorn.Server) -> None:
        self.sockets = sockets
        self.uvicorn = serving
        port = serving.servers[0].sockets[0].getsockname()[1]
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
async def serving(*, origins: Origins = ANY, **limits: int) -> AsyncIterator[Server]:
    """A server within the block."""
    answering = FakeAnswering()
    sockets = Sockets(answering, authenticate, limits=replace(DEFAULTS, **limits), origins=origins)
    config = uvicorn.Config(sockets, ws=SocketProtocol, lifespan="off", log_config=None, ws_per_message_deflate=False)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Server(sockets, answering, server)
    await sockets.drain(1)
    server.should_exit = True
    await running


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
