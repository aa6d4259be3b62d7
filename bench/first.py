"""How long an operation takes that was never asked before, by stages; as a module, the process that is measured."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import uvloop

from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import DEFAULTS
from app.server.database import reading_pool
from app.server.lending import Lender
from app.server.migrating import ROOT
from app.server.serving import settle
from app.server.supervising import environment_here
from bench import servers
from bench.ground import Bench, Ground, ground
from bench.limit import OPERATOR
from bench.load import Job
from bench.measuring import ask
from bench.reporting import Outcome, Rows, machine
from resolvers.reading import documents as opening
from resolvers.reading import run as running
from resolvers.reading.plan import Planner
from schema.root import GRAPH

COUNT = 200
"""So many operations are asked for the first time."""
WARMING = 20
"""So many others go before them, so that code and connection are warm."""
COLD = 50
"""So many are asked on a connection that was opened for them."""
BAR_MS = 10
POINTS = (
    ("parse", opening, "parse"),
    ("bound", opening, "over"),
    ("validate", opening, "validate"),
    ("plan", Planner, "query"),
    ("print", running, "print_query"),
)
"""The stages before the statement, and the functions that do them."""
COLLECTION = "collection"
"""What of a request was Python's garbage collector, within whichever stage it ran."""
STAGES = (*(stage for stage, _, _ in POINTS), "statement", COLLECTION, "total", "again")
TITLES = {"small": "A list of 20 products", "nested": "A page of 20 orders, nested"}
Spent = dict[str, list[float]]
"""Milliseconds by stage."""

PRODUCT = ("sku", "name", "category", "status", "weightGrams", "description", "createdAt", "available")
ORDER = ("number", "status", "paymentStatus", "placedAt", "createdAt", "customerName", "pieces", "estimatedDeliveryAt")
CUSTOMER = ("number", "name", "email", "kind", "createdAt")
LINE = ("position", "quantity", "quantityShipped", "quantityReturned", "quantityToShip", "taxIncluded")
SHIPMENT = ("number", "status", "trackingNumber", "estimatedDeliveryAt", "dispatchedAt", "deliveredAt")
STEP = ("status", "occurredAt", "place", "description")


def small(number: int) -> str:
    """A list that is asked as nobody asked it before."""
    return f"query First{number} {{ products(first: 20) {{ nodes {{ {_some(PRODUCT, number)} }} }} }}"


def nested(number: int) -> str:
    """A page of orders with all that belongs to them, as nobody asked it before."""
    inner = f"product {{ {_some(PRODUCT[:5], number)} }}"
    shipment = f"origin {{ code name }} trackingEvents(first: 20) {{ nodes {{ {_some(STEP, number)} }} }}"
    return f"""query First{number} {{
  orders(first: 20, sort: [CREATED_AT_DESC]) {{
    nodes {{
      id {_some(ORDER, number)} total {{ amount currency }}
      customer {{ {_some(CUSTOMER, number)} }}
      lines(first: 20) {{ nodes {{ {_some(LINE, number)} unitPrice {{ amount currency }} {inner} }} }}
      shipments(first: 10) {{ nodes {{ {_some(SHIPMENT, number)} {shipment} }} }}
    }}
  }}
}}"""


def _some(fields: Sequence[str], number: int) -> str:
    """Some of the fields, one of them by a name of its own."""
    drawn = random.Random(number)  # noqa: S311 — nobody is to be surprised.
    chosen = drawn.sample(fields, drawn.randint(2, len(fields)))
    return " ".join([f"{chosen[0]}{number}: {chosen[0]}", *chosen[1:]])


KINDS: dict[str, Callable[[int], str]] = {"small": small, "nested": nested}


