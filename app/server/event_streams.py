"""GraphQL over Server-Sent Events, in distinct connections: each operation has a stream of its own over HTTP.

A stream is events `next`, each with an answer, and at last `complete`. One that breaks off without `complete` goes on
elsewhere: every event of a subscription has its cursor as its id, which clients send back as `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import orjson

from app.kernel import clock
from app.kernel.ending import to_its_end
from app.kernel.limits import DEFAULTS, Limits
from app.kernel.principal import Principal
from app.server.http_requests import EVENT_STREAM, HttpRefusal
from app.server.http_timing import Header
from app.server.per_caller import PerCaller, TooMany, caller_of
from app.server.rounds import Rounds
from app.server.telemetry import STREAMS
from app.server.transport import CUT_OFF, SEND_NOW
from app.server.websocket import Answering, Draining
from resolvers.context import GraphQLRequest, GraphQLResponse, NoQuery
from resolvers.errors import RequestError, fault, told
from resolvers.following.followers import SendNow
from resolvers.reading.documents import RequestErrors

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from resolvers.following.run import Stream

BEAT_SECONDS = 15.0
"""So often a stream is told to be open, for HTTP has no ping, and proxies cut off what is silent for a minute."""
LAST_WORDS_SECONDS = 0.5
"""So long a client may take the reason why its stream ends, before it is cut off without."""
HEAD: tuple[Header, ...] = (
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""No proxy may keep a stream back, nor tell it to another."""
COMPLETE = b"event: complete\ndata:\n\n"
"""Browsers tell of no event without data, not even of one that is empty."""
COMMENT = b":\n\n"


class EventStreams:
    """Every event stream of this process."""

    def __init__(self, answering: Answering, *, limits: Limits = DEFAULTS) -> None:
        """Answer by `answering`."""
        self.answering = answering
        self.limits = limits
        self.callers = PerCaller(limits.event_streams_per_caller_max)
        self.draining = False
        self._rounds = Rounds(EventStream.keep_alive, BEAT_SECONDS)

    async def begun(self, request: GraphQLRequest, principal: Principal, scope: Scope) -> EventStream:
        """The stream of an operation, which is to be run; HttpRefusal where the caller may have none, or not so."""
        stream = EventStream(self, principal, scope)
        self._remember(stream)
        try:
            if not self.draining:
                await stream.begin(request)
        except BaseException:
            self.forget(stream)
            raise
        return stream

    def _remember(self, stream: EventStream) -> None:
        """Count one more stream of its caller; HttpRefusal where that is too many."""
        try:
            self.callers.take(stream.caller)
        except TooMany as too_many:
            raise HttpRefusal(429, "TOO_MANY_STREAMS", f"Too many event streams at once: {too_many}") from None
        self._rounds.add(stream)

    def forget(self, stream: EventStream) -> None:
        """Count one stream of its caller less."""
        stream.finished.set()
        self._rounds.discard(stream)
        self.callers.give_back(stream.caller)

    @property
    def open(self) -> set[EventStream]:
        """The streams that are open."""
        return self._rounds.open

    @property
    def principals(self) -> list[Principal]:
        """Whom a stream is open for, each once or more."""
        return [each.principal for each in self.open]

    def end(self, whose: Callable[[Principal], bool], reason: str) -> None:
        """End the streams of callers who may no longer call, such as those of a revoked key."""
        for stream in self.open:
            if whose(stream.principal):
                stream.end(reason)

    async def drain(self, seconds: float = 10) -> None:
        """Let every subscription send what waits, for so long, and break its stream off: clients go on elsewhere."""
        self.draining = True
        self._rounds.stop()
        streams = [stream for stream in self.open if stream.follows]
        for stream in streams:
            stream.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(stream.finished.wait() for stream in streams))
        for stream in self.open.intersection(streams):
            stream.cut_off()


