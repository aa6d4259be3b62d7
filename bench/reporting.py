"""What one part of the benchmarks found: tables for the terminal, and the same as Markdown, JSON and a picture."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measuring import Bounds, Sample

OURS, LIMIT = "lading", "limit"
COLUMNS = (
    "server",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "CPU ms, server",
    "CPU ms, PostgreSQL",
    "answer",
    "our requests/s ÷ its",
    "its CPU ÷ ours",
)
PAIRED = (
    "One process a server; all on one machine, the load generator too, so ratios count and not the figures. CPU is "
    "processor time for one request; where other work disturbs the machine, its ratio is the steadier one."
)


@dataclass(frozen=True)
class Rows:
    """One table: its title, its columns and its lines."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]

    def markdown(self) -> Iterator[str]:
        """The table alone, as Markdown."""
        yield f"| {' | '.join(self.columns)} |"
        yield "|---" * len(self.columns) + "|"
        yield from (f"| {' | '.join(line)} |" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one part found; `summary` is what the README says of it, and `figures` are plain data."""

    name: str
    title: str
    told: str
    tables: Sequence[Rows]
    summary: Sequence[str]
    figures: Any
    picture: str = field(default="", repr=False)
    pictured: str = ""
    notes: Sequence[str] = ()


def machine(postgres: str) -> str:
    """What the figures were measured on."""
    return f"PostgreSQL {postgres}, Python {platform.python_version()}, {os.cpu_count()} processors"


def how_often(rounds: int, bounds: Bounds) -> str:
    """How a figure came about."""
    return (
        f"{bounds.connections} connections that stay open, the median of {rounds} rounds of {bounds.seconds:g} s in "
        "turn, after one that does not count; whoever takes longer than that over one answer has one round"
    )


def lines(samples: dict[str, Sample], titles: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """The lines of one read's table: a server each, beside ours."""
    ours = samples[OURS]
    for name, sample in samples.items():
        yield (
            titles[name],
            *cells(sample),
            "" if name == OURS else f"{ours.per_second / sample.per_second:.2f}",
            "" if name == OURS else f"{sample.cpu / ours.cpu:.2f}",
        )


def cells(sample: Sample) -> tuple[str, ...]:
    """The figures of one round as they are told."""
    postgres = "unknown" if sample.postgres_cpu is None else f"{sample.postgres_cpu:.2f}"
    failures = f" ({sample.failures} failed)" if sample.failures else ""
    return (
        f"{rounded(sample.per_second)}{failures}",
        f"{sample.p50:.1f}",
        f"{sample.p99:.1f}",
        f"{sample.server_cpu:.2f}",
        postgres,
        f"{sample.answer_bytes / 1000:,.1f} kB",
    )


def rounded(value: float) -> str:
    """A rate; with a decimal where it is small."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def short_title(title: str) -> str:
    """What a server is called within a line."""
    return "the limit" if title.startswith("The limit") else title


def plain(figures: dict[Any, dict[str, Sample]]) -> dict[str, dict[str, Any]]:
    """Samples by what was asked and server, as plain data."""
    return {str(read): {name: asdict(sample) for name, sample in told.items()} for read, told in figures.items()}


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print the tables."""
    for table in outcome.tables:
        shown = Table(*table.columns, title=table.title)
        for line in table.lines:
            shown.add_row(*line)
        console.print(shown)
    for said in (outcome.told, *outcome.notes):
        console.print(said)


def markdown(outcome: Outcome) -> str:
    """The tables as Markdown."""
    parts = [f"# {outcome.title}", "", outcome.told, ""]
    if outcome.picture:
        parts += [f"![{outcome.pictured}]({outcome.name}.svg)", ""]
    for table in outcome.tables:
        parts += [f"## {table.title}", "", *table.markdown(), ""]
    for note in outcome.notes:
        parts += [note, ""]
    return "\n".join(parts)


def kept_in(folder: Path, outcome: Outcome) -> Iterator[Path]:
    """Write the outcome into `folder`, file by file."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"title": outcome.title, "run": outcome.told, "summary": list(outcome.summary), "figures": outcome.figures}
    texts = {
        f"{outcome.name}.md": markdown(outcome),
        f"{outcome.name}.svg": outcome.picture,
        f"{outcome.name}.json": json.dumps(told, indent=2, ensure_ascii=False) + "\n",
    }
    for name, text in texts.items():
        if text:
            (folder / name).write_text(text)
            yield folder / name
