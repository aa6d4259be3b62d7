"""The load generator, a process of its own: raw HTTP/1.1 over connections that stay open, bounded in count and time.

It reads one job from its input as JSON and answers what it measured as JSON. It talks to this machine alone.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import cast

import uvloop

HOST = "127.0.0.1"
ENDS_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
CHUNKED_END = b"0\r\n\r\n"
GRACE_SECONDS = 120
"""How long the answers to the last requests of a round may take; a slow server may need a while."""


@dataclass(frozen=True)
class Job:
    """What to ask and how much: each body in turn, over so many connections, until the first of the bounds."""

    port: int
    path: str
    headers: dict[str, str]
    bodies: list[str]
    connections: int
    seconds: float
    requests_max: int


@dataclass(frozen=True)
class Figures:
    """What was measured at the client's end."""

    requests: int
    seconds: float
    failures: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    answer_bytes: int


@dataclass
class Round:
    """What the connections of one job share."""

    requests: list[bytes]
    deadline: float
    left: int
    next: int = 0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    received: int = 0

    def take(self) -> bytes | None:
        """The next request, or None when the round is over."""
        if self.left <= 0 or time.perf_counter() >= self.deadline:
            return None
        self.left -= 1
        self.next = (self.next + 1) % len(self.requests)
        return self.requests[self.next]

    def note(self, began: float, answer: bytes) -> None:
        """Count one answer."""
        self.latencies.append(time.perf_counter() - began)
        self.received += len(answer)
        if not answer.startswith(b"HTTP/1.1 200") or b'"errors"' in answer[-2_000:]:
            self.failures += 1


class Asking(asyncio.Protocol):
    """One connection: it sends a request, waits for its whole answer, and sends the next."""

    def __init__(self, shared: Round, done: asyncio.Future[None]) -> None:
        self.shared = shared
        self.done = done
        self.answer = b""
        self.length = -1
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        """Send the next request, or close."""
        request = self.shared.take()
        if request is None:
            self.transport.close()
            return
        self.answer, self.length = b"", -1
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Add to the answer; when it is whole, count it and go on."""
        self.answer += data
        if self.length < 0:
            self.length = length_of(self.answer)
        whole = self.answer.endswith(CHUNKED_END) if self.length == 0 else len(self.answer) >= self.length
        if self.length >= 0 and whole:
            self.shared.note(self.began, self.answer)
            self.ask()

    def connection_lost(self, _: Exception | None) -> None:
        """End."""
        if not self.done.done():
            self.done.set_result(None)


def length_of(answer: bytes) -> int:
    """The bytes of a whole answer, head included; 0 where it comes in chunks, -1 while the head is not whole."""
    end = answer.find(ENDS_HEAD)
    if end < 0:
        return -1
    head = answer[:end].lower()
    place = head.find(LENGTH)
    if place < 0:
        return 0
    return end + len(ENDS_HEAD) + int(head[place + len(LENGTH) :].split(b"\r\n", 1)[0])


def request_of(job: Job, body: str) -> bytes:
    """One request as it goes over the wire."""
    payload = body.encode()
    lines = [f"POST {job.path} HTTP/1.1", f"Host: {HOST}:{job.port}", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in job.headers.items()]
    return "\r\n".join(lines).encode() + ENDS_HEAD + payload


async def run(job: Job) -> Figures:
    """Do a job."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    shared = Round([request_of(job, body) for body in job.bodies], began + job.seconds, job.requests_max)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(job.connections)]
    for end in ends:
        await loop.create_connection(partial(Asking, shared, end), HOST, job.port)
    await asyncio.wait_for(asyncio.gather(*ends), job.seconds + GRACE_SECONDS)
    took = time.perf_counter() - began
    return figures(shared, took)


def figures(shared: Round, took: float) -> Figures:
    """The figures of a round that is over."""
    count = len(shared.latencies)
    cuts = statistics.quantiles(shared.latencies, n=100) if count > 1 else [0.0] * 99
    p50, p99, most = (seconds * 1_000 for seconds in (cuts[49], cuts[98], max(shared.latencies, default=0.0)))
    return Figures(count, took, shared.failures, p50, p99, most, shared.received // max(1, count))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Job(**json.load(sys.stdin)))))))
