"""This server, the limit, a stock Strawberry and PostGraphile read the same rows in one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench.agreeing import agree
from bench.drawing import Bar, bars
from bench.ground import Bench, ground, rounds_of, start_pair, start_peers
from bench.measuring import Sample
from bench.operations import BY_NAME, READS
from bench.reporting import COLUMNS, OURS, PAIRED, Outcome, Rows, how_often, lines, machine, plain, rounded, short_title

Figures = dict[str, dict[str, Sample]]
EVERY = frozenset(BY_NAME)
BARS = (("limit", 0.85, EVERY), ("postgraphile", 2, EVERY), ("stock_strawberry", 30, frozenset({"orders"})))
"""How often our requests a second are to be another's at least, and in which reads."""


async def measured(bench: Bench) -> Outcome:
    """Measure every read on every server."""
    figures: Figures = {}
    async with ground(bench, bench.wanted.orders) as on:
        with ExitStack() as stack:
            started = await start_pair(stack, on, READS)
            others, absent = await start_peers(stack, on, READS)
            started += others
            agree(started, READS)
            for read in READS:
                bench.tell(f"{read.title} …")
                figures[read.name] = await rounds_of(read, started, on)
        place = machine(await on.postgres())
    titles = {server.name: server.title for server in started}
    often = how_often(bench.wanted.rounds, bench.wanted.bounds)
    told = f"{bench.wanted.orders:,} orders; {place}; {often}. {PAIRED}"
    return outcome(figures, titles, told, absent)


def outcome(figures: Figures, titles: dict[str, str], told: str, absent: str | None) -> Outcome:
    """What the run found."""
    return Outcome(
        name="reads",
        title="Reads",
        told=told,
        tables=[Rows(BY_NAME[read].title, COLUMNS, list(lines(samples, titles))) for read, samples in figures.items()],
        summary=[f"{told}", "", *summary(figures, titles).markdown()],
        figures=plain(figures),
        picture=picture(figures, titles),
        pictured="Requests a second, as shares of the fastest",
        notes=[*verdicts(figures, titles), *([absent] if absent else [])],
    )


def verdicts(figures: Figures, titles: dict[str, str]) -> Iterator[str]:
    """Whether each bar is kept, and where it is missed by how much."""
    for name, least, reads in BARS:
        ratios = {
            BY_NAME[read].title: samples[OURS].per_second / samples[name].per_second
            for read, samples in figures.items()
            if name in samples and read in reads
        }
        missed = ", ".join(f"{title} ({ratio:.2f})" for title, ratio in ratios.items() if ratio < least)
        told = f"The bar is {least:g} times the requests a second of {short_title(titles.get(name, name))}"
        if ratios:
            yield (
                f"{told}: missed by {missed}." if missed else f"{told}: kept, with {min(ratios.values()):.2f} at least."
            )


def summary(figures: Figures, titles: dict[str, str]) -> Rows:
    """One line a read: everyone's requests a second, and how often ours are theirs."""
    others = [name for name in titles if name != OURS]
    columns = ["requests/s", *titles.values(), *(f"ours ÷ {short_title(titles[name])}" for name in others)]
    return Rows("Reads", columns, [_line(read, samples, others) for read, samples in figures.items()])


def _line(read: str, samples: dict[str, Sample], others: list[str]) -> list[str]:
    ours = samples[OURS].per_second
    rates = [rounded(sample.per_second) for sample in samples.values()]
    return [BY_NAME[read].title, *rates, *(f"{ours / samples[name].per_second:.2f}" for name in others)]


def picture(figures: Figures, titles: dict[str, str]) -> str:
    """Bars of requests a second, each read to the scale of its fastest server."""
    return bars({BY_NAME[read].title: list(_bars(samples, titles)) for read, samples in figures.items()})


def _bars(samples: dict[str, Sample], titles: dict[str, str]) -> Iterator[Bar]:
    fastest = max(sample.per_second for sample in samples.values())
    for name, sample in samples.items():
        yield Bar(name, titles[name], sample.per_second / fastest, f"{rounded(sample.per_second)}/s")
