"""What a run of benchmarks tells: a table for the terminal, and the same as Markdown, JSON and a picture."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measuring import Bounds, Sample
from bench.operations import BY_NAME

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
COLOURS = {"lading": "#0f766e", "limit": "#94a3b8", "stock_strawberry": "#dc2626", "postgraphile": "#2563eb"}
WIDTH, ROW, GROUP, LEFT, BARS = 820, 24, 44, 210, 470


@dataclass(frozen=True)
class Report:
    """The medians of one run: figures by read and server."""

    orders: int
    rounds: int
    bounds: Bounds
    postgres: str
    titles: dict[str, str]
    figures: dict[str, dict[str, Sample]]
    absent: str | None

    @property
    def told(self) -> str:
        """How the run was made, in a sentence."""
        return (
            f"{self.orders:,} orders, PostgreSQL {self.postgres}, Python {platform.python_version()}; one process a "
            f"server, {self.bounds.connections} connections that stay open, the median of {self.rounds} rounds of "
            f"{self.bounds.seconds:g} s in turn, after one that does not count; all on one machine, the load "
            "generator too, so ratios count and not the figures. CPU is processor time for one request; where other "
            "work disturbs the machine, its ratio is the steadier one."
        )


def rows(report: Report, read: str) -> Iterator[tuple[str, ...]]:
    """The lines of one read's table."""
    ours = report.figures[read][OURS]
    for name, sample in report.figures[read].items():
        postgres = "unknown" if sample.postgres_cpu is None else f"{sample.postgres_cpu:.2f}"
        failures = f" ({sample.failures} failed)" if sample.failures else ""
        yield (
            report.titles[name],
            f"{sample.per_second:,.0f}{failures}",
            f"{sample.p50:.1f}",
            f"{sample.p99:.1f}",
            f"{sample.server_cpu:.2f}",
            postgres,
            f"{sample.answer_bytes / 1000:.1f} kB",
            "" if name == OURS else f"{ours.per_second / sample.per_second:.2f}",
            "" if name == OURS else f"{sample.cpu / ours.cpu:.2f}",
        )


def print_report(report: Report, console: Console) -> None:
    """Print the tables."""
    for read in report.figures:
        table = Table(*COLUMNS, title=BY_NAME[read].title)
        for row in rows(report, read):
            table.add_row(*row)
        console.print(table)
    console.print(report.told)
    if report.absent:
        console.print(f"PostGraphile was not measured: {report.absent}")


def markdown(report: Report) -> str:
    """The tables as Markdown."""
    lines = ["# Reads", "", report.told, "", "![Requests a second, as shares of the fastest](reads.svg)", ""]
    for read in report.figures:
        lines += [f"## {BY_NAME[read].title}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in rows(report, read)]
        lines += [""]
    if report.absent:
        lines += [f"PostGraphile was not measured: {report.absent}", ""]
    return "\n".join(lines)


def picture(report: Report) -> str:
    """Bars of requests a second, each read to the scale of its fastest server."""
    parts: list[str] = []
    top = 16
    for read, figures in report.figures.items():
        parts.append(f'<text x="16" y="{top + 16}" font-weight="600">{escape(BY_NAME[read].title)}</text>')
        top += GROUP - ROW + 8
        fastest = max(sample.per_second for sample in figures.values())
        for name, sample in figures.items():
            parts += _bar(report.titles[name], sample, top, share=sample.per_second / fastest, colour=COLOURS[name])
            top += ROW
        top += 16
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    return f'{frame} font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>' + (
        "\n".join(["", *parts, "</svg>", ""])
    )


def _bar(title: str, sample: Sample, top: int, *, share: float, colour: str) -> list[str]:
    """One server's bar with its name and figure."""
    width = max(2, round(BARS * share))
    return [
        f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end" fill="#475569">{escape(title)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{width}" height="{ROW - 6}" rx="3" fill="{colour}"/>',
        f'<text x="{LEFT + width + 8}" y="{top + 14}">{sample.per_second:,.0f}/s</text>',
    ]


def kept_in(folder: Path, report: Report) -> Iterator[Path]:
    """Write the report into `folder`, file by file."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {read: {name: asdict(sample) for name, sample in told.items()} for read, told in report.figures.items()}
    texts = {
        "reads.md": markdown(report),
        "reads.svg": picture(report),
        "reads.json": json.dumps({"run": report.told, "figures": figures}, indent=2) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        yield folder / name
