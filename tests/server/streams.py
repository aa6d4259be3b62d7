"""Event streams with no socket between: what a client asks of the endpoint, and the bytes that it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from app.server.event_streams import EventStreams
from app.server.http import GraphQLEndpoint
from app.server.http_requests import EVENT_STREAM, JSON
from app.server.transport import CUT_OFF, SEND_NOW

SECONDS = 20
NONE: Mapping[str, str] = {}
PREFLIGHT = {"graphql-require-preflight": "1"}


@dataclass(frozen=True)
class Event:
    """One event as a browser would understand it."""

    kind: str
    data: str
    id: str | None

    @property
    def json(self) -> Any:
        """What a `next` tells."""
        assert self.kind == "next", self
        return orjson.loads(self.data)


def events_of(sent: bytes) -> tuple[list[Event], str | None]:
    """The events of a stream by the HTML standard, whose lines end in LF here, and the last id that it told."""
    assert b"\r" not in sent
    events, last_id = [], None
    for block in sent.decode().split("\n\n")[:-1]:
        told: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            told[name] = value.removeprefix(" ")
        last_id = told.get("id", last_id)
        if "data" in told:
            events.append(Event(told.get("event", "message"), told["data"], told.get("id")))
    return events, last_id


class Client:
    """One request whose answer streams; it reads until it stops to, or goes away."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        self.cut_off = False
        self.at_once = 0
        """How many parts were sent to it past the task of its stream."""
        self.gone = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self._asked: bytes | None = b""

    def asks(self, body: bytes) -> None:
        """Have the request this body."""
        self._asked = body

    async def receive(self) -> Any:
        """The body, and that the client has gone once it has."""
        if self._asked is not None:
            body, self._asked = self._asked, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a part of the answer, once the client reads."""
        await self.reads.wait()
        if self.gone.is_set():
            return
        if message["type"] == "http.response.start":
            assert self.status is None
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        assert self.status is not None
        assert not self.complete
        self.body += message["body"]
        self.complete = not message.get("more_body", False)

    def send_now(self, *pieces: bytes) -> bool:
        """Take a part of the answer at once, where the client reads; whether it did."""
        free = self.reads.is_set() and not (self.gone.is_set() or self.complete)
        if free:
            self.body += b"".join(pieces)
            self.at_once += 1
        return free

    def break_off(self) -> None:
        """Be cut off, as a transport would be."""
        self.cut_off = True
        self.gone.set()
        self.reads.set()

    @property
    def events(self) -> list[Event]:
        """What it was told so far."""
        return events_of(self.body)[0]

    @property
    def last_id(self) -> str | None:
        """What a browser would send as `Last-Event-ID`."""
        return events_of(self.body)[1]

    async def until(self, number: int) -> list[Event]:
        """The events, once they are so many."""
        await eventually(lambda: len(self.events) >= number)
        assert len(self.events) == number, self.body
        return self.events


def beat(streams: EventStreams) -> None:
    """Look at each open stream, as a round of theirs does."""
    for stream in list(streams.open):
        stream.keep_alive()


async def eventually(condition: Any) -> None:
    """Wait until `condition` holds, or until that takes too long."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def asked(
    endpoint: GraphQLEndpoint,
    query: str,
    *,
    method: str = "POST",
    preflight: bool = True,
    headers: Mapping[str, str] = NONE,
    **more: Any,
) -> AsyncIterator[Client]:
    """A client that asks within the block, and goes away at its end."""
    client, told = Client(), {"query": query, **more}
    sent = {"accept": EVENT_STREAM, "content-type": JSON, **(PREFLIGHT if preflight else NONE), **headers}
    scope = {
        "type": "http",
        "method": method,
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "query_string": urlencode(told).encode() if method == "GET" else b"",
        "client": ("127.0.0.1", 1),
        "extensions": {CUT_OFF: client.break_off, SEND_NOW: client.send_now},
    }
    if method == "POST":
        client.asks(orjson.dumps(told))
    answering = asyncio.create_task(endpoint(scope, client.receive, client.send))
    try:
        await eventually(lambda: client.status is not None or answering.done() or not client.reads.is_set())
        yield client
    finally:
        client.gone.set()
        client.reads.set()
        async with asyncio.timeout(SECONDS):
            await answering
