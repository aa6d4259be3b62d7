"""Filling a database: order sets of other systems come in, and trade is played on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.importing.run import Import
from app.importing.showing import progress, show
from app.importing.sources import ImportFailure, Source
from app.kernel.limits import put_in_force
from app.server.database import sessions_of, writing_engine
from app.server.failure import Failure
from app.server.settings import Settings
from app.simulation.goods import NothingToTrade
from app.simulation.play import Pace, Play, begin_play, random_seed

CONNECTIONS = 2
STATEMENT_MS_MAX = 60_000
"""A batch of an import may wait for locks of trade longer than a caller would."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions on the database of `settings`, under its limits."""
    put_in_force(settings.limits)
    engine = writing_engine(settings.written_to, pool=CONNECTIONS, statement_ms_max=STATEMENT_MS_MAX)
    try:
        yield sessions_of(engine)
    finally:
        await engine.dispose()


async def import_set(settings: Settings, source: Callable[[], Source], *, console: Console) -> None:
    """Import the set that `source` opens, and show how far it is and what became of it."""
    try:
        async with opened(settings) as sessions:
            with progress(console) as watch:
                report = await Import(sessions, source(), watch=watch).run()
    except ImportFailure as failure:
        raise Failure(str(failure)) from failure
    show(report, console)


async def simulate(settings: Settings, pace: Pace, *, seed: int | None, stop: asyncio.Event, console: Console) -> None:
    """Play trade until `pace` ends or `stop` is set, and show what happens."""
    seed = random_seed() if seed is None else seed
    async with opened(settings) as sessions:
        try:
            play = await begin_play(sessions, seed)
        except NothingToTrade as nothing:
            advice = "import some, for example by `lading import dataco`."
            raise Failure(f"Nothing can be sold here: no channel has priced products with stock; {advice}") from nothing
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} events"))
        with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
            task = bars.add_task(f"trade by seed {seed}", total=pace.events_max)
            await play.run(pace, stop=stop, watch=lambda play: bars.update(task, completed=play.trade.clerk.events))
    console.print(_told(play))


def _told(play: Play) -> Table:
    """What happened in a play, and what was refused."""
    table = Table("what happened", "how often", title=f"{play.trade.clerk.events} events")
    table.columns[1].justify = "right"
    for what, count in play.told.most_common():
        table.add_row(what, str(count))
    for code, count in play.refusals.most_common():
        table.add_row(f"refused: {code}", str(count))
    return table
