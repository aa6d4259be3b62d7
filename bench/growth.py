"""How the cost of reads grows: with the rows of a page, and with the rows of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bench.agreeing import agree, agree_on
from bench.asked import Read
from bench.drawing import Panel, charts
from bench.ground import Bench, Ground, ground, rounds_of, start_pair, start_peers
from bench.measuring import Sample
from bench.operations import PRODUCTS, READS, WIDE, order_pages, paged, product_pages
from bench.reporting import OURS, PAIRED, Outcome, Rows, cells, how_often, machine, plain, short_title

PAGES = (20, 100, 1_000)
TABLES = (1_000, 10_000, 100_000, 1_000_000)
ROWS_OF_ORDERS = "select (select count(*) from products) as products, (select count(*) from orders) as orders"
SIZED = {PRODUCTS: "Products, flat", WIDE: "Orders, nested"}
METRICS: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("requests/s", lambda sample: sample.per_second),
    ("p50 ms", lambda sample: sample.p50),
    ("CPU ms a request", lambda sample: sample.cpu),
)
COLUMNS = ("requests/s", "p50 ms", "p99 ms", "CPU ms, server", "CPU ms, PostgreSQL", "answer")
Sizes = dict[int, dict[str, Sample]]
"""Figures of one read by size and server."""


async def pages(bench: Bench) -> Outcome:
    """Measure pages of more and more rows, on every server."""
    found: dict[str, Sizes] = {title: {} for title in SIZED.values()}
    async with ground(bench, bench.wanted.orders) as on:
        reads = await _reads_of_pages(on)
        every = [read for sized in reads.values() for read in sized.values()]
        with ExitStack() as stack:
            started = await start_pair(stack, on, every)
            others, absent = await start_peers(stack, on, every)
            started += others
            for title, sized in reads.items():
                for rows, read in sized.items():
                    bench.tell(f"{title}, {rows:,} rows …")
                    agree_on(read, 0, started)
                    found[title][rows] = await rounds_of(read, started, on)
        place = machine(await on.postgres())
    titles = {server.name: server.title for server in started}
    told = f"{bench.wanted.orders:,} orders; {place}; {_often(bench)}. {PAIRED}"
    return _outcome(("pages", "How cost grows with the rows of a page", "rows"), told, found, titles, absent)


async def _reads_of_pages(on: Ground) -> dict[str, dict[int, Read]]:
    """Each read at each size of its page, as far as there are so many rows."""
    there = await on.watching.fetchrow(ROWS_OF_ORDERS)
    walks = {PRODUCTS: product_pages, WIDE: order_pages}
    return {
        title: {rows: paged(read, walks[read], rows, there[read.name]) for rows in PAGES if rows <= there[read.name]}
        for read, title in SIZED.items()
    }


async def tables(bench: Bench) -> Outcome:
    """Measure the same reads over more and more orders, on our server and the limit."""
    found: dict[str, Sizes] = {read.title: {} for read in READS}
    sizes = [size for size in TABLES if size <= bench.wanted.largest]
    titles, postgres = {}, ""
    for size in sizes:
        async with ground(bench, size) as on:
            bench.tell(f"{size:,} orders …")
            with ExitStack() as stack:
                started = await start_pair(stack, on, READS)
                agree(started, READS)
                for read in READS:
                    found[read.title][size] = await rounds_of(read, started, on)
            titles, postgres = {server.name: server.title for server in started}, await on.postgres()
    told = f"{sizes[0]:,} to {sizes[-1]:,} orders; {machine(postgres)}; {_often(bench)}. {PAIRED}"
    return _outcome(("tables", "How cost grows with the rows of the tables", "orders"), told, found, titles, None)


def _often(bench: Bench) -> str:
    return how_often(bench.wanted.rounds, bench.wanted.bounds)


def _outcome(
    named: tuple[str, str, str], told: str, found: dict[str, Sizes], titles: dict[str, str], absent: str | None
) -> Outcome:
    """What was found; `named` is the name of the part, its title, and what grows."""
    name, title, what = named
    return Outcome(
        name=name,
        title=title,
        told=told,
        tables=[Rows(read, (what, "server", *COLUMNS), list(_lines(sizes, titles))) for read, sizes in found.items()],
        summary=[*summary(what, found, titles).markdown()],
        figures={read: plain(sizes) for read, sizes in found.items()},
        picture=charts({read: panels(sizes, what) for read, sizes in found.items()}, titles),
        pictured=title,
        notes=[absent] if absent else [],
    )


def _lines(sizes: Sizes, titles: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for size, samples in sizes.items():
        for name, sample in samples.items():
            yield (f"{size:,}", titles[name], *cells(sample))


def panels(sizes: Sizes, what: str) -> list[Panel]:
    """A chart for each figure of one read, with a line for each server."""
    names = {name: None for samples in sizes.values() for name in samples}
    return [
        Panel(
            f"{title}, by {what}",
            {name: [(size, of(told[name])) for size, told in sizes.items() if name in told] for name in names},
        )
        for title, of in METRICS
    ]


def summary(what: str, found: dict[str, Sizes], titles: dict[str, str]) -> Rows:
    """One line a read and size: our p50 and processor time, and how often our requests a second are each other's."""
    others = [name for name in titles if name != OURS]
    columns = [f"read, by {what}", "requests/s", "p50 ms", "p99 ms", "CPU ms"]
    columns += [f"ours ÷ {short_title(titles[name])}" for name in others]
    lines = [
        _summed(f"{read}, {size:,}", samples, others)
        for read, sizes in found.items()
        for size, samples in sizes.items()
    ]
    return Rows("", columns, lines)


def _summed(title: str, samples: dict[str, Sample], others: list[str]) -> list[str]:
    ours = samples[OURS]
    rate, p50, p99 = cells(ours)[:3]
    ratios = [f"{ours.per_second / samples[name].per_second:.2f}" if name in samples else "" for name in others]
    return [title, rate, p50, p99, f"{ours.cpu:.2f}", *ratios]
