"""How long the event loop stands still while pages of a thousand rows are asked; as a module, the watched server.

The server is the very one that `lading serve` runs. Beside it a task sleeps for a millisecond again and again, and
notes how much later it was woken, and for how much of that the loop's own thread was at work: the rest is others'.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.main import build_app
from app.server.failure import Failure
from app.server.migrating import require_head
from app.server.serving import serve
from app.server.settings import complete, read_settings
from app.server.telemetry import start_logging
from bench import servers
from bench.asked import Read
from bench.ground import Bench, Ground, ground
from bench.load import Figures, Job
from bench.measuring import ask
from bench.operations import PRODUCTS, WIDE, order_pages, paged, product_pages
from bench.reporting import Outcome, Rows, machine, rounded
from bench.servers import Server

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.server.settings import Settings

INTERVAL_SECONDS = 0.001
PATH = "/bench/ticks"
ROWS = 1_000
BAR_MS = 5
ANSWERED = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
COLUMNS = (
    "meanwhile",
    "clients",
    "pages/s",
    "page",
    "late p50 ms",
    "late p99 ms",
    "late most ms",
    "own p99 ms",
    "own most ms",
    "collection most ms",
)
TOLD = (
    "A task in the server sleeps for 1 ms again and again: *late* is by how much longer it slept, and *own* for how "
    "much of that the loop's thread was itself at work; for the rest other processes had the processor. *Collection* "
    "is the longest run of Python's garbage collector."
)
Asked = tuple[str, Read | None, int]
"""What is asked meanwhile: its title, the read, and by how many clients."""


class Ticks:
    """A task that wants to be woken every millisecond, and notes how late that was; and the collector's longest run."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.own: list[float] = []
        self.collecting = 0.0
        self.collection_most = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        gc.callbacks.append(self.on_collection)
        try:
            while True:
                began, worked = time.perf_counter(), time.thread_time()
                await asyncio.sleep(INTERVAL_SECONDS)
                late = max(0.0, time.perf_counter() - began - INTERVAL_SECONDS)
                self.late.append(late)
                self.own.append(min(late, time.thread_time() - worked))
        finally:
            gc.callbacks.remove(self.on_collection)

    def on_collection(self, phase: str, _: dict[str, int]) -> None:
        """Note how long the garbage collector runs."""
        if phase == "start":
            self.collecting = time.thread_time()
        else:
            self.collection_most = max(self.collection_most, time.thread_time() - self.collecting)

    def take(self) -> dict[str, Any]:
        """What was noted since the last time, in milliseconds."""
        late, own, most = self.late, self.own, self.collection_most
        self.late, self.own, self.collection_most = [], [], 0.0
        return {"ticks": len(late), "late": spread(late), "own": spread(own), "collection": most * 1_000}


def spread(times: list[float]) -> dict[str, float]:
    """The middle, the 99th hundredth and the most, in milliseconds."""
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return {"p50": cuts[49] * 1_000, "p99": cuts[98] * 1_000, "most": max(times, default=0.0) * 1_000}


