"""The filled shop, made once in each process of the run, and readers of it. Tests must not change it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial

import asyncpg
import pytest
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.limits import DEFAULTS, Limits
from app.server.database import driver_url, reading_pool, sessions_of
from app.server.embedded import Servers
from schema.root import GRAPH
from tests import databases
from tests.graph import GraphClient
from tests.reading.naive import Naive
from tests.reading.naive_world import load
from tests.reading.shop import Shop, opened

UNBOUNDED = replace(
    DEFAULTS,
    cost_max=10**9,
    cost_max_staff=10**9,
    nodes_max=10**9,
    aliases_max=10**6,
    directives_max=10**6,
    tokens_max=10**6,
)
"""Random operations are about what is answered; what is refused has tests of its own."""


@dataclass(frozen=True, repr=False)
class FilledShop:
    """The shop, a client of the graph over it, a naive reader of its rows as plain values, and more clients."""

    shop: Shop
    graph: GraphClient
    naive: Naive
    client: Callable[[Limits], GraphClient]


@pytest.fixture(scope="session")
async def shop_database_url(
    servers: Servers, administrator: asyncpg.Connection, template: str, run: str, worker: str
) -> AsyncIterator[str]:
    """The address of a database for the shop."""
    name = f"{databases.PREFIX}_{run}_{worker}_shop"
    await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield databases.renamed(servers.database_url, name)
    await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
async def filled(shop_database_url: str) -> AsyncIterator[FilledShop]:
    """The filled shop."""
    engine = create_async_engine(driver_url(shop_database_url), poolclass=NullPool)
    async with sessions_of(engine)() as session:
        shop = await opened(session)
        world = await load(session, GRAPH, shop.callers)
    async with reading_pool(shop_database_url, pool=2) as pool:
        client = partial(GraphClient, pool, sessions_of(engine))
        yield FilledShop(shop, client(UNBOUNDED), Naive(world), client)
    await engine.dispose()
