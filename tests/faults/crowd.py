"""The crowd: followers over sockets and event streams, who go on elsewhere after their last cursor whenever one is cut.

Each is what a careful client would be: it reads where it begins (`eventCursor`), follows after that, keeps the cursor
of what it was told, and after any end but a refusal connects again, to whoever serves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from app.kernel.event_log import Cursor, decode_cursor
from app.server.websocket_messages import SUBPROTOCOL
from tests.faults.topics import Topic, seen_of
from tests.faults.trading import Api
from tests.faults.waiting import ended
from tests.faults.world import World

WAIT_SECONDS = (0.05, 0.4)
"""So long a client waits before it connects again."""
CUT = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, httpx2.TransportError)
AGAIN = {"FOLLOWER_TOO_SLOW", "INTERNAL_SERVER_ERROR"}
"""Errors after which a client goes on from its cursor."""


class Refused(Exception):
    """A follower was told that it may not follow."""


class Follower:
    """One client; subclasses know a protocol each."""

    def __init__(self, world: World, topic: Topic, chance: Random) -> None:
        self.topic = topic
        self.world = world
        self.positions: list[int] = []
        """The positions of the events that it was told, in the order in which it was told them."""
        self.mirror: dict[str, Any] = {}
        """Each object as it was told last."""
        self.ends: Counter[str] = Counter()
        """How often its stream ended, by the reason."""
        self.start = Cursor("", 0)
        self.cursor: str | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self._chance = chance
        self._connected: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    async def begin(self, api: Api) -> None:
        """Read where the log stands, and follow on from there."""
        self.cursor = (await api.ask("{ eventCursor }", self.topic.credential))["eventCursor"]
        found = decode_cursor(self.cursor)
        assert found is not None
        self.start = found
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Follow, and follow again, for as long as it is not refused."""
        while True:
            address = self._chance.choice(self.world.addresses() or [""])
            self._connected = asyncio.create_task(self._follow(address))
            await asyncio.wait([self._connected])
            if self._connected.cancelled():
                self.ends["cut by ourselves"] += 1
            else:
                error = self._connected.exception()
                if isinstance(error, Exception) and not isinstance(error, CUT):
                    raise error
                self.ends[type(error).__name__ if error else "ended"] += 1
            await asyncio.sleep(self._chance.uniform(*WAIT_SECONDS))

    async def _follow(self, address: str) -> None:
        """Connect and follow until the stream ends, one way or another."""
        raise AssertionError

    def take(self, payload: Any) -> None:
        """Take what it was told; Refused where that is why it may not follow."""
        if payload.get("errors"):
            self.take_errors(payload["errors"])
            return
        self.cursor, shown = seen_of(payload["data"])
        assert self.cursor is not None
        found = decode_cursor(self.cursor)
        assert found is not None
        self.positions.append(found.position)
        self.mirror[shown["id"]] = shown

    def take_errors(self, errors: list[Any]) -> None:
        """Go on after the cursor that an error tells; Refused where it is another error."""
        extensions = errors[0]["extensions"]
        if extensions["code"] not in AGAIN:
            raise Refused(f"{self}: {errors}")
        if "cursor" in extensions:
            self.cursor = extensions["cursor"]
        self.ends[extensions["code"]] += 1

    def cut(self) -> None:
        """Break the connection off, if there is one."""
        if self._connected is not None:
            self._connected.cancel()

    def check(self) -> None:
        """Raise what it ended with, if it has."""
        if self._running is not None and self._running.done():
            self._running.result()

    async def end(self) -> None:
        """Follow no more."""
        for task in (self._running, self._connected):
            if task is not None:
                await ended(str(self), task)

    def __str__(self) -> str:
        given = "".join(f" {name}={value}" for name, value in self.topic.wanted.items())
        return f"{type(self).__name__} of {self.topic.name}{given}"