class Watched:
    """An application beside which a task ticks from its start to its end, and tells at a path of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.ticks = Ticks()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] == "lifespan":
            ticking = asyncio.create_task(self.ticks.run())
            await self.app(scope, receive, send)
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
        elif scope["type"] == "http" and scope["path"] == PATH:
            await send(ANSWERED)
            await send({"type": "http.response.body", "body": json.dumps(self.ticks.take()).encode()})
        else:
            await self.app(scope, receive, send)


def watched(settings: Settings) -> ASGIApp:
    """The application of `settings`, watched."""
    return Watched(build_app(settings))


async def measured(bench: Bench) -> Outcome:
    """Watch the loop while nobody asks, while one asks and while many ask."""
    async with ground(bench, bench.wanted.orders) as on:
        asked = await _asked(on)
        with servers.running(
            servers.start_ours(on.settings, on.database_url, on.key, module="bench.standstill")
        ) as ours:
            reads = [read for _, read, clients in asked if read and clients == 1]
            ours.bodies = {
                name: [json.dumps(body) for body in bodies]
                for name, bodies in servers.bodies_of(ours, reads, {}).items()
            }
            found = [(what, await _beside(bench, ours, what)) for what in asked]
        told = f"{on.orders:,} orders; {machine(await on.postgres())}. {TOLD}"
    return outcome(found, told)


async def _asked(on: Ground) -> list[Asked]:
    """What is asked, as far as there are so many rows."""
    there = await on.watching.fetchrow(
        "select (select count(*) from products) as products, (select count(*) from orders) as orders"
    )
    asked: list[Asked] = [("nothing", None, 0)]
    for read, walk, title in ((PRODUCTS, product_pages, "products"), (WIDE, order_pages, "orders, nested")):
        rows = min(ROWS, there[read.name])
        sized = paged(read, walk, rows, there[read.name])
        asked += [(f"{rows:,} {title}", sized, clients) for clients in (1, on.bench.wanted.connections)]
    return asked


async def _beside(bench: Bench, ours: Server, asked: Asked) -> tuple[dict[str, Any], Figures | None]:
    """How late ticks were while this was asked, and how much of it was answered."""
    title, read, clients = asked
    bench.tell(f"The loop beside {title}, {clients} clients …")
    seconds = bench.wanted.seconds * bench.wanted.rounds
    figures = None
    if read is None:
        ticks_of(ours)
        await asyncio.sleep(seconds)
        return ticks_of(ours), None
    for lasts in (bench.wanted.seconds, seconds):
        ticks_of(ours)
        job = Job(ours.port, "/graphql", ours.headers, ours.bodies[read.name], clients, lasts, 1_000_000)
        figures = await asyncio.to_thread(ask, job)
        if figures.failures:
            raise Failure(f"{title}: {figures.failures} of {figures.requests} pages were refused, so none is told.")
    return ticks_of(ours), figures


def ticks_of(server: Server) -> dict[str, Any]:
    """What the watched server noted since it was last asked."""
    connection = http.client.HTTPConnection(servers.HOST, server.port, timeout=30)
    try:
        connection.request("GET", PATH)
        told: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return told


Found = list[tuple[Asked, tuple[dict[str, Any], Figures | None]]]


def outcome(found: Found, told: str) -> Outcome:
    """What was found."""
    table = Rows("How late the loop was", COLUMNS, list(_lines(found)))
    return Outcome(
        name="loop",
        title="The event loop beside pages of a thousand rows",
        told=told,
        tables=[table],
        summary=list(table.markdown()),
        figures=[
            {"asked": title, "clients": clients, "failures": figures.failures if figures else 0, **ticks}
            for (title, _, clients), (ticks, figures) in found
        ],
        notes=[verdict(found)],
    )


def verdict(found: Found) -> str:
    """Whether the bar is kept."""
    own = max(ticks["own"]["most"] for (_, read, clients), (ticks, _) in found if read and clients == 1)
    kept = "kept" if own <= BAR_MS else "missed"
    return (
        f"The bar is {BAR_MS} ms of the loop's own work for one page at a time: {kept}, with {own:.1f} ms at the most."
    )


def _lines(found: Found) -> Iterator[list[str]]:
    for (title, _, clients), (ticks, figures) in found:
        late, own = ticks["late"], ticks["own"]
        rate, size = (
            (rounded(figures.requests / figures.seconds), f"{figures.answer_bytes / 1000:,.0f} kB")
            if figures
            else ("", "")
        )
        times = (late["p50"], late["p99"], late["most"], own["p99"], own["most"], ticks["collection"])
        yield [title, str(clients), rate, size, *(f"{value:.2f}" for value in times)]


def main() -> None:
    """Serve as `lading serve` does, watched, until stopped."""
    settings = read_settings()
    start_logging(settings.log_level, settings.log_lines)
    with complete(settings) as whole:
        require_head(whole.written_to)
        serve(whole, watched, announce=lambda _: None)


if __name__ == "__main__":
    main()
