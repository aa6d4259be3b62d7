"""What goes on beside the faults of the long form: an import of real orders, and transactions that stay open."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text

from app.kernel.outbox import write_outbox
from tests.databases import ROOT
from tests.factories import catalog
from tests.faults.trading import DATABASE_AWAY
from tests.faults.waiting import ended
from tests.faults.world import World

OPEN_SECONDS = 300
AGAIN_SECONDS = 2


class Import:
    """`lading import dataco`, begun again whenever it fails, until all is in."""

    def __init__(self, world: World) -> None:
        self.begun = 0
        self.is_whole = False
        self._world = world
        self._process: asyncio.subprocess.Process | None = None
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self.is_whole:
            self.begun += 1
            command = (sys.executable, "-m", "app", "import", "dataco")
            environment = {**self._world.environment, "PATH": "", "COLUMNS": "200"}
            with (self._world.ground.folder / "import.log").open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
                )
            self.is_whole = await self._process.wait() == 0
            await asyncio.sleep(AGAIN_SECONDS)

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(what)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let it stand still within the block, in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    async def end(self) -> None:
        """Import no more."""
        await ended("the import", self._running)
        self._signal(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()


@asynccontextmanager
async def importing(world: World) -> AsyncIterator[Import]:
    """An import that goes on within the block."""
    made = Import(world)
    try:
        yield made
    finally:
        await made.end()


@asynccontextmanager
async def open_transactions(world: World) -> AsyncIterator[None]:
    """Within the block there is always a transaction that has written an event and stays open for minutes."""
    running = asyncio.create_task(_stay_open(world))
    try:
        yield
    finally:
        await ended("the open transaction", running)


async def _stay_open(world: World) -> None:
    while True:
        with suppress(*DATABASE_AWAY):
            async with world.ground.sessions() as session:
                await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                await catalog.product(session)
                await write_outbox(session)
                await asyncio.sleep(OPEN_SECONDS)
                await session.commit()
        await asyncio.sleep(AGAIN_SECONDS)
