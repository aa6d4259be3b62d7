"""Serving over HTTP and WebSocket: one process, or several that share a port."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn

from app.server.failure import Failure
from app.server.figures import forget_dead
from app.server.supervising import Program, stop_asked, supervise
from app.server.telemetry import SHARED_METRICS
from app.server.transport import HttpProtocol, SocketProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp

    from app.server.settings import Settings

PORT_SHARED = "LADING_PORT_SHARED"
"""Set for the processes that share a port, so that each listens on it beside the others."""
BACKLOG = 2048
DRAIN_MORE_SECONDS = 2.0
"""So much longer than operations have may draining take until it is given up: each socket that it closes is told."""
COLLECTIONS = (5_000, 6, 1)
"""How many new objects the garbage collector waits for, and how many collections before a larger one. Python's own 700
are there several times whenever a cohort is told something, for each follower that waits has some, and to look through
them took a tenth of what deliveries cost. Full collections come as often as by Python's own figures."""

log = structlog.get_logger(__name__)


class DrainingServer(uvicorn.Server):
    """A server that lets sockets send what waits for them before it closes them; the application says how: `drain`."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen, drain, and close what is open."""
        for server in self.servers:
            server.close()
        drain = self.lifespan.state.get("drain")
        if drain is not None:
            await self._drained(drain, self.config.timeout_graceful_shutdown or 0)
        await super().shutdown(sockets)

    async def _drained(self, drain: Callable[[float], Awaitable[None]], seconds: float) -> None:
        """Drain, for so long and a little longer: a process that was asked to stop does."""
        try:
            async with asyncio.timeout(seconds + DRAIN_MORE_SECONDS):
                await drain(seconds)
        except TimeoutError:
            log.warning("draining_given_up", seconds=seconds + DRAIN_MORE_SECONDS)


def listening_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens on `host` and `port`; Failure where that is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((host, port))
    except OSError as refused:
        listening.close()
        reason = refused.strerror or refused
        raise Failure(f"{host} port {port} cannot be listened on ({reason}); choose another by --port.") from refused
    listening.set_inheritable(True)
    return listening


def serve(settings: Settings, build: Callable[[Settings], ASGIApp], *, announce: Callable[[str], None]) -> None:
    """Serve what `build` makes of `settings` until asked to stop; requests under way may end first."""
    shared = PORT_SHARED in os.environ
    application = build(settings)
    settle()
    with listening_socket(settings.host, settings.port, shared=shared) as listening:
        config = uvicorn.Config(
            application,
            interface="asgi3",
            loop="uvloop",
            http=HttpProtocol,
            ws=SocketProtocol,
            ws_per_message_deflate=False,
            ws_max_size=settings.limits.frame_bytes_max,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            forwarded_allow_ips=settings.proxies,
            timeout_graceful_shutdown=settings.stop_seconds,
        )
        server = DrainingServer(config)
        if not shared:
            announce(address_of(listening))
        with stop_asked():
            server.run(sockets=[listening])
    if not server.started:
        raise Failure("The server could not start; the log lines above say why.")


def settle() -> None:
    """Put all that was made until now out of the garbage collector's sight.

    The graph and the libraries stay for good, and to look through them took a tenth of a second now and then, in which
    nobody was answered. A full collection is due once a quarter of what the last one left is new: the second one here
    leaves nothing, so that those to come are small from the first on.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(*COLLECTIONS)


def address_of(listening: socket.socket) -> str:
    """The address that a browser takes to get to a listening socket."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}"


def serve_in_processes(settings: Settings, command: list[str], *, announce: Callable[[str], None]) -> None:
    """Serve in `settings.workers` processes that run `command`, each listening on the same port by itself."""
    with listening_socket(settings.host, settings.port) as free:
        port = free.getsockname()[1]
        address = address_of(free)
    with shared_metrics() as folder:
        environment = {PORT_SHARED: "1", SHARED_METRICS: folder}
        environment |= {"LADING_HOST": settings.host, "LADING_PORT": str(port), "LADING_WORKERS": "1"}
        announce(address)
        names = [f"worker {number + 1}" for number in range(settings.workers)]
        programs = [Program(name, command, environment) for name in names]
        stop_seconds = settings.stop_seconds + 5
        supervise(programs, stop_seconds=stop_seconds, each_look=lambda: forget_dead(Path(folder)))


@contextmanager
def shared_metrics() -> Iterator[str]:
    """A folder in which processes share their figures, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lading-metrics-"))
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
