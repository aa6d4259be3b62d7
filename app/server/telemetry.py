"""What the process tells of itself: log lines, one a request, and figures for Prometheus, but never a secret."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import select
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from app.kernel.identity import unguessable_token
from app.server.settings import LogFormat, LogLevel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which Prometheus's client lets the processes of one server share their figures."""
SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_?key|dsn|_url$", re.IGNORECASE)
REQUEST_ID_HEADER = b"x-request-id"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HIDDEN = "[hidden]"
STREAMED_AFTER = "lading.streamed_after"
"""The name under which the scope of a stream tells the seconds until it began: one that lasts is not slow."""
QUIET_PATHS = frozenset({"/livez", "/readyz", "/metrics"})

REQUESTS = Counter("lading_http_requests_total", "HTTP requests answered.", ["path", "method", "status"])
SECONDS = Histogram(
    "lading_http_request_seconds",
    "How long answers took, until their last byte.",
    ["path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STREAMS = Counter("lading_event_streams_total", "Event streams that were begun.")
SOCKETS = Counter("lading_websocket_connections_total", "WebSocket connections that were asked for.")

REQUESTS_NAMED_MAX = 1_024
"""So many combinations of path, method and status are kept at hand; there are fewer, unless somebody makes them up."""
PATH_KEPT_MAX = 128
"""Paths that are longer are made up, and not kept."""
LINES_WAIT_SECONDS = 0.1
"""So long a request's line waits for those of others."""

PROCESS = unguessable_token()[:13]
"""How the request ids of this process begin; what follows counts its requests."""

log = structlog.get_logger("lading.http")
_numbers = count(1)
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def hide_secrets(_: Any, __: str, line: Any) -> Any:
    """Leave out the value of whatever is named like a secret, however deep it lies."""
    return _hidden(line)


def _hidden(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: HIDDEN if isinstance(name, str) and SECRET_NAMES.search(name) else _hidden(item)
                for name, item in value.items()
            }
        case list() | tuple():
            return [_hidden(item) for item in value]
        case _:
            return value


def add_request_id(_: Any, __: str, line: Any) -> Any:
    """Say in which request a line was written, where it was in one."""
    request_id = _request_id.get()
    if request_id is not None:
        line.setdefault("request_id", request_id)
    return line


def start_logging(level: LogLevel, form: LogFormat) -> None:
    """Write log lines of ours and of libraries alike to the error output, in `form`.

    What a fault is told with are the lines of code that led to it, and never their variables: some hold secrets, and
    to draw them all took seconds in which nobody was answered.
    """
    before: list[Any] = [
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    plain = structlog.dev.plain_traceback
    last: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    if form is LogFormat.JSON:
        last = structlog.processors.JSONRenderer()
    after: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, hide_secrets]
    after += [structlog.processors.format_exc_info] if form is LogFormat.JSON else []
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[*after, last]))
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(level.value.upper())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    request_lines.write_to(sys.stderr.fileno() if form is LogFormat.JSON else None)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class RequestLines:
    """Writes the one line of each request.

    As JSON it is put together here and written past the logging library, which took twice as long over the line as the
    whole request took; it looks as any other line does. A request id has no character that JSON would escape. Lines
    wait a moment for others, for the system's call costs more than the line; a process that is killed loses those. What
    cannot be written is lost, as the library would lose it, for the answers that it tells of were sent.
    """

    def __init__(self) -> None:
        self._output: int | None = None
        self._waiting: list[bytes] = []
        self._length = 0

    def write_to(self, output: int | None) -> None:
        """Write JSON to the file descriptor `output` from now on; without one, lines go through the logging library."""
        self.flush()
        self._output = output

    def write(self, *, method: str, path: str, status: int, ms: float) -> None:
        """Tell of one request that was answered, soon; a loop must be running."""
        if self._output is None:
            log.info("request", method=method, path=path, status=status, ms=ms)
            return
        if logging.root.level <= logging.INFO:
            told = f'"ms":{ms},"request_id":"{_request_id.get()}","timestamp":"{_written_now()}"'
            beginning = _beginning if len(path) <= PATH_KEPT_MAX else _beginning.__wrapped__
            self._add(f"{beginning(method, path, status)},{told}}}\n".encode())

    def flush(self) -> None:
        """Write the lines that wait."""
        if self._waiting and self._output is not None:
            with suppress(OSError):
                os.write(self._output, b"".join(self._waiting))
        self._waiting.clear()
        self._length = 0

    def _add(self, line: bytes) -> None:
        """Have a line wait for others, up to as many as a pipe takes in one piece, whoever else writes there."""
        if self._length + len(line) > select.PIPE_BUF:
            self.flush()
        if not self._waiting:
            asyncio.get_running_loop().call_later(LINES_WAIT_SECONDS, self.flush)
        self._waiting.append(line)
        self._length += len(line)


