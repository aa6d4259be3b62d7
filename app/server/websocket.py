"""GraphQL over WebSocket by `graphql-transport-ws` to the letter: queries, mutations and subscriptions, in text frames.

Each subscription writes to its socket by itself: one that is slow delays only its own. Whoever delivers to it fills a
bounded buffer and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.kernel import clock
from app.kernel.ending import to_its_end
from app.kernel.limits import DEFAULTS, Limits
from app.kernel.principal import Principal
from app.server.handshakes import Handshakes
from app.server.origins import ANY, Origins
from app.server.per_caller import Pace, PerCaller, TooMany, caller_of
from app.server.rounds import Rounds
from app.server.transport import CUT_OFF, SEND_NOW
from app.server.websocket_messages import SUBPROTOCOL, CloseCode, Closing, Message, parse_message, pings
from resolvers.context import GraphQLRequest, GraphQLResponse
from resolvers.errors import RequestError, fault, over_limit, told
from resolvers.following.run import Stream
from resolvers.reading.documents import RequestErrors

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CURSOR_SECONDS = 60.0
"""So often a client is told how far its idle streams have come: a few positions more or less are soon passed over."""
LEAVE_SECONDS = 0.1
"""So long the next message waits for an operation that its client has left."""
CLOSING_SECONDS = 0.5
"""So long a client may stand against being told why its socket is closed, before it is cut off without."""
GONE = (WebSocketDisconnect, WebSocketDisconnected, RuntimeError)
"""What sending raises where the client is gone, or the socket was closed meanwhile."""

Authenticate = Callable[[Mapping[str, Any], Headers], Awaitable[Principal]]

log = structlog.get_logger(__name__)


class Answering(Protocol):
    """What answers operations."""

    def answer(self, request: GraphQLRequest, principal: Principal) -> Coroutine[Any, Any, GraphQLResponse | Stream]:
        """The answer of a query or mutation, or the stream of a subscription; RequestErrors where it is refused."""


class Draining(Exception):
    """The stream ends because the process does; the client goes on elsewhere."""


class Sockets:
    """Every WebSocket of this process."""

    def __init__(
        self,
        answering: Answering,
        authenticate: Authenticate,
        *,
        limits: Limits = DEFAULTS,
        origins: Origins = ANY,
    ) -> None:
        """Answer by `answering`; `authenticate` finds the caller from the payload of `connection_init` and the headers.

        What it raises closes the socket with 4403, or with 4500 where it is the database that failed. Pages that are
        not of `origins` get no socket.
        """
        self.answering = answering
        self.authenticate = authenticate
        self.limits = limits
        self.callers = PerCaller(limits.sockets_per_caller_max)
        self.follows = PerCaller(limits.follows_per_caller_max)
        self.handshakes = Handshakes(origins, limits.handshakes_per_address_max)
        self.draining = False
        self._rounds = Rounds(Conversation.tell_cursors, CURSOR_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it is closed."""
        websocket = WebSocket(scope, receive, send)
        handshake = await self.handshakes.begun(websocket)
        if handshake is None:
            return
        conversation = Conversation(self, websocket, handshake)
        self._rounds.add(conversation)
        try:
            await conversation.run()
        finally:
            self._rounds.discard(conversation)

    @property
    def open(self) -> set[Conversation]:
        """The sockets that are open."""
        return self._rounds.open

    @property
    def principals(self) -> list[Principal]:
        """Whom a socket is open for, each once or more."""
        return [each.principal for each in self.open if each.principal is not None]

    def end(self, whose: Callable[[Principal], bool], reason: str = "Forbidden") -> None:
        """Close the sockets of callers who may no longer call, such as those of a revoked key."""
        for conversation in self.open:
            if conversation.principal is not None and whose(conversation.principal):
                conversation.close_soon(Closing(CloseCode.FORBIDDEN, reason))

    async def drain(self, seconds: float = 10) -> None:
        """Let every stream send what waits and every operation end, for so long; then close all with 1012."""
        self.draining = True
        self._rounds.stop()
        await asyncio.gather(*(conversation.drain(seconds) for conversation in list(self.open)))


