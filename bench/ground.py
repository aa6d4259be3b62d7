"""What every part of the benchmarks stands on: what was wanted, a filled database, and the servers that read it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from app.server.settings import Settings
from bench import node, seeding, servers
from bench.asked import VARIANTS, Bodies, Read
from bench.measuring import Bounds, Sample, measure, median_of
from bench.servers import Server

REQUESTS_MAX = 1_000_000
"""No round asks more often than this, however fast the answers come."""


@dataclass(frozen=True)
class Wanted:
    """What the run is to be like."""

    orders: int
    rounds: int
    connections: int
    seconds: float
    largest: int

    @property
    def bounds(self) -> Bounds:
        """How hard and how long one round asks."""
        return Bounds(self.connections, self.seconds, REQUESTS_MAX)


@dataclass(frozen=True)
class Bench:
    """One run: what was wanted, where, and who is told how far it is."""

    settings: Settings
    wanted: Wanted
    console: Console = field(default_factory=Console)

    def tell(self, said: str) -> None:
        """Say something to whoever waits."""
        self.console.print(said)


@dataclass(frozen=True)
class Ground:
    """A filled database, a key for the real server, and a connection that watches PostgreSQL's processes."""

    bench: Bench
    orders: int
    database_url: str
    key: str
    watching: asyncpg.Connection

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        return self.bench.settings

    async def postgres(self) -> str:
        """PostgreSQL's version."""
        told: str = await self.watching.fetchval("show server_version")
        return told

    async def variables(self, reads: Sequence[Read]) -> dict[str, list[dict[str, Any]]]:
        """The variables of the reads that ask SQL for them."""
        told = {read.name: read.source for read in reads if isinstance(read.source, str)}
        return {name: [dict(row) for row in await self.watching.fetch(sql, VARIANTS)] for name, sql in told.items()}


@asynccontextmanager
async def ground(bench: Bench, orders: int) -> AsyncIterator[Ground]:
    """The database with so many orders, filled where it is not."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=bench.console, transient=True) as progress:
        bar = progress.add_task("", total=orders, visible=False)

        def note(done: int) -> None:
            progress.update(bar, completed=done, visible=True)

        database_url = await seeding.filled(bench.settings.written_to, orders, note, bench.tell)
    key = await seeding.issue_key(database_url)
    watching = await asyncpg.connect(database_url)
    try:
        yield Ground(bench, orders, database_url, key, watching)
    finally:
        await watching.close()


async def start_pair(stack: ExitStack, on: Ground, reads: Sequence[Read]) -> list[Server]:
    """Our server and the limit, ready to be asked."""
    ours = stack.enter_context(servers.running(servers.start_ours(on.settings, on.database_url, on.key)))
    bodies = servers.bodies_of(ours, reads, await on.variables(reads))
    ours.bodies = _written(bodies)
    job = {"database_url": on.database_url, "bodies": bodies}
    started = servers.start_module("limit", "The limit: ASGI + asyncpg", on.settings, job)
    limit = stack.enter_context(servers.running(started))
    limit.bodies = {name: [f"{name}:{number}" for number in range(len(asked))] for name, asked in bodies.items()}
    return [ours, limit]


async def start_peers(stack: ExitStack, on: Ground, reads: Sequence[Read]) -> tuple[list[Server], str | None]:
    """The other servers that can be had, ready to be asked, and why PostGraphile cannot."""
    absent, variables = None, await on.variables(reads)
    job = {"database_url": on.database_url}
    started = [servers.start_module("stock_strawberry", "Stock Strawberry", on.settings, job)]
    try:
        started.append(servers.start_node("postgraphile", node.POSTGRAPHILE, on.settings, on.database_url))
    except node.Absent as why:
        absent = f"PostGraphile was not measured: {why}"
    for server in started:
        stack.enter_context(servers.running(server))
        server.bodies = _written(servers.bodies_of(server, reads, variables))
    return started, absent


def _written(bodies: Bodies) -> dict[str, list[str]]:
    return {name: [json.dumps(body) for body in asked] for name, asked in bodies.items()}


async def rounds_of(read: Read, started: Sequence[Server], on: Ground) -> dict[str, Sample]:
    """The medians of rounds of one read on every server in turn, after one round each that does not count.

    A server that takes longer than a round over one answer has one round, or nobody would wait for the end.
    """
    wanted = on.bench.wanted
    found: dict[str, list[Sample]] = {server.name: [] for server in started}
    slow: set[str] = set()
    for number in range(wanted.rounds + 1):
        for server in started:
            if number > 1 and server.name in slow:
                continue
            sample = await measure(server, read.name, wanted.bounds, on.watching)
            found[server.name] += [sample] if number else []
            slow |= {server.name} if sample.p50 > wanted.seconds * 1_000 else set()
    return {name: median_of(samples) for name, samples in found.items()}
