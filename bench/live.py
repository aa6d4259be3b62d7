"""`lading bench live`: what it takes to tell followers of changes, beside a stock Strawberry and `graphql-ws` on Node.

Each figure has a server of its own. First followers are woken by changes that do not count; then changes come at a
steady rate, and what the server's process spends until the last was told is divided by the deliveries.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.settings import complete, read_settings
from app.server.supervising import environment_here
from bench import changes, node, servers
from bench.changes import Change, Maker, Topic
from bench.drawing import Bar, bars
from bench.followers import CONNECT_SECONDS_MAX, FOLLOW_SECONDS_MAX, LAST_SECONDS_MAX, Job, Told
from bench.ground import Bench, Ground, Wanted, ground
from bench.keeping import RESULTS, write_readme
from bench.measuring import processor_seconds
from bench.reporting import OURS, Outcome, Rows, kept_in, machine, print_outcome, rounded
from bench.servers import Server

ORDERS = 25_000
"""The trade of so many orders has the stock levels that 5,000 followers follow one by one."""
ONE, OWN = "one cohort", "a cohort each"
DOCUMENT = "subscription {{ stockLevelChanged{} {{ cursor availableAfter stockLevel {{ available }} }} }}"
DOCUMENTS = {
    ONE: DOCUMENT.format(""),
    OWN: DOCUMENT.format("(productId: $product, locationId: $location)").replace(
        "subscription", "subscription ($product: ID, $location: ID)"
    ),
}
EVENTS_PER_SECOND = 100
EVENTS_MIN = 5
DELIVERIES_PER_SECOND = {"lading": 10_000, "stock_strawberry": 2_000, "graphql_ws": 10_000}
"""What each is asked for at the most: more than half a processor would be lateness, not cost."""
TITLES = {"lading": "Lading", "stock_strawberry": "Stock Strawberry", "graphql_ws": node.GRAPHQL_WS.title}
WARMING = 20
"""So many followers come and go before memory is looked at."""
WAKE_SECONDS = 2
WAKE_AT_ONCE = 500
COLUMNS = (
    "server",
    "followers",
    "in",
    "events/s",
    "deliveries/s",
    "CPU µs a delivery",
    "p50 ms",
    "p99 ms",
    "kB a follower",
    "its CPU ÷ ours",
)
CPU_MAX, MEMORY_MAX, P99_MAX, P99_FOLLOWERS = 20.0, 32.0, 50.0, 1_000
TIMES_CHEAPER = {"stock_strawberry": 12.0, "graphql_ws": 2.0}


@dataclass(frozen=True)
class Asked:
    """What one figure is of: which server, how many followers, and in how many cohorts."""

    server: str
    followers: int
    cohorts: str

    def rate(self) -> float:
        """Events a second."""
        each = self.followers if self.cohorts == ONE else 1
        return min(EVENTS_PER_SECOND, DELIVERIES_PER_SECOND[self.server] / each)


@dataclass(frozen=True)
class Found:
    """One figure. CPU is microseconds a delivery, of the server and of its relay; memory is kB a follower."""

    asked: Asked
    told: Told
    rate: float
    cpu: float
    relay_cpu: float
    memory: float

    @property
    def per_second(self) -> float:
        """Deliveries a second."""
        return self.told.deliveries / self.told.seconds


@dataclass(frozen=True)
class Running:
    """A server that is measured, what makes changes for it, and the process of its relay."""

    server: Server
    maker: Maker
    greeting: dict[str, Any]
    relay: int | None = None


def run(followers: Sequence[int], seconds: float, only: Sequence[str], *, keep: bool) -> None:
    """Measure, print and write down."""
    unknown = [name for name in only if name not in TITLES]
    if unknown:
        raise Failure(f"There is no server {', '.join(unknown)}; there are {', '.join(TITLES)}.")
    need_files(max(followers) + 1_000)
    wanted = Wanted(ORDERS, 1, max(followers), seconds, ORDERS)
    with complete(read_settings(home=read_settings().home / "bench")) as whole:
        bench = Bench(whole, wanted)
        outcome = asyncio.run(measured(bench, followers, only or list(TITLES)))
        print_outcome(outcome, bench.console)
        for path in kept_in(RESULTS if keep else whole.home / "results", outcome):
            bench.tell(f"Written: {path}")
    if keep:
        write_readme()
        bench.tell(f"Written: {ROOT / 'README.md'}")


def need_files(count: int) -> None:
    """Let this process and those that it starts open so many files; Failure where they may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY, -1) and hard < count:
        raise Failure(f"{count:,} files must be open at once, and the limit is {hard:,}: raise it by `ulimit -Hn`.")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


