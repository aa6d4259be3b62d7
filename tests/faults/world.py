"""A small world of real processes: servers, relays and workers over one database, each of which a fault may end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.commands import CreateApiKey, create_api_key
from app.inventory.commands import ReceiveStock, SetReorderPoint, receive_stock, set_reorder_point
from app.kernel.address import Address
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM, Role
from tests.factories import catalog, locations, parties
from tests.faults.conftest import Ground
from tests.faults.waiting import at_most
from tests.stories.processes import START_SECONDS_MAX, Process, running

COMMANDS = {"serve": ("serve", "--port", "0"), "relay": ("relay",), "worker": ("worker",)}
PLACES = (("40.7", "-74.0"), ("41.9", "-87.6"), ("34.1", "-118.2"))
PRODUCTS, CUSTOMERS, PIECES, REORDER_POINT = 8, 4, 60, 40
BACK_SECONDS_MAX = 120
AGAIN_SECONDS = 0.2


@dataclass
class Shop:
    """What is traded with, by its keys, and the credentials of those who follow."""

    staff: str = ""
    products: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    customers: dict[int, str] = field(default_factory=dict)
    """The API key of each."""


@dataclass
class World:
    """The processes that run, and the servers under them."""

    ground: Ground
    environment: dict[str, str]
    wanted: Mapping[str, int]
    """How many processes of each kind are kept running, whatever happens."""
    chance: Random
    shop: Shop = field(default_factory=Shop)
    processes: dict[str, list[Process]] = field(default_factory=lambda: {kind: [] for kind in COMMANDS})
    at: dict[Process, str] = field(default_factory=dict)
    """The address of each server."""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def addresses(self) -> list[str]:
        """Where servers answer."""
        return list(self.at.values())

    async def start(self, kind: str) -> Process:
        """Start one more process of a kind, and wait until it serves, where it does.

        A server that finds no database as it starts ends; whoever supervises it starts another, and so do we.
        """
        log = self.ground.folder / f"{kind}.log"
        async with at_most(START_SECONDS_MAX, f"{kind} to start; it logs to {log}"):
            while True:
                process = await self.stack.enter_async_context(running(self.environment, *COMMANDS[kind], log=log))
                self.processes[kind].append(process)
                if kind != "serve":
                    return process
                try:
                    self.at[process] = await process.address()
                    return process
                except AssertionError:
                    self.leave_out(kind, process)
                    await asyncio.sleep(AGAIN_SECONDS)

    def leave_out(self, kind: str, process: Process) -> None:
        """Have nobody call a process any more."""
        self.processes[kind] = [each for each in self.processes[kind] if each is not process]
        self.at.pop(process, None)

    async def kill(self, kind: str) -> None:
        """Kill the one that has run longest, without a word, and start others while there are fewer than wanted."""
        killed = self.processes[kind][0]
        killed.running.kill()
        self.leave_out(kind, killed)
        await killed.running.wait()
        while len(self.processes[kind]) < self.wanted[kind]:
            await self.start(kind)

    async def drain(self) -> None:
        """Ask a server to stop, as an upgrade does, once another serves in its place."""
        await self.start("serve")
        stopped = self.processes["serve"][0]
        self.leave_out("serve", stopped)
        stopped.running.terminate()
        async with at_most(BACK_SECONDS_MAX, "a server to drain"):
            assert await stopped.running.wait() == 0

    async def freeze(self, kind: str, seconds: float) -> None:
        """Let a process stand still for so long, with all its connections."""
        frozen = self.chance.choice(self.processes[kind]).running
        frozen.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if frozen.returncode is None:
                frozen.send_signal(signal.SIGCONT)

    async def in_database(self, statement: str, *values: object) -> Any:
        """The rows of a statement, once the database answers."""
        async with at_most(BACK_SECONDS_MAX, f"the database to answer {statement}"):
            while True:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    connection = await asyncpg.connect(self.ground.database_url)
                    try:
                        return await connection.fetch(statement, *values)
                    finally:
                        await connection.close()
                await asyncio.sleep(0.1)


@asynccontextmanager
async def world(ground: Ground, begins: Mapping[str, int], wanted: Mapping[str, int]) -> AsyncIterator[World]:
    """A world over a shop until the end of the block, which begins with some processes and keeps others running."""
    environment = {
        "DATABASE_URL": ground.database_url,
        "REDIS_URL": ground.redis.url,
        "LADING_HOME": str(ground.folder),
        "LADING_SECRET": "a secret of these tests, long enough for anyone",
        "LADING_LIMIT_SOCKETS_PER_CALLER_MAX": "1000",
        "LADING_LIMIT_EVENT_STREAMS_PER_CALLER_MAX": "1000",
    }
    chance = Random(ground.seed)  # noqa: S311 — what happens must be repeatable.
    made = World(ground, environment, wanted, chance, shop=await opened(ground.sessions))
    async with made.stack:
        kinds = [kind for kind, count in begins.items() for _ in range(count)]
        await asyncio.gather(*(made.start(kind) for kind in kinds))
        yield made


async def opened(sessions: async_sessionmaker[AsyncSession]) -> Shop:
    """A shop with stock that runs out now and then, and the keys of its staff and of its customers."""
    shop = Shop()
    async with sessions() as session:
        channel = await catalog.channel(session)
        for latitude, longitude in PLACES:
            place = Address(city="Somewhere", latitude=Decimal(latitude), longitude=Decimal(longitude))
            shop.places.append(await locations.location(session, address=place))
        for number in range(PRODUCTS):
            product = await catalog.product(session)
            await catalog.priced(session, product, channel, f"{9 + number}.90")
            shop.products.append(product)
            for place_id in shop.places:
                receipt = ReceiveStock(product_id=product, location_id=place_id, quantity=PIECES)  # type: ignore[arg-type]
                await receive_stock(session, receipt, by=SYSTEM)
                point = SetReorderPoint(product_id=product, location_id=place_id, reorder_point=REORDER_POINT)  # type: ignore[arg-type]
                await set_reorder_point(session, point, by=SYSTEM)
        shop.staff = await key_of(session, roles=(Role.OPERATOR,))
        for _ in range(CUSTOMERS):
            customer = await parties.customer(session)
            shop.customers[customer] = await key_of(session, roles=(Role.CUSTOMER,), customer_id=customer)
        await write_outbox(session)
        await session.commit()
    return shop


async def key_of(session: AsyncSession, **details: Any) -> str:
    """The secret of a new API key."""
    return (await create_api_key(session, CreateApiKey(name="Of the tests", **details), by=SYSTEM)).secret
