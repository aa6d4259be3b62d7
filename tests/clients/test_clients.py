"""Real clients: each reads the stock, follows what changes, and goes on through every cut, with no gap and none twice.

All follow at once through one balancer, as they would in production. First every connection is dropped and none is
taken for a while; then the server drains and another goes on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.clients.balancer import Balancer
from tests.clients.conftest import HERE
from tests.following.conftest import Shelf, shelf_of
from tests.following.fleets import Fleet, fleet_of

CLIENTS = ("graphql_ws", "apollo", "urql", "urql_fetch", "graphql_sse", "event_source", "gql_client")
COMMANDS = {"gql_client": (sys.executable, str(HERE / "gql_client.py"))}
"""Those that do not run in Node."""
SECONDS_MAX = 60
CHANGES = 8
"""So many pieces are found in each act, while clients follow, are away, and are back."""


class Client:
    """One running script, and what it has told."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.told: list[Any] = []
        self.process = process
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.told.append(orjson.loads(line))

    async def until(self, level: int) -> None:
        """Wait until it was told of a level, or has ended."""
        async with asyncio.timeout(SECONDS_MAX):
            while self.levels[-1:] != [level]:
                assert self.process.returncode is None, f"{self.name} ended with {self.process.returncode}"
                await asyncio.sleep(0.05)

    @property
    def levels(self) -> list[int]:
        """The available pieces that it read, and those after each change that it was told."""
        if not self.told:
            return []
        (first,), *changes = self.told
        return [first["available"], *(change["availableAfter"] for change in changes)]

    async def end(self) -> None:
        """End it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading


@asynccontextmanager
async def running(name: str, folder: Path, environment: dict[str, str]) -> AsyncIterator[Client]:
    """A client within the block."""
    command = COMMANDS.get(name, ("node", "--import", "./browser.mjs", f"{name}.mjs"))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    client = Client(name, process)
    try:
        yield client
    finally:
        await client.end()


@asynccontextmanager
async def all_running(folder: Path, fleet: Fleet, balancer: Balancer) -> AsyncIterator[list[Client]]:
    """Every client, which knows but one address."""
    environment = {"LADING_URL": f"{balancer.address}/graphql", "LADING_TOKEN": str(fleet.staff.credential)}
    async with AsyncExitStack() as things:
        yield [await things.enter_async_context(running(name, folder, environment)) for name in CLIENTS]


async def change(shelf: Shelf, times: int = CHANGES) -> None:
    """Find so many pieces, one after the other."""
    for _ in range(times):
        await shelf.change()
        await asyncio.sleep(0.02)


class TestClients:
    async def test_go_on_after_every_cut(
        self,
        clients: Path,
        database_url: str,
        sessions: async_sessionmaker[AsyncSession],
        redis_url: str,
        redis_prefix: str,
    ) -> None:
        shelf = await shelf_of(sessions)
        async with (
            fleet_of(database_url, redis_url, redis_prefix, relays=1) as fleet,
            Balancer() as balancer,
        ):
            balancer.lead_to(fleet.staff.address)
            async with all_running(clients, fleet, balancer) as all_of_them:
                level = 100
                for act in (self.nothing, self.drop, self.drain):
                    await change(shelf)
                    await act(fleet, balancer, shelf)
                    await change(shelf)
                    level += 2 * CHANGES + (CHANGES if act == self.drop else 0)
                    for client in all_of_them:
                        await client.until(level)
                for client in all_of_them:
                    begun = client.levels[0]
                    assert client.levels == list(range(begun, level + 1)), client.name

    async def nothing(self, fleet: Fleet, balancer: Balancer, shelf: Shelf) -> None:
        """Nobody is cut; each has begun wherever the stock was when it read."""

    async def drop(self, fleet: Fleet, balancer: Balancer, shelf: Shelf) -> None:
        """Every connection is dropped, and for a while there is none to be had."""
        balancer.lead_nowhere()
        await change(shelf)
        await asyncio.sleep(1)
        balancer.lead_to(fleet.staff.address)

    async def drain(self, fleet: Fleet, balancer: Balancer, shelf: Shelf) -> None:
        """The server stops as for an upgrade, and another goes on."""
        balancer.lead_to(fleet.other_address)
        assert await fleet.here.stop() == 0
