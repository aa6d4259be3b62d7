"""The main readings over a lot of trade: PostgreSQL reads no large table from end to end, and their cost is bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import asyncpg
import orjson
import pytest

from app.server.embedded import Servers
from app.server.explaining import explained
from bench.seeding import fill
from schema.root import GRAPH
from tests import databases
from tests.reading.conftest import UNBOUNDED, FilledShop
from tests.reading.test_golden import asked

ORDERS = 5_000
LARGE = frozenset({"customers", "orders", "order_lines", "fulfilments", "shipments", "parcels", "tracking_events"})
"""The tables that have thousands of rows here, some fifty thousand together, and millions in earnest."""
BUDGETS = {
    "catalogue": 2_500,
    "customer_to_return": 800,
    "filters": 1_000,
    "last_page": 50,
    "nodes": 50,
    "order_with_lines": 100,
    "own_orders": 1_000,
    "page_of_orders": 2_500,
    "products": 150,
    "reorder": 500,
}
"""What PostgreSQL may reckon that each reading costs, in its own units; about twice what it reckons now."""


@pytest.fixture(scope="module")
async def trade(
    servers: Servers, administrator: asyncpg.Connection, template: str, run: str, worker: str
) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with a lot of trade."""
    name = f"{databases.PREFIX}_{run}_{worker}_trade"
    await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    address = databases.renamed(servers.database_url, name)
    await fill(address, ORDERS)
    connection = await asyncpg.connect(address, server_settings={"jit": "off", "TimeZone": "UTC"})
    yield connection
    await connection.close()
    await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def steps(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every step of a plan of PostgreSQL's."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from steps(below)


class TestMainReadings:
    @pytest.mark.parametrize("name", sorted(BUDGETS))
    async def test_read_by_index_and_within_their_budget(
        self, name: str, filled: FilledShop, trade: asyncpg.Connection
    ):
        reading = explained(GRAPH, asked(name, filled), UNBOUNDED)
        found = await trade.fetchval(f"explain (format json) {reading.statement}", *reading.values)
        plan = orjson.loads(found)[0]["Plan"]
        scanned = {step["Relation Name"] for step in steps(plan) if step["Node Type"] == "Seq Scan"}
        assert not scanned & LARGE
        assert plan["Total Cost"] < BUDGETS[name]