async def measured(bench: Bench, followers: Sequence[int], only: Sequence[str]) -> Outcome:
    """Measure each server with each number of followers, in one cohort and in one each."""
    plan = [Asked(name, count, cohorts) for cohorts in (ONE, OWN) for count in followers for name in only]
    found, absent = [], None
    async with ground(bench, ORDERS) as on:
        topics = await changes.topics_of(on.watching, max(followers))
        with servers.relaying(on.settings, on.database_url) as relay:
            for asked in plan:
                try:
                    found.append(await figure(on, asked, topics[: asked.followers], relay.pid))
                except node.Absent as why:
                    absent = f"{TITLES[asked.server]} was not measured: {why}"
        place = machine(await on.postgres())
    return outcome(found, f"{place}; {bench.wanted.seconds:g} s a figure. {SAID}", absent)


async def figure(on: Ground, asked: Asked, topics: list[Topic], relay: int) -> Found:
    """One figure, of a server that is started for it."""
    on.bench.tell(f"{TITLES[asked.server]}: {asked.followers:,} followers in {asked.cohorts} …")
    variables = [{}] * asked.followers if asked.cohorts == ONE else [topic.variables for topic in topics]
    async with running(on, asked, relay) as one:
        job = Job(one.server.port, "/graphql", one.greeting, DOCUMENTS[asked.cohorts], variables)
        async with following(one, Job(**{**asdict(job), "variables": variables[:WARMING]}), topics[:WARMING]):
            pass
        before = resident_kb(one.server.process.pid)
        async with following(one, job, topics) as followers:
            memory = (resident_kb(one.server.process.pid) - before) / asked.followers
            rate = asked.rate()
            count = max(EVENTS_MIN, round(rate * on.bench.wanted.seconds))
            spent = spent_by(one)
            committed = await made(one.maker, topics, count, rate)
            each = asked.followers if asked.cohorts == ONE else 1
            told = await told_to(followers, committed, count * each)
            server, relayed = (after - earlier for after, earlier in zip(spent_by(one), spent, strict=True))
    if told.failures or not told.deliveries:
        raise Failure(f"{TITLES[asked.server]}: {told.failures} followers were refused or let go: {told.first_failure}")
    scale = 1_000_000 / told.deliveries
    return Found(asked, told, rate, server * scale, relayed * scale, memory)


@asynccontextmanager
async def running(on: Ground, asked: Asked, relay: int) -> AsyncIterator[Running]:
    """The server that is asked about, with what makes changes for it; Absent where it cannot be had."""
    redis_url = on.settings.woken_by
    async with AsyncExitStack() as stack:
        if asked.server == OURS:
            bounds = ("SOCKETS_PER_CALLER", "FOLLOWS_PER_CALLER", "HANDSHAKES_PER_ADDRESS")
            sockets = {f"LADING_LIMIT_{bound}_MAX": str(asked.followers) for bound in bounds}
            server = servers.start_ours(on.settings, on.database_url, on.key, **sockets)
            maker: Maker = await stack.enter_async_context(changes.outbox(on.database_url, redis_url))
            greeting = {"authorization": f"Bearer {on.key}"}
            yield Running(stack.enter_context(servers.running(server)), maker, greeting, relay)
            return
        if asked.server == "stock_strawberry":
            job = {"redis_url": redis_url}
            server = servers.start_module("stock_subscriptions", TITLES[asked.server], on.settings, job)
        else:
            server = servers.start_node(asked.server, node.GRAPHQL_WS, on.settings, redis_url)
        maker = await stack.enter_async_context(changes.published(redis_url, shared=asked.cohorts == ONE))
        yield Running(stack.enter_context(servers.running(server)), maker, {})


