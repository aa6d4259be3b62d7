"""The followers, a process of their own: sockets that speak `graphql-transport-ws`, bounded in count and time.

It reads one job from its input as a line of JSON and opens a socket a follower. It answers "subscribed" once each has
sent its subscription, and "following" once each was told of a change whose number is negative, which only wakes it. It
then reads when each measured change was committed, waits for the last of them, and answers what it measured. It talks
to this machine alone.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, cast

import uvloop

HOST = "127.0.0.1"
ENDS_HEAD = b"\r\n\r\n"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
UNMASKED = b"\x00\x00\x00\x00"
"""A mask that changes nothing: what clients send must have one."""
CHANGE = re.compile(rb'"availableAfter": ?(-?\d+)')
AT_ONCE = 100
"""So many sockets are opened at once."""
CONNECT_SECONDS_MAX = 60
FOLLOW_SECONDS_MAX = 90
QUIET_SECONDS = 0.3
SILENCE_SECONDS_MAX = 5
"""A change that no follower was told of for so long will not come."""
LAST_SECONDS_MAX = 40
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Job:
    """Whom to follow and how: the same document for all, with each follower's own variables."""

    port: int
    path: str
    greeting: dict[str, Any]
    document: str
    variables: list[dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What was measured at the followers' end. Times are from the commit of a change until a follower has it."""

    deliveries: int
    expected: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    delivery_bytes: int
    first_failure: str


@dataclass
class Shared:
    """What all followers share: what they were told, and when."""

    job: Job
    subscribed: int = 0
    following: int = 0
    failures: int = 0
    first_failure: str = ""
    delivery_bytes: int = 0
    heard_at: float = 0.0
    deliveries: list[tuple[int, float]] = field(default_factory=list)

    def woken(self, count: int) -> bool:
        """Whether all of so many followers were told of something, and nothing more comes."""
        quiet = time.monotonic() - self.heard_at > QUIET_SECONDS
        return quiet and self.following + self.failures >= count

    def fail(self, why: str) -> None:
        """Count a follower that was refused or let go."""
        self.failures += 1
        self.first_failure = self.first_failure or why


class Follower(asyncio.Protocol):
    """One socket with one subscription."""

    def __init__(self, shared: Shared, number: int, subscribed: asyncio.Future[None]) -> None:
        self.shared = shared
        self.number = number
        self.subscribed = subscribed
        self.received = b""
        self.open = False
        self.woken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(handshake(self.shared.job))

    def data_received(self, data: bytes) -> None:
        """Take every frame that is whole."""
        self.received += data
        if not self.open and not self._opened():
            return
        frames, self.received = frames_of(self.received)
        for kind, payload in frames:
            if kind == TEXT:
                self._take(payload)
            elif kind == PING:
                self.transport.write(frame(PONG, payload))
            elif kind == CLOSE:
                self._fail(f"closed: {payload[2:].decode(errors='replace')}")

    def connection_lost(self, _: Exception | None) -> None:
        """Nothing more will come."""
        if not self.subscribed.done():
            self._fail("the connection was lost")

    def _opened(self) -> bool:
        """Whether the handshake is done; then greet."""
        head, found, rest = self.received.partition(ENDS_HEAD)
        if not found:
            return False
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self._fail(head.decode(errors="replace"))
            return False
        self.open, self.received = True, rest
        self._say({"type": "connection_init", "payload": self.shared.job.greeting})
        return True

    def _take(self, payload: bytes) -> None:
        """Take one message: a change that is told, or what the protocol says besides."""
        found = CHANGE.search(payload)
        if found is not None:
            self._note(int(found[1]), payload)
            return
        message = json.loads(payload)
        if message["type"] == "connection_ack":
            self._subscribe()
        elif message["type"] == "ping":
            self._say({"type": "pong"})
        elif message["type"] in ("next", "error", "complete"):
            self._fail(payload.decode())

    def _note(self, change: int, payload: bytes) -> None:
        """Note that a change was told; the first one tells that the follower follows."""
        now, shared = time.monotonic(), self.shared
        shared.heard_at = now
        shared.following += not self.woken
        self.woken = True
        if change >= 0:
            shared.deliveries.append((change, now))
            shared.delivery_bytes = len(payload)

    def _subscribe(self) -> None:
        job = self.shared.job
        variables = job.variables[self.number % len(job.variables)]
        payload = {"query": job.document, "variables": variables}
        self._say({"id": "1", "type": "subscribe", "payload": payload})
        self.shared.subscribed += 1
        self.subscribed.set_result(None)

    def _say(self, message: dict[str, Any]) -> None:
        self.transport.write(frame(TEXT, json.dumps(message).encode()))

    def _fail(self, why: str) -> None:
        self.shared.fail(why)
        if not self.subscribed.done():
            self.subscribed.set_result(None)


def handshake(job: Job) -> bytes:
    """The request that makes a WebSocket of a connection."""
    lines = [
        f"GET {job.path} HTTP/1.1",
        f"Host: {HOST}:{job.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    ]
    return "\r\n".join(lines).encode() + ENDS_HEAD


def frame(kind: int, payload: bytes) -> bytes:
    """One frame as a client sends it."""
    size = len(payload)
    if size > 125:
        return bytes((0x80 | kind, 0x80 | 126)) + size.to_bytes(2, "big") + UNMASKED + payload
    return bytes((0x80 | kind, 0x80 | size)) + UNMASKED + payload


def frames_of(received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames that a server sent, each its kind and payload, and what is left of the next."""
    frames, place, length = [], 0, len(received)
    while place + 2 <= length:
        size, begins = received[place + 1] & 0x7F, place + 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            begins += wide
            if begins > length:
                break
            size = int.from_bytes(received[begins - wide : begins], "big")
        if begins + size > length:
            break
        frames.append((received[place] & 0x0F, received[begins : begins + size]))
        place = begins + size
    return frames, received[place:]


async def subscribe(shared: Shared, count: int) -> None:
    """Open every socket, and subscribe on each."""
    loop = asyncio.get_running_loop()
    for first in range(0, count, AT_ONCE):
        subscribed: list[asyncio.Future[None]] = []
        for number in range(first, min(count, first + AT_ONCE)):
            subscribed.append(loop.create_future())
            await loop.create_connection(partial(Follower, shared, number, subscribed[-1]), HOST, shared.job.port)
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await asyncio.gather(*subscribed)


async def woken(shared: Shared, count: int) -> None:
    """Wait until each follower was told of something, and nothing more comes."""
    async with asyncio.timeout(FOLLOW_SECONDS_MAX):
        while not shared.woken(count):  # noqa: ASYNC110 — that it is quiet is no event.
            await asyncio.sleep(LOOK_SECONDS)


async def told(shared: Shared, expected: int) -> None:
    """Wait until everything expected was told, or until nothing is told any more."""
    deadline, began = time.monotonic() + LAST_SECONDS_MAX, time.monotonic()
    while len(shared.deliveries) < expected and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        if time.monotonic() - max(began, shared.heard_at) > SILENCE_SECONDS_MAX:
            return


def figures(shared: Shared, committed: list[float], expected: int) -> Told:
    """What the deliveries show, beside when each change was committed."""
    latencies = [at - committed[change] for change, at in shared.deliveries]
    count = len(latencies)
    cuts = statistics.quantiles(latencies, n=100) if count > 1 else [0.0] * 99
    p50, p99, most = (seconds * 1_000 for seconds in (cuts[49], cuts[98], max(latencies, default=0.0)))
    last = max((at for _, at in shared.deliveries), default=committed[0])
    seconds = last - committed[0]
    return Told(
        count, expected, shared.failures, seconds, p50, p99, most, shared.delivery_bytes, shared.first_failure[:600]
    )


async def run() -> None:
    """Do the job on the input."""
    job = Job(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
    shared, count = Shared(job), len(job.variables)
    await subscribe(shared, count)
    print("subscribed", flush=True)
    await woken(shared, count)
    print("following", flush=True)
    measured = json.loads(await asyncio.to_thread(sys.stdin.readline) or "null")
    if measured is not None:
        await told(shared, measured["expected"])
        print(json.dumps(asdict(figures(shared, **measured))), flush=True)


if __name__ == "__main__":
    uvloop.run(run())
