"""`lading bench reads`: this server, the limit, a stock Strawberry and PostGraphile read the same rows in one run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg
from rich.console import Console

from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.settings import Settings, complete, read_settings
from bench import postgraphile, seeding, servers
from bench.measuring import Bounds, Sample, measure, median_of
from bench.operations import READS, VARIANTS, Bodies, Read
from bench.reporting import Report, kept_in, print_report
from bench.servers import Server

REQUESTS_MAX = 1_000_000
"""No round asks more often than this, however fast the answers come."""
NATURAL_KEYS = ("number", "sku", "code")
"""What tells rows apart in every server's answers."""


@dataclass(frozen=True)
class Wanted:
    """What the run is to be like."""

    orders: int
    rounds: int
    connections: int
    seconds: float

    @property
    def bounds(self) -> Bounds:
        """How hard and how long one round asks."""
        return Bounds(self.connections, self.seconds, REQUESTS_MAX)


def run(wanted: Wanted, *, keep: bool) -> None:
    """Measure, print and write down."""
    console = Console()
    settings = read_settings(home=read_settings().home / "bench")
    with complete(settings) as whole:
        report = asyncio.run(_measured(whole, wanted, console.print))
    print_report(report, console)
    for path in kept_in(ROOT / "bench" / "results" if keep else whole.home / "results", report):
        console.print(f"Written: {path}")


async def _measured(settings: Settings, wanted: Wanted, tell: Callable[[str], None]) -> Report:
    database_url = await _filled(settings.written_to, wanted.orders, tell)
    key = await seeding.issue_key(database_url)
    watching = await asyncpg.connect(database_url)
    try:
        numbers = await _numbers(watching)
        with ExitStack() as stack:
            started, absent = _started(stack, settings, database_url, key, numbers)
            _agree(started)
            samples = await _rounds(started, wanted, watching, tell)
        version = await watching.fetchval("show server_version")
    finally:
        await watching.close()
    middle = {read: {name: median_of(found) for name, found in told.items()} for read, told in samples.items()}
    titles = {server.name: server.title for server in started}
    return Report(wanted.orders, wanted.rounds, wanted.bounds, version, titles, middle, absent)


async def _filled(server_url: str, orders: int, tell: Callable[[str], None]) -> str:
    """The database with so many orders, filled if it is not."""
    name = f"{seeding.PREFIX}_{orders}"
    database_url = seeding.named(server_url, name)
    if not await seeding.is_filled(server_url, name):
        tell(f"Filling {name}: the trade of {orders:,} orders.")
        await asyncio.to_thread(seeding.make_tables, database_url)
        await seeding.fill(database_url, orders)
    return database_url


async def _numbers(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """The natural keys that reads of one object ask for."""
    told = {read.name: read.source for read in READS if isinstance(read.source, str)}
    return {name: [row[0] for row in await connection.fetch(sql, VARIANTS)] for name, sql in told.items()}


def _started(
    stack: ExitStack, settings: Settings, database_url: str, key: str, numbers: dict[str, list[str]]
) -> tuple[list[Server], str | None]:
    """Every server that can be had, ready to be asked, and why PostGraphile cannot."""
    absent = None
    ours = stack.enter_context(servers.running(servers.start_ours(settings, database_url, key)))
    bodies = servers.bodies_of(ours, READS, numbers)
    ours.bodies = _written(bodies)
    job = {"database_url": database_url, "bodies": bodies}
    limit = stack.enter_context(
        servers.running(servers.start_module("limit", "The limit: ASGI + asyncpg", settings, job))
    )
    limit.bodies = {name: [f"{name}:{number}" for number in range(len(asked))] for name, asked in bodies.items()}
    stock = stack.enter_context(
        servers.running(
            servers.start_module("stock_strawberry", "Stock Strawberry", settings, {"database_url": database_url})
        )
    )
    stock.bodies = _written(servers.bodies_of(stock, READS, numbers))
    started = [ours, limit, stock]
    try:
        node, script = postgraphile.ready(settings.home)
        peer = stack.enter_context(servers.running(servers.start_node(node, script, settings, database_url)))
        peer.bodies = _written(servers.bodies_of(peer, READS, numbers))
        started.append(peer)
    except postgraphile.Absent as why:
        absent = str(why)
    return started, absent


def _written(bodies: Bodies) -> dict[str, list[str]]:
    return {name: [json.dumps(body) for body in asked] for name, asked in bodies.items()}


def _agree(started: list[Server]) -> None:
    """All servers answer the same rows, and the limit the very bytes that we do; Failure where they do not."""
    for read in READS:
        for number in range(0, len(started[0].bodies[read.name]), 7):
            _agree_on(read, number, started)


def _agree_on(read: Read, number: int, started: list[Server]) -> None:
    """All servers answer one request alike."""
    answers = [server.answer(server.bodies[read.name][number]) for server in started]
    ours, limit, *others = answers
    if ours != limit:
        raise Failure(f"{read.title}: the limit does not answer the bytes that we do.")
    rows = sorted(_keys(json.loads(ours)))
    for peer, answer in zip(started[2:], others, strict=True):
        if sorted(_keys(json.loads(answer))) != rows:
            raise Failure(f"{read.title}: {peer.title} answers other rows than we do.")


def _keys(value: Any) -> Iterator[str]:
    """The natural keys in an answer."""
    if isinstance(value, dict):
        yield from (value[name] for name in NATURAL_KEYS if name in value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(inner)


async def _rounds(
    started: list[Server], wanted: Wanted, watching: asyncpg.Connection, tell: Callable[[str], None]
) -> dict[str, dict[str, list[Sample]]]:
    """Rounds of every read on every server in turn, after one round each that does not count."""
    samples: dict[str, dict[str, list[Sample]]] = {}
    for read in READS:
        tell(f"{read.title} …")
        found: dict[str, list[Sample]] = {server.name: [] for server in started}
        for number in range(wanted.rounds + 1):
            for server in started:
                sample = await measure(server, read.name, wanted.bounds, watching)
                found[server.name] += [sample] if number else []
        samples[read.name] = found
    return samples
