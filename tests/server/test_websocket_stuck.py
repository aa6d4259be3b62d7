"""Clients that stop to read: what they are owed waits for nobody, and no process and no caller's count for them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from app.server import serving as ways
from app.server import transport
from app.server.serving import DrainingServer
from app.server.transport import SocketProtocol
from app.server.websocket_messages import SUBPROTOCOL
from resolvers.context import GraphQLRequest
from tests.server.sockets import FakeAnswering, FakeStream, Server, serving

SECONDS = 10
HANDSHAKE = "\r\n".join(
    (
        "GET /graphql HTTP/1.1",
        "Host: here",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        "",
        "",
    )
)


class Flood(FakeStream):
    """A stream with always more to tell, in large messages."""

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        self.given += 1
        return b'{"data":"%b"}' % (b"x" * 200_000)


class Floods(FakeAnswering):
    """Answers all by floods."""

    async def answer(self, request: GraphQLRequest, principal: Any) -> Any:
        """A flood."""
        self.streams.append(Flood(None))
        return self.streams[-1]


def frame(**message: Any) -> bytes:
    """A message as a client sends it, masked by nothing."""
    text = json.dumps(message).encode()
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text


@asynccontextmanager
async def stuck(server: Server) -> AsyncIterator[None]:
    """A client within the block that asks for a flood and reads none of it, until no more of it is taken."""
    answering = server.sockets.answering = Floods()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with client:
        await asyncio.to_thread(client.connect, ("127.0.0.1", urlsplit(server.url).port))
        client.sendall(HANDSHAKE.encode())
        assert (await asyncio.to_thread(client.recv, 1_024)).startswith(b"HTTP/1.1 101")
        client.sendall(frame(type="connection_init"))
        await until(lambda: bool(server.sockets.principals))
        client.sendall(frame(type="subscribe", id="1", payload={"query": "flood"}))
        await until(lambda: bool(answering.streams))
        given = -1
        while given < answering.streams[0].given:
            given = answering.streams[0].given
            await asyncio.sleep(0.2)
        yield


async def until(condition: Any) -> None:
    """Wait until `condition` holds, or until that takes too long."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


class TestStuck:
    async def test_does_not_hold_up_draining(self):
        async with serving() as server, stuck(server):
            async with asyncio.timeout(SECONDS):
                await server.sockets.drain(0.1)
            await until(lambda: not server.sockets.open)

    async def test_is_let_go_when_its_caller_may_no_longer_call(self):
        async with serving() as server, stuck(server):
            server.sockets.end(lambda _: True)
            await until(lambda: not server.sockets.open and not server.sockets.callers)

    async def test_is_let_go_when_it_answers_no_ping(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(transport, "CLOSE_SECONDS", 0.1)
        async with serving() as server, stuck(server):
            (protocol,) = server.uvicorn.server_state.connections
            assert isinstance(protocol, SocketProtocol)
            protocol.keepalive_timeout()
            await until(lambda: not server.sockets.open and not server.sockets.callers)


class TestServer:
    async def test_stops_though_draining_does_not_end(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(ways, "DRAIN_MORE_SECONDS", 0.1)
        drained = []

        async def never_ends(seconds: float) -> None:
            drained.append(seconds)
            await asyncio.Event().wait()

        config = uvicorn.Config(serving, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=0)
        server = DrainingServer(config)
        running = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        server.lifespan.state["drain"] = never_ends
        server.should_exit = True
        async with asyncio.timeout(SECONDS):
            await running
        assert drained == [0]