@asynccontextmanager
async def following(one: Running, job: Job, topics: Sequence[Topic]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process of the followers, once each follows; ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "bench.followers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment_here(),
    )
    try:
        await say(process, asdict(job))
        async with asyncio.timeout(CONNECT_SECONDS_MAX + FOLLOW_SECONDS_MAX):
            await heard(process)
            follows = asyncio.create_task(heard(process))
            while not follows.done():
                await wake(one.maker, topics if job.variables[0] else topics[:1])
                await asyncio.wait([follows], timeout=WAKE_SECONDS)
            follows.result()
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def wake(maker: Maker, topics: Sequence[Topic]) -> None:
    """A change of each level that does not count."""
    for first in range(0, len(topics), WAKE_AT_ONCE):
        await maker.make([Change(topic, -1) for topic in topics[first : first + WAKE_AT_ONCE]])


async def made(maker: Maker, topics: Sequence[Topic], count: int, rate: float) -> list[float]:
    """Make changes at a steady rate, however long each takes; answers when each was committed."""
    loop, making = asyncio.get_running_loop(), []
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(began + number / rate - loop.time())
        change = Change(topics[number % len(topics)], number)
        making.append(asyncio.create_task(maker.make([change])))
    return await asyncio.gather(*making)


async def told_to(followers: asyncio.subprocess.Process, committed: list[float], expected: int) -> Told:
    """What the followers were told of measured changes, once all were, or once no more come."""
    await say(followers, {"committed": committed, "expected": expected})
    async with asyncio.timeout(LAST_SECONDS_MAX + CONNECT_SECONDS_MAX):
        return Told(**json.loads(await heard(followers)))


async def say(process: asyncio.subprocess.Process, what: dict[str, Any]) -> None:
    """Tell a process a line of JSON."""
    assert process.stdin is not None  # noqa: S101
    process.stdin.write(json.dumps(what).encode() + b"\n")
    await process.stdin.drain()


async def heard(process: asyncio.subprocess.Process) -> str:
    """The next line that a process says; Failure where it has ended."""
    assert process.stdout is not None  # noqa: S101
    line = await process.stdout.readline()
    if not line:
        raise Failure("The process of the followers ended; what it said is above.")
    return line.decode()


def spent_by(one: Running) -> tuple[float, float]:
    """The processor time that the server and its relay have spent so far, in seconds."""
    return processor_seconds([one.server.process.pid]), processor_seconds([one.relay] if one.relay else [])