def _written_now() -> str:
    """The present instant as log lines have it; what all instants of a second have in common is written once."""
    instant = time.time_ns() // 1_000
    return f"{_second(instant // 1_000_000)}.{instant % 1_000_000:06d}Z"


@lru_cache(1)
def _second(seconds: int) -> str:
    """A second since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(REQUESTS_NAMED_MAX)
def _beginning(method: str, path: str, status: int) -> str:
    """What lines of requests like this one have in common; the closing brace is still to come."""
    line = {"event": "request", "level": "info", "logger": "lading.http", "method": method, "path": path}
    return orjson.dumps({**line, "status": status})[:-1].decode()


request_lines = RequestLines()
atexit.register(request_lines.flush)


class Answers(Protocol):
    """An endpoint that tells itself how it answered."""

    async def answer(self, scope: Scope, receive: Receive, send: Send, *headers: tuple[bytes, bytes]) -> int:
        """Answer one HTTP request, with `headers` more; the status it was answered with."""


class RequestTelemetry:
    """Gives each request an id, and tells how it ended and how long it took."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        paths: frozenset[str],
        straight: Callable[[Scope], Answers | None] | None = None,
        sockets: Callable[[Scope], ASGIApp | None] = lambda _: None,
    ) -> None:
        """Watch `app`; requests to other than its `paths` are counted together, for strangers make paths up.

        What `straight` finds for a request, or `sockets` for a WebSocket, answers it instead: nothing has to listen to
        what it sends.
        """
        self.app = app
        self.paths = paths
        self.straight = straight
        self.sockets = sockets

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] == "http":
            endpoint = self.straight(scope) if self.straight else None
            return self._hear(endpoint, scope, receive, send) if endpoint else self._watch(scope, receive, send)
        if scope["type"] == "websocket":
            SOCKETS.inc()
            request_id_of(scope)
            return (self.sockets(scope) or self.app)(scope, receive, send)
        return self.app(scope, receive, send)

    async def _hear(self, endpoint: Answers, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, began, status = request_id_of(scope), time.perf_counter(), 500
        try:
            status = await endpoint.answer(scope, receive, send, (REQUEST_ID_HEADER, request_id.encode()))
        finally:
            self._tell(scope, status, time.perf_counter() - began)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, began, status = request_id_of(scope), time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            self._tell(scope, status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self.paths else "other"
        seconds = scope.get(STREAMED_AFTER, seconds)
        answered, duration = _figures(path, scope["method"], status)
        answered.inc()
        duration.observe(seconds)
        if path not in QUIET_PATHS:
            request_lines.write(method=scope["method"], path=path, status=status, ms=round(seconds * 1000, 1))


@lru_cache(REQUESTS_NAMED_MAX)
def _figures(path: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """The figures of requests like this one; to find them by their labels takes longer than to change them."""
    return REQUESTS.labels(path, method, str(status)), SECONDS.labels(path)


def request_id_of(scope: Scope) -> str:
    """The id that a request came with, where it is a plain one, or a new one; log lines from here on carry it."""
    request_id = f"{PROCESS}{next(_numbers):09x}"
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER and REQUEST_ID.fullmatch(value):
            request_id = value.decode()
            break
    _request_id.set(request_id)
    return request_id


async def metrics(request: Request) -> Response:
    """The figures for Prometheus, of all processes of this server together; those of this one as they are now."""
    request.state.figures.take()
    registry = REGISTRY
    if os.environ.get(SHARED_METRICS):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})