class Conversation:
    """One socket: from its handshake to its close."""

    def __init__(self, sockets: Sockets, websocket: WebSocket, handshake: ExitStack) -> None:
        """Speak over `websocket`; `handshake` is closed once the caller is known, or at the end."""
        self.principal: Principal | None = None
        self._sockets = sockets
        self._handshake = handshake
        self._pace = Pace(sockets.limits.messages_per_socket_minute_max)
        self._websocket = websocket
        extensions = websocket.scope.get("extensions", {})
        self._cut_off: Callable[[], None] | None = extensions.get(CUT_OFF)
        self._send_now: Callable[..., bool] | None = extensions.get(SEND_NOW)
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._left: set[asyncio.Task[None]] = set()
        """Operations that their client has left, but that have not ended yet; they count until then."""
        self._streams: dict[str, Stream] = {}
        self._initialising: asyncio.Task[None] | None = None
        self._init_until: float | None = None
        self._closing: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._caller: str | None = None
        self._closed = False

    async def run(self) -> None:
        """Shake hands, and take messages until the socket is closed."""
        try:
            await self._shake_hands()
            while True:
                await self._take(parse_message(await self._receive(), self._sockets.limits))
        except Closing as closing:
            await self._close(closing)
        except GONE:
            self._closed = True
        finally:
            await self._let_go()

    def tell_cursors(self) -> None:
        """Ping with the cursors of the streams that are idle, unless something still waits to be sent.

        In one step with their taking: a newer event that went first would be followed by an older cursor.
        """
        cursors = {key: cursor for key, stream in self._streams.items() if (cursor := stream.idle_cursor)}
        for ping in pings(cursors, self._sockets.limits):
            if self._send_now is None or not self._send_now(ping):
                return

    async def drain(self, seconds: float) -> None:
        """Let the operations end, for so long, then close."""
        for stream in list(self._streams.values()):
            stream.end(Draining())
        if under_way := [*self._operations.values(), *self._left]:
            await asyncio.wait(under_way, timeout=seconds)
        await self._close(Closing(CloseCode.RESTART, "The server restarts; connect again."))

    def close_soon(self, closing: Closing) -> None:
        """Close without waiting for it. Nothing that is under way is told any more."""
        if self._closing is None:
            for operation in self._operations.values():
                operation.cancel()
            self._closing = asyncio.create_task(self._close(closing))

    async def _shake_hands(self) -> None:
        """Accept the one subprotocol there is."""
        if SUBPROTOCOL not in self._websocket.scope.get("subprotocols", ()):
            await self._websocket.accept()
            raise Closing(CloseCode.BAD_SUBPROTOCOL, f"Subprotocol not acceptable: only {SUBPROTOCOL} is.")
        await self._websocket.accept(subprotocol=SUBPROTOCOL)
        if self._sockets.draining:
            raise Closing(CloseCode.RESTART, "The server restarts; connect again.")
        seconds = self._sockets.limits.connection_init_ms_max / 1_000
        self._init_until = asyncio.get_running_loop().time() + seconds

    async def _receive(self) -> str:
        """The text of the next frame; until `connection_init` has come, only for so long."""
        try:
            async with asyncio.timeout_at(self._init_until):
                frame = await self._websocket.receive()
        except TimeoutError:
            raise Closing(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout") from None
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", 1005))
        text = frame.get("text")
        if text is None:
            raise Closing(CloseCode.BAD_REQUEST, "A message is sent in a text frame.")
        if len(text.encode()) > (limit := self._sockets.limits.frame_bytes_max):
            raise Closing(CloseCode.TOO_BIG, f"A message has at most {limit} bytes; this one has {len(text.encode())}.")
        return str(text)

    async def _take(self, message: Message) -> None:
        """Do what a message asks."""
        try:
            self._pace.one_more(asyncio.get_running_loop().time())
        except TooMany as too_many:
            raise Closing(CloseCode.TOO_MANY, f"Too many messages in a minute: {too_many}") from None
        match message.kind:
            case "connection_init":
                self._initialise(message.payload or {})
            case "ping":
                payload = {} if message.payload is None else {"payload": message.payload}
                await self._send({"type": "pong", **payload})
            case "subscribe" if message.request is not None:
                await self._begin(message.operation_id, message.request)
            case "complete":
                await self._cancel(message.operation_id)

    def _initialise(self, payload: Mapping[str, Any]) -> None:
        """Find out who is calling, once."""
        if self._initialising is not None:
            raise Closing(CloseCode.TOO_MANY, "Too many initialisation requests")
        self._init_until = None
        self._initialising = asyncio.create_task(self._acknowledge(payload))

    async def _acknowledge(self, payload: Mapping[str, Any]) -> None:
        """Acknowledge the connection, or close it where the caller is nobody or has too many."""
        try:
            principal = await self._sockets.authenticate(payload, self._websocket.headers)
            self._count(principal)
            self.principal = principal
            self._handshake.close()
            self._end_with(principal)
            await self._send({"type": "connection_ack"})
        except Closing as closing:
            self.close_soon(closing)
        except GONE:
            return
        except OSError as error:
            log.exception("authentication_failed", error=str(error))
            self.close_soon(Closing(CloseCode.FAULT, "Internal server error"))
        except Exception as error:  # noqa: BLE001
            log.info("authentication_refused", kind=type(error).__name__)
            self.close_soon(Closing(CloseCode.FORBIDDEN, "Forbidden"))

    def _end_with(self, principal: Principal) -> None:
        """Close the socket when the credential ends that opened it."""
        if principal.ends_at is not None:
            seconds = (principal.ends_at - clock.now()).total_seconds()
            closing = Closing(CloseCode.FORBIDDEN, "The API key expired.")
            self._ending = asyncio.get_running_loop().call_later(seconds, self.close_soon, closing)

    def _count(self, principal: Principal) -> None:
        """Count the caller's sockets, up to the limit."""
        caller = caller_of(principal, self._websocket.scope)
        try:
            self._sockets.callers.take(caller)
        except TooMany as too_many:
            raise Closing(CloseCode.TOO_MANY, f"Too many sockets: {too_many}") from None
        self._caller = caller

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """Count one subscription of the caller within the block; RequestError where it has too many."""
        assert self._caller is not None  # noqa: S101
        follows = self._sockets.follows
        try:
            follows.take(self._caller)
        except TooMany as too_many:
            numbers = {"found": too_many.found, "limit": too_many.limit}
            raise over_limit("TOO_MANY_SUBSCRIPTIONS", "Too many subscriptions at once", **numbers) from None
        try:
            yield
        finally:
            follows.give_back(self._caller)

    async def _begin(self, operation_id: str, request: GraphQLRequest) -> None:
        """Begin an operation, unless the socket is about to be closed."""
        if self._closing is not None or self._sockets.draining:
            return
        if self.principal is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized")
        if operation_id in self._operations:
            raise Closing(CloseCode.ALREADY_SUBSCRIBED, f"Subscriber for {operation_id} already exists")
        found, limit = len(self._operations) + len(self._left) + 1, self._sockets.limits.operations_per_socket_max
        if found > limit:
            refused = over_limit("TOO_MANY_OPERATIONS", "Too many operations at once", found=found, limit=limit)
            await self._send({"id": operation_id, "type": "error", "payload": [told(refused)]})
            return
        operation = self._operate(operation_id, request, self.principal)
        self._operations[operation_id] = asyncio.create_task(operation)

    async def _operate(self, operation_id: str, request: GraphQLRequest, principal: Principal) -> None:
        """Run one operation to its end, and tell it. A stream may last for days, and keeps nothing of its request."""
        last: dict[str, Any] = {"id": operation_id, "type": "complete"}
        try:
            answer = await to_its_end(self._sockets.answering.answer(request, principal))
            del request
            refused = await self._answer(operation_id, answer)
            if refused is not None:
                last = {"id": operation_id, "type": "error", "payload": refused}
        except RequestErrors as refusal:
            last = {"id": operation_id, "type": "error", "payload": [told(error) for error in refusal.errors]}
        except RequestError as refusal:
            last = {"id": operation_id, "type": "error", "payload": [told(refusal)]}
        except (Draining, *GONE) as ended:
            if type(ended) is RuntimeError and not self._closed:
                last = {"id": operation_id, "type": "error", "payload": [fault(ended)]}
            else:
                return
        except Exception as error:  # noqa: BLE001
            last = {"id": operation_id, "type": "error", "payload": [fault(error)]}
        finally:
            if self._operations.get(operation_id) is asyncio.current_task():
                del self._operations[operation_id]
                self._streams.pop(operation_id, None)
        with suppress(*GONE):
            await self._send(last)

    async def _answer(self, operation_id: str, answer: GraphQLResponse | Stream) -> Any:
        """Send each answer of an operation; answers the errors of one of which nothing was executed."""
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)
        if isinstance(answer, GraphQLResponse):
            if not answer.executed:
                return orjson.loads(answer.body)["errors"]
            await self._tell(head, answer.body)
            return None
        self._streams[operation_id] = answer
        if self._sockets.draining:
            answer.end(Draining())
        if (send_now := self._send_now) is not None:
            answer.send_now = lambda body: send_now(head, body, b"}")
        async with aclosing(answer):
            with self._followed():
                async for body in answer:
                    await self._tell(head, body)
        return None

    async def _tell(self, head: bytes, body: bytes) -> None:
        """Send one answer of an operation."""
        await self._websocket.send_text(b"".join((head, body, b"}")).decode())

    async def _cancel(self, operation_id: str) -> None:
        """End an operation that its client has enough of; one that has ended already is nothing to speak of."""
        task = self._operations.pop(operation_id, None)
        if task is not None:
            self._streams.pop(operation_id, None)
            self._left.add(task)
            task.add_done_callback(self._left.discard)
            task.cancel()
            await asyncio.wait([task], timeout=LEAVE_SECONDS)

    async def _send(self, message: Mapping[str, Any]) -> None:
        if not self._closed:
            await self._websocket.send_text(orjson.dumps(message).decode())

    async def _close(self, closing: Closing) -> None:
        """Close the socket, once; a client that takes nothing any more is cut off."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._websocket.close(int(closing.code), closing.reason)
        except GONE:
            return
        except TimeoutError:
            if self._cut_off is not None:
                self._cut_off()

    async def _let_go(self) -> None:
        """End everything that the socket had under way; its caller has that socket until all has ended."""
        self._closed = True
        if self._ending is not None:
            self._ending.cancel()
        tasks = [*self._operations.values(), *filter(None, (self._initialising,))]
        for task in tasks:
            task.cancel()
        if tasks or self._left:
            await asyncio.wait([*tasks, *self._left])
        self._handshake.close()
        if self._caller is not None:
            self._sockets.callers.give_back(self._caller)
