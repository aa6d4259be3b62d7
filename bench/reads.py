"""`lading bench reads`: how fast reads are, part by part, each beside what it is to be compared with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.settings import complete, read_settings
from bench import first, growth, peers, standstill
from bench.ground import Bench, Wanted
from bench.keeping import RESULTS, write_readme
from bench.reporting import Outcome, kept_in, print_outcome

PARTS: dict[str, Callable[[Bench], Awaitable[Outcome]]] = {
    "peers": peers.measured,
    "pages": growth.pages,
    "tables": growth.tables,
    "first": first.measured,
    "loop": standstill.measured,
}
"""What can be measured, by the name that it is asked for by."""


def run(wanted: Wanted, only: Sequence[str], *, keep: bool) -> None:
    """Measure the parts `only`, or all where none is named; print and write down."""
    unknown = [name for name in only if name not in PARTS]
    if unknown:
        raise Failure(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    settings = read_settings(home=read_settings().home / "bench")
    with complete(settings) as whole:
        bench = Bench(whole, wanted)
        folder = RESULTS if keep else whole.home / "results"
        for name in only or PARTS:
            bench.tell(f"── {name}")
            outcome = asyncio.run(_measured(name, bench))
            print_outcome(outcome, bench.console)
            for path in kept_in(folder, outcome):
                bench.tell(f"Written: {path}")
    if keep:
        write_readme()
        bench.tell(f"Written: {ROOT / 'README.md'}")


async def _measured(name: str, bench: Bench) -> Outcome:
    return await PARTS[name](bench)