def resident_kb(pid: int) -> float:
    """The memory that a process has, in kB of 1,000 bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_000


SAID = (
    f"One process a server, made for each figure. Events come one by one, {EVENTS_PER_SECOND} a second, or fewer where "
    "each goes to so many that deliveries would be more than "
    f"{DELIVERIES_PER_SECOND[OURS]:,} a second ({DELIVERIES_PER_SECOND['stock_strawberry']:,} for a stock Strawberry, "
    "which cannot tell more). Ours are rows of the outbox, written as commands write them, and every delivery has the "
    "stock level as the database has it then; the others are handed all they tell over Redis, read nothing and check "
    "no caller. All our followers use one API key, and the limit of its sockets is raised by its setting. CPU is "
    "that of the server's process; p50 and p99 are from before the commit until a follower has the event, in a process "
    "of its own on the same machine; memory is what the server grew by from before the first socket until all follow."
)


def outcome(found: Sequence[Found], told: str, absent: str | None) -> Outcome:
    """What the run found."""
    table = Rows("Telling followers of changes", COLUMNS, list(lines(found)))
    return Outcome(
        name="live",
        title="Following",
        told=told,
        tables=[table],
        summary=[told, "", *table.markdown(), "", *(f"- {said}" for said in verdicts(found))],
        figures=[{**asdict(one), "per_second": one.per_second} for one in found],
        picture=picture(found),
        pictured="Processor time of the server for one delivery",
        notes=[*verdicts(found), *([absent] if absent else [])],
    )


def ours_beside(found: Sequence[Found], other: Found) -> Found | None:
    """Our figure for what another was asked."""
    wanted = Asked(OURS, other.asked.followers, other.asked.cohorts)
    return next((one for one in found if one.asked == wanted), None)


def lines(found: Sequence[Found]) -> Iterator[list[str]]:
    """A line of the table for each figure."""
    for one in found:
        told, ours = one.told, ours_beside(found, one)
        missing = f" ({told.expected - told.deliveries:,} missing)" if told.deliveries < told.expected else ""
        yield [
            TITLES[one.asked.server],
            f"{one.asked.followers:,}",
            one.asked.cohorts,
            f"{one.rate:g}",
            f"{rounded(one.per_second)}{missing}",
            f"{one.cpu:,.1f}",
            f"{told.p50_ms:,.1f}",
            f"{told.p99_ms:,.1f}",
            f"{one.memory:,.1f}",
            f"{one.cpu / ours.cpu:.1f}" if ours is not None and ours is not one else "",
        ]


def verdicts(found: Sequence[Found]) -> Iterator[str]:
    """Whether each bar is kept."""
    shared = [one for one in found if one.asked.cohorts == ONE]
    if costs := [one.cpu for one in shared if one.asked.server == OURS]:
        most = max(costs)
        yield f"At most {CPU_MAX:g} µs of CPU a delivery in one cohort: {_kept(most <= CPU_MAX)}, with {most:.1f}."
    for name, times in TIMES_CHEAPER.items():
        ratios = [
            one.cpu / mine.cpu for one in shared if one.asked.server == name and (mine := ours_beside(found, one))
        ]
        if ratios:
            kept = _kept(min(ratios) >= times)
            yield f"{TITLES[name]} takes {times:g} times that at least: {kept}, with {min(ratios):.1f} at least."
    own = [one for one in found if one.asked.server == OURS]
    if own:
        many = max(one.asked.followers for one in own)
        most = max(one.memory for one in own if one.asked.followers == many)
        kept = _kept(most <= MEMORY_MAX)
        yield f"At most {MEMORY_MAX:g} kB a follower: {kept}, with {most:.1f} for each of {many:,}."
    for one in own:
        if one.asked.followers == P99_FOLLOWERS and one.rate >= EVENTS_PER_SECOND:
            kept = _kept(one.told.p99_ms < P99_MAX)
            yield (
                f"A p99 under {P99_MAX:g} ms with {P99_FOLLOWERS:,} followers and {one.rate:g} events/s: {kept}, "
                f"with {one.told.p99_ms:.1f} in {one.asked.cohorts}."
            )


def _kept(is_kept: bool) -> str:  # noqa: FBT001
    return "kept" if is_kept else "missed"


def picture(found: Sequence[Found]) -> str:
    """Bars of processor time a delivery, each group to the scale of its dearest server."""
    groups: dict[str, list[Found]] = {}
    for one in found:
        groups.setdefault(f"{one.asked.followers:,} followers in {one.asked.cohorts}", []).append(one)
    return bars({title: list(_bars(group)) for title, group in groups.items()})


def _bars(group: Sequence[Found]) -> Iterator[Bar]:
    most = max(one.cpu for one in group) or 1.0
    for one in group:
        yield Bar(one.asked.server, TITLES[one.asked.server], one.cpu / most, f"{one.cpu:,.0f} µs")