@contextmanager
def clocked(spent: dict[str, float]) -> Iterator[None]:
    """Note how long each stage took while this lasts."""

    def timed(stage: str, done: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(done)
        def noted(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return done(*arguments, **named)
            finally:
                spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - began

        return noted

    def collecting(phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        spent[COLLECTION] = spent.get(COLLECTION, 0.0) + (now if phase == "stop" else -now)

    with ExitStack() as stack:
        gc.callbacks.append(collecting)
        stack.callback(gc.callbacks.remove, collecting)
        for stage, owner, name in POINTS:
            stack.enter_context(patch.object(owner, name, timed(stage, getattr(owner, name))))
        yield


class Asking:
    """The way of a query without HTTP: opened, planned, printed and run."""

    def __init__(self, lender: Lender) -> None:
        self.documents = opening.Documents(GRAPH.schema, DEFAULTS)
        self.reading = running.Reading(GRAPH, lender, DEFAULTS, EVENT_CURSOR_SQL)

    async def asked(self, document: str) -> dict[str, float]:
        """The milliseconds that each stage of one request took."""
        spent: dict[str, float] = {}
        with clocked(spent):
            began = time.perf_counter()
            operation = self.documents.operation(document, None, {})
            prepared = self.reading.prepare(operation, OPERATOR.roles)
            before = time.perf_counter()
            await self.reading.run(prepared, operation, OPERATOR)
            ended = time.perf_counter()
        spent |= {"statement": ended - before, "total": ended - began}
        return {stage: seconds * 1_000 for stage, seconds in spent.items()}


async def warm(database_url: str, kind: str) -> Spent:
    """First requests on a connection that others used before."""
    spent: Spent = {stage: [] for stage in STAGES}
    async with reading_pool(database_url, pool=1) as lender:
        asking = Asking(lender)
        for number in range(WARMING + COUNT):
            told = await asking.asked(KINDS[kind](number))
            told["again"] = (await asking.asked(KINDS[kind](number)))["total"]
            for stage in STAGES if number >= WARMING else ():
                spent[stage].append(told.get(stage, 0.0))
    return spent


async def cold(database_url: str, kind: str) -> Spent:
    """First requests on connections that are opened for them."""
    spent: Spent = {"total": []}
    for number in range(COLD):
        async with reading_pool(database_url, pool=1) as lender:
            lender.drop_idle()
            told = await Asking(lender).asked(KINDS[kind](COUNT + WARMING + number))
            spent["total"].append(told["total"])
    return spent


async def inside(database_url: str) -> dict[str, dict[str, Spent]]:
    """All that is measured in the process itself."""
    settle()
    return {kind: {"warm": await warm(database_url, kind), "cold": await cold(database_url, kind)} for kind in KINDS}


async def measured(bench: Bench) -> Outcome:
    """Measure first requests in a process of their own, and at the real server."""
    async with ground(bench, bench.wanted.orders) as on:
        bench.tell(f"{COUNT} operations of each kind, asked for the first time …")
        command = [sys.executable, "-P", "-m", "bench.first"]
        job = json.dumps({"database_url": on.database_url}).encode()
        done = await asyncio.to_thread(
            subprocess.run, command, input=job, stdout=subprocess.PIPE, cwd=ROOT, env=environment_here(), check=True
        )
        found = json.loads(done.stdout)
        over = {kind: over_http(on, kind) for kind in KINDS}
        told = f"{on.orders:,} orders; {machine(await on.postgres())}; {COUNT} different operations of each kind, one "
    told += f"after the other, in a server that is warm; {COLD} of them where the connection is new. Times in ms."
    return outcome(found, over, told)


def over_http(on: Ground, kind: str) -> dict[str, float]:
    """First requests at the real server, from sending to the whole answer."""
    with servers.running(servers.start_ours(on.settings, on.database_url, on.key)) as server:
        asked = [json.dumps({"query": KINDS[kind](number)}) for number in range(WARMING + COUNT)]
        for bodies in (asked[:WARMING], asked[WARMING:]):
            job = Job(server.port, "/graphql", server.headers, bodies, 1, 60, len(bodies))
            told = ask(job)
    return {"median": told.p50_ms, "p99": told.p99_ms, "most": told.most_ms, "failures": told.failures}


def outcome(found: dict[str, dict[str, Spent]], over: dict[str, dict[str, float]], told: str) -> Outcome:
    """What was found."""
    tables = [
        Rows(TITLES[kind], ("stage", "median", "p99", "most"), list(_lines(found[kind], over[kind]))) for kind in found
    ]
    columns = ("first asked", "median ms", "p99 ms", "new connection, median ms", "asked again, median ms")
    return Outcome(
        name="first",
        title="Operations never asked before",
        told=told,
        tables=tables,
        summary=[*Rows("", columns, [_summed(kind, found[kind], over[kind]) for kind in found]).markdown()],
        figures={
            kind: {
                "http": over[kind],
                "warm": {stage: _figures(times) for stage, times in found[kind]["warm"].items()},
                "cold": _figures(found[kind]["cold"]["total"]),
            }
            for kind in found
        },
        notes=[verdict(over)],
    )


def verdict(over: dict[str, dict[str, float]]) -> str:
    """Whether the bar is kept."""
    worst = max(figures["p99"] for figures in over.values())
    kept = "kept" if worst < BAR_MS else "missed"
    return f"The bar is {BAR_MS} ms at the real server, at p99: {kept}, with {worst:.1f} ms."


def _figures(times: list[float]) -> dict[str, float]:
    return {"median": statistics.median(times), "p99": statistics.quantiles(times, n=100)[98], "most": max(times)}


def _lines(found: dict[str, Spent], over: dict[str, float]) -> Iterator[list[str]]:
    told = {f"in the process: {stage}": _figures(times) for stage, times in found["warm"].items()}
    told["in the process: total, connection new"] = _figures(found["cold"]["total"])
    for stage, figures in {**told, "over HTTP, from sending to the whole answer": over}.items():
        yield [stage, *(f"{figures[name]:.2f}" for name in ("median", "p99", "most"))]


def _summed(kind: str, found: dict[str, Spent], over: dict[str, float]) -> list[str]:
    times = [
        over["median"],
        over["p99"],
        *(statistics.median(times) for times in (found["cold"]["total"], found["warm"]["again"])),
    ]
    return [TITLES[kind], *(f"{time:.1f}" for time in times)]


def main() -> None:
    """Measure in this process, by the job on the input."""
    job = json.load(sys.stdin)
    print(json.dumps(uvloop.run(inside(job["database_url"]))))


if __name__ == "__main__":
    main()