class EventStream:
    """One operation and the events in which its caller is told what it answers."""

    def __init__(self, streams: EventStreams, principal: Principal, scope: Scope) -> None:
        self.principal = principal
        self.caller = caller_of(principal, scope)
        self.finished = asyncio.Event()
        self._streams = streams
        self._cut_off: Callable[[], None] | None = scope.get("extensions", {}).get(CUT_OFF)
        self._send_now: SendNow | None = scope.get("extensions", {}).get(SEND_NOW)
        self._send: Send
        self._answer: bytes | Stream | None = None
        """What is sent; nothing where the process ends, so that clients go on elsewhere."""
        self._sending = asyncio.Lock()
        """Held while one message is sent, so that no older cursor is told after a newer one."""
        self._sent = 0
        self._sent_before = -1
        self._begun = False
        self._complete = False
        self._ending: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._beating: asyncio.Task[None] | None = None

    @property
    def follows(self) -> bool:
        """Whether it is a subscription's."""
        return self._answer is not None and not isinstance(self._answer, bytes)

    async def begin(self, request: GraphQLRequest) -> None:
        """Find out what the operation answers; HttpRefusal where it may not be asked so."""
        try:
            answer = await to_its_end(self._streams.answering.answer(request, self.principal))
        except NoQuery:
            message = "Mutations are not sent by GET; use POST."
            raise HttpRefusal(405, "METHOD_NOT_ALLOWED", message, allow="POST") from None
        except Exception as error:  # noqa: BLE001
            self._answer = last_event(errors_of(error))
        else:
            self._answer = last_event(answer.body) if isinstance(answer, GraphQLResponse) else answer

    async def run(self, receive: Receive, send: Send, *more: Header) -> int:
        """Send the stream, with `more` headers, until it is complete or its client is gone; its HTTP status."""
        STREAMS.inc()
        self._send = send
        tasks = asyncio.create_task(self._write(more)), asyncio.create_task(_left(receive))
        expiring = self._expiring()
        try:
            await asyncio.wait((*tasks, self._ending), return_when=asyncio.FIRST_COMPLETED)
            await _cancel(*tasks)
            if self._ending.done():
                await self._tell_end(self._ending.result())
        finally:
            if expiring is not None:
                expiring.cancel()
            await _cancel(*tasks, *filter(None, (self._beating,)))
            self._streams.forget(self)
        return 200

    def end(self, reason: str) -> None:
        """End the stream at once, with nothing told any more but the reason."""
        if not self._ending.done():
            self._ending.set_result(reason)

    def cut_off(self) -> None:
        """Break the connection off, for nobody reads what was sent."""
        if self._cut_off is not None:
            self._cut_off()
        if not self._ending.done():
            self._ending.set_result(None)

    def drain(self) -> None:
        """Send what waits, and break off."""
        if self._answer is not None and not isinstance(self._answer, bytes):
            self._answer.end(Draining())

    def keep_alive(self) -> None:
        """Tell how far the stream has come, or cut it off where it still sends what it sent the last time."""
        if self._begun and not self._sending.locked():
            self._beating = asyncio.create_task(self._beat())
        elif self._sent == self._sent_before:
            self.cut_off()
        self._sent_before = self._sent

    def _expiring(self) -> asyncio.TimerHandle | None:
        """End the stream when the credential ends by which it was asked for."""
        if self.principal.ends_at is None:
            return None
        seconds = (self.principal.ends_at - clock.now()).total_seconds()
        return asyncio.get_running_loop().call_later(seconds, self.end, "The API key expired.")

    async def _write(self, more: Sequence[Header]) -> None:
        """Send the whole stream."""
        closing = [(b"connection", b"close")] if self._answer is None else []
        async with self._sending:
            await self._send({"type": "http.response.start", "status": 200, "headers": [*HEAD, *more, *closing]})
            self._begun = True
        if self._streams.draining:
            self.drain()
        try:
            last = await self._tell()
        except Draining:
            last = b""
        except Exception as error:  # noqa: BLE001
            last = last_event(errors_of(error))
        await self._put(last, more=False)

    async def _tell(self) -> bytes:
        """Send the events of a subscription; what is to be sent last."""
        if self._answer is None or isinstance(self._answer, bytes):
            return self._answer or b""
        async with aclosing(self._answer) as stream:
            await self._put(id_of((await stream.start()).encode()))
            stream.send_now = self._put_at_once
            async for body in stream:
                await self._put(id_of(stream.cursor, event_of(body)))
        return COMPLETE

    async def _tell_end(self, reason: str | None) -> None:
        """Send why the stream ends, unless it is complete or its client takes nothing."""
        if reason is None or not self._begun:
            self.cut_off()
            return
        error = told(RequestError("UNAUTHENTICATED", reason))
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS), self._sending:
                await self._put_now(last_event(orjson.dumps({"errors": [error]})), more=False)
        except TimeoutError:
            self.cut_off()

    async def _put(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body, unless the stream has been ended."""
        async with self._sending:
            if not self._ending.done():
                await self._put_now(body, more=more)

    def _put_at_once(self, body: bytes) -> bool:
        """Send an event while the task of the stream waits for one; whether that was possible."""
        stream = self._answer
        if stream is None or isinstance(stream, bytes) or stream.follower is None or self._send_now is None:
            return False
        if self._sending.locked() or self._complete or self._ending.done():
            return False
        sent = self._send_now(id_of(stream.follower.cursor, event_of(body)))
        self._sent += sent
        return sent

    async def _put_now(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body, unless it is complete; whoever calls holds the lock."""
        if not self._complete:
            self._complete = not more
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            self._sent += 1

    async def _beat(self) -> None:
        """Tell the cursor of an idle stream, so that its client resumes from there, or nothing but that it is open."""
        async with self._sending:
            answer = self._answer
            cursor = None if answer is None or isinstance(answer, bytes) else answer.idle_cursor
            if not self._ending.done():
                await self._put_now(id_of(cursor) if cursor else COMMENT)


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    """End tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def errors_of(error: Exception) -> bytes:
    """The answer to an operation that is refused, or that broke."""
    refused: Sequence[Mapping[str, Any]]
    match error:
        case RequestErrors():
            refused = [told(each) for each in error.errors]
        case RequestError():
            refused = [told(error)]
        case _:
            refused = [fault(error)]
    return orjson.dumps({"errors": refused})


def event_of(answer: bytes) -> bytes:
    """The event of one answer. It is one line: in JSON a line break is but space, and PostgreSQL writes some."""
    return b"event: next\ndata: " + answer.translate(None, b"\r\n") + b"\n\n"


def last_event(answer: bytes) -> bytes:
    """The only or last answer of an operation, and that there is no more."""
    return event_of(answer) + COMPLETE


def id_of(cursor: str | None, event: bytes = b"\n") -> bytes:
    """An event with the id from which its client resumes; or the id alone, which clients keep and tell nobody."""
    return event if cursor is None else f"id: {cursor}\n".encode() + event