class SocketFollower(Follower):
    """A client that follows by `graphql-transport-ws`."""

    async def _follow(self, address: str) -> None:
        url = f"{address.replace('http', 'ws')}/graphql"
        asked = {"subprotocols": [Subprotocol(SUBPROTOCOL)], "compression": None, "max_queue": 4}
        async with connect(url, open_timeout=5, close_timeout=0.2, **asked) as connection:  # type: ignore[arg-type]
            try:
                await self._ask(connection)
                async for message in self._messages(connection):
                    self._take_message(message)
            finally:
                connection.transport.abort()

    async def _ask(self, connection: ClientConnection) -> None:
        """Shake hands, and subscribe."""
        credential = self.topic.credential
        payload = {"authorization": f"Bearer {credential}"} if credential else {}
        await connection.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        assert orjson.loads(await connection.recv())["type"] == "connection_ack"
        asked = {"query": self.topic.document, "variables": {"after": self.cursor}}
        await connection.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": asked}).decode())

    async def _messages(self, connection: ClientConnection) -> AsyncIterator[Any]:
        """Every message until the stream's own end."""
        message: Any = {"type": "connection_ack"}
        while message["type"] not in ("complete", "error"):
            await self.reads.wait()
            message = orjson.loads(await connection.recv())
            yield message

    def _take_message(self, message: Any) -> None:
        match message["type"]:
            case "next":
                self.take(message["payload"])
            case "error":
                self.take_errors(message["payload"])
            case "ping":
                self.cursor = message["payload"]["cursors"].get("1", self.cursor)
            case other:
                raise Refused(f"{self}: {other}")


class StreamFollower(Follower):
    """A client that follows by Server-Sent Events, and resumes by `Last-Event-ID`."""

    async def _follow(self, address: str) -> None:
        asked = {"accept": "text/event-stream"}
        if self.topic.credential:
            asked["authorization"] = f"Bearer {self.topic.credential}"
        if self.cursor is not None:
            asked["last-event-id"] = self.cursor
        timeout = httpx2.Timeout(5, read=None)
        async with AsyncExitStack() as things:
            client = await things.enter_async_context(httpx2.AsyncClient(timeout=timeout))
            body = {"query": self.topic.document}
            streaming = client.stream("POST", f"{address}/graphql", json=body, headers=asked)
            answer = await things.enter_async_context(streaming)
            if answer.status_code != 200:
                self.take_errors(orjson.loads(await answer.aread())["errors"])
                return
            async for event in self._events(answer):
                self._take_event(event)

    async def _events(self, answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
        """Every event until the stream ends, as the fields that it tells."""
        rest = b""
        async for part in answer.aiter_raw():
            *events, rest = (rest + part).split(b"\n\n")
            for event in events:
                await self.reads.wait()
                yield dict(line.split(": ", 1) for line in event.decode().splitlines() if ": " in line)

    def _take_event(self, event: dict[str, str]) -> None:
        if event.get("event") == "next":
            self.take(orjson.loads(event["data"]))
        if "id" in event:
            assert "data" not in event or event["id"] == self.cursor
            self.cursor = event["id"]


class Crowd:
    """All who follow."""

    def __init__(self, world: World, api: Api) -> None:
        self.followers: list[Follower] = []
        self.world = world
        self._api = api

    async def join(self, *topics: Topic) -> None:
        """Have one more follower of each topic, of both protocols in turn."""
        kinds = (SocketFollower, StreamFollower)
        joining: list[Follower] = []
        for topic in topics:
            kind = kinds[len(self.followers + joining) % 2]
            joining.append(kind(self.world, topic, Random(self.world.chance.random())))  # noqa: S311
        await asyncio.gather(*(follower.begin(self._api) for follower in joining))
        self.followers.extend(joining)

    @asynccontextmanager
    async def pausing(self) -> AsyncIterator[None]:
        """Let a third of them read nothing within the block."""
        paused = self.followers[::3]
        for follower in paused:
            follower.reads.clear()
        try:
            yield
        finally:
            for follower in paused:
                follower.reads.set()

    def cut(self) -> None:
        """Break every connection off at once, so that all connect again."""
        for follower in self.followers:
            follower.cut()

    @property
    def told(self) -> int:
        """How many events all were told together."""
        return sum(len(follower.positions) for follower in self.followers)

    @property
    def ends(self) -> Counter[str]:
        """How often streams ended, by the reason."""
        return sum((follower.ends for follower in self.followers), Counter())

    async def end(self) -> None:
        """Nobody follows any more."""
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*(follower.end() for follower in self.followers))
