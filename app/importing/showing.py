"""Showing an import: a progress bar while it runs, and tables of what came in and what did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.importing.records import Kind
from app.importing.run import Report, Watch

EXAMPLES_MAX = 3
PLURALS = {
    Kind.SUPPLIER: "suppliers",
    Kind.LOCATION: "locations",
    Kind.CUSTOMER: "customers",
    Kind.PRODUCT: "products",
    Kind.STOCK: "opened stock levels",
    Kind.ORDER: "orders",
}


@contextmanager
def progress(console: Console) -> Iterator[Watch]:
    """A bar for each kind of record, which the answered function moves."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def watch(kind: Kind, read: int, total: int) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(PLURALS[kind], total=total)
            bars.update(tasks[kind], completed=read, total=total)

        yield watch


def show(report: Report, console: Console) -> None:
    """Show what became of a run, with the reasons of what did not come in."""
    if report.was_finished:
        console.print(f"These files of {report.source} were imported before; nothing was done.")
    counted = Table("records", "read", "imported", "known before", "refused", title=f"Import of {report.source}")
    for column in counted.columns[1:]:
        column.justify = "right"
    for stage in report.stages:
        figures = (stage.read, stage.imported, stage.known, stage.refused)
        counted.add_row(PLURALS[stage.kind], *(f"{figure:,}" for figure in figures))
    console.print(counted)
    if report.refusals:
        console.print(_refusals(report))


def _refusals(report: Report) -> Table:
    """The reasons of what was refused, the most frequent first, with some examples of each."""
    by_reason: dict[tuple[Kind, str], list[str]] = defaultdict(list)
    for kind, key, reason in report.refusals:
        by_reason[kind, reason].append(key)
    table = Table("records", "why", "how many", "such as", title="Refused")
    for (kind, reason), keys in sorted(by_reason.items(), key=lambda each: -len(each[1])):
        table.add_row(PLURALS[kind], reason, f"{len(keys):,}", ", ".join(keys[:EXAMPLES_MAX]))
    return table
