"""The main readings over a lot of trade: PostgreSQL reads no large table from end to end, and their cost is bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import asyncpg
import orjson
import pytest
from sqlalchemy import make_url

from app.kernel.principal import SYSTEM
from app.server.embedded import Servers
from app.server.explaining import Asked, Explained, explained
from bench.seeding import fill
from schema.answers import Listing
from schema.names import camel
from schema.nodes import NodeType
from schema.root import GRAPH
from tests import databases
from tests.factories.access import ADMIN
from tests.reading.conftest import UNBOUNDED, FilledShop
from tests.reading.test_golden import asked

ORDERS = 5_000
LARGE = frozenset({"customers", "orders", "order_lines", "fulfilments", "shipments", "parcels", "tracking_events"})
"""The tables that have thousands of rows here, some fifty thousand together, and millions in earnest."""
SMALL = frozenset({"Carrier", "Channel", "Location", "Supplier", "User", "ApiKey", "WebhookEndpoint"})
"""The nodes that never have many rows: their orders need no index."""
LISTED = [
    (listing, sort)
    for listing, field in GRAPH.queries.items()
    if isinstance(field.answer, Listing) and field.node not in SMALL
    for sort in (*GRAPH.nodes[field.node].sorts, None)
]
"""Every order that a list at the root offers over a table that may grow, its own among them."""
PAGE = "edges { cursor node { id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"
ROWS_SORTED_MAX = 100
"""How many rows PostgreSQL may sort for a page of twenty: those of a few alternatives, each no longer than the page."""
BUDGETS = {
    "catalogue": 2_500,
    "customer_to_return": 800,
    "dashboard": 400,
    "deliveries": 100,
    "filters": 1_000,
    "last_page": 50,
    "nodes": 50,
    "order_with_lines": 100,
    "own_orders": 1_000,
    "page_of_orders": 2_500,
    "products": 150,
    "reorder": 500,
    "search": 2_500,
}
"""What PostgreSQL may reckon that each reading costs, in its own units; about twice what it reckons now."""

SEARCHED = [node for node in GRAPH.nodes.values() if node.search]
SPARED = ("seqscan", "indexscan", "indexonlyscan")
"""How PostgreSQL reads a table that is so small that its index of trigrams would take longer."""
LISTS = {field.node: name for name, field in GRAPH.queries.items() if isinstance(field.answer, Listing)}


@pytest.fixture(scope="module")
async def trade(
    servers: Servers, administrator: asyncpg.Connection, template: str, run: str, worker: str
) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with a lot of trade."""
    name = f"{databases.PREFIX}_{run}_{worker}_trade"
    await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    address = databases.renamed(servers.database_url, name)
    # A commit that is not written out yet hides from VACUUM that all may see its rows, and so from index-only scans.
    written_out = make_url(address).update_query_dict({"synchronous_commit": "on"})
    await fill(written_out.render_as_string(hide_password=False), ORDERS)
    connection = await asyncpg.connect(address, server_settings={"jit": "off", "TimeZone": "UTC"})
    yield connection
    await connection.close()
    await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def steps(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every step of a plan of PostgreSQL's."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from steps(below)


def reread(plan: Mapping[str, Any]) -> set[str]:
    """What a plan reads from end to end though it is large, or sorts though it is long."""
    scanned = {step["Relation Name"] for step in steps(plan) if step["Node Type"] == "Seq Scan"}
    long = any(step["Node Type"] == "Sort" and step["Plan Rows"] > ROWS_SORTED_MAX for step in steps(plan))
    return (scanned & LARGE) | ({"a long sort"} if long else set())


def unindexed(plan: Mapping[str, Any]) -> set[str]:
    """What no index answers: a table that is read from end to end, or sorted before anything limits it."""
    scanned = {step["Relation Name"] for step in steps(plan) if step["Node Type"] == "Seq Scan"}
    sorts = [step for step in steps(plan) if step["Node Type"] == "Sort"]
    return scanned | {name for sort in sorts for name in unlimited(sort)}


def unlimited(step: Mapping[str, Any]) -> Iterator[str]:
    """The tables below a step that are read without a limit between."""
    if step["Node Type"] == "Limit":
        return
    if "Relation Name" in step:
        yield step["Relation Name"]
    for below in step.get("Plans", ()):
        yield from unlimited(below)


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


class TestFigures:
    async def test_of_all_orders_by_status_and_channel_can_be_read_from_one_index_alone(
        self, trade: asyncpg.Connection
    ):
        document = """{ orders { totalCount
            byStatus: groups(by: [STATUS]) { status count total { amount currency } averageTotal { amount } }
            byChannel: groups(by: [CHANNEL]) { channel { code } count total { amount currency } } } }"""
        reading = explained(GRAPH, Asked(document, {}, SYSTEM), UNBOUNDED)
        async with trade.transaction():
            await trade.execute("set local enable_seqscan = off")
            found = await trade.fetchval(f"explain (format json) {reading.statement}", *reading.values)
        read = [step for step in steps(orjson.loads(found)[0]["Plan"]) if step.get("Relation Name") == "orders"]
        (used,) = [(step["Node Type"], step.get("Index Name")) for step in read]
        assert used == ("Index Only Scan", "ix_orders_channel_id_status_currency")


def searches(node: NodeType) -> Iterator[dict[str, Any]]:
    """Every filter by which the names and numbers of `node` are searched."""
    yield {"search": "rare-7 of 35x7"}
    for column in node.search:
        yield {camel(column): {"contains": "35x7"}}
        yield {camel(column): {"startsWith": "x"}}


class TestSearches:
    @pytest.mark.parametrize("node", SEARCHED, ids=lambda node: node.name)
    async def test_find_rows_by_their_index(self, node: NodeType, trade: asyncpg.Connection):
        table = node.table.__tablename__
        for where in searches(node):
            document = f"query($where: {node.name}Filter) {{ {LISTS[node.name]}(where: $where) {{ totalCount }} }}"
            reading = explained(GRAPH, Asked(document, {"where": where}, SYSTEM), UNBOUNDED)
            async with trade.transaction():
                for kind in SPARED if table not in LARGE else ():
                    await trade.execute(f"set local enable_{kind} = off")
                found = await trade.fetchval(f"explain (format json) {reading.statement}", *reading.values)
            used = {step.get("Index Name") for step in steps(orjson.loads(found)[0]["Plan"])} - {None}
            assert used == {f"ix_{table}_search"}, where


class TestOfferedOrders:
    @pytest.mark.parametrize(("listing", "sort"), LISTED)
    async def test_are_read_by_index_from_either_end_and_beyond_every_cursor(
        self, listing: str, sort: str | None, trade: asyncpg.Connection
    ):
        ends = [await self.ends(trade, listing, sort, page) for page in ("first: 30", "last: 30")]
        pages = ["first: 20", "last: 20"]
        for cursor in (cursor for pair in ends for cursor in pair if cursor):
            pages += [f'first: 20, after: "{cursor}"', f'last: 20, before: "{cursor}"']
        for page in pages:
            reading = self.reading(listing, sort, page)
            for plan in await self.plans(trade, reading):
                assert not reread(plan), (page, reading.sql)
            async with trade.transaction():
                await trade.execute("set local enable_seqscan = off")
                await trade.execute("set local enable_sort = off")
                for plan in await self.plans(trade, reading):
                    assert not unindexed(plan), (page, reading.sql)

    @pytest.mark.parametrize("sort", ["", "sort: [AMOUNT_ASC], ", "sort: [AMOUNT_DESC], "])
    async def test_of_the_prices_of_a_channel_are_read_by_index(self, sort: str, trade: asyncpg.Connection):
        channel = await trade.fetchval("select code from channels limit 1")
        document = f'{{ channel(code: "{channel}") {{ prices({sort}first: 20) {{ {PAGE} }} }} }}'
        reading = explained(GRAPH, Asked(document, {}, ADMIN), UNBOUNDED)
        async with trade.transaction():
            for kind in ("seqscan", "sort", "bitmapscan"):
                await trade.execute(f"set local enable_{kind} = off")
            for plan in await self.plans(trade, reading):
                used = {step.get("Index Name") for step in steps(plan) if step.get("Relation Name") == "prices"}
                assert used == {f"ix_prices_channel_id_{'amount' if sort else 'product_id'}_id"}
                assert not [step for step in steps(plan) if step["Node Type"].endswith("Sort")]

    def reading(self, listing: str, sort: str | None, page: str) -> Explained:
        """A page of a list in an order, as an administrator asks for it."""
        order = f"sort: [{sort}], " if sort else ""
        return explained(GRAPH, Asked(f"{{ {listing}({order}{page}) {{ {PAGE} }} }}", {}, ADMIN), UNBOUNDED)

    async def ends(self, trade: asyncpg.Connection, listing: str, sort: str | None, page: str) -> list[str | None]:
        """The cursors of the first and the last row of a page: nulls are at one end of a list, or at neither."""
        reading = self.reading(listing, sort, page)
        info = orjson.loads(await trade.fetchval(reading.statement, *reading.values))["pageInfo"]
        return [info["startCursor"], info["endCursor"]]

    async def plans(self, trade: asyncpg.Connection, reading: Explained) -> list[Mapping[str, Any]]:
        """How PostgreSQL would run a page for its values, and for any values, once it knows the statement."""
        nothing = f"({', '.join('null' for _ in reading.values)})" if reading.values else ""
        found = [await trade.fetchval(f"explain (format json) {reading.statement}", *reading.values)]
        async with trade.transaction():
            await trade.execute("set local plan_cache_mode = force_generic_plan")
            await trade.execute(f"prepare known as {reading.statement}")
            found.append(await trade.fetchval(f"explain (format json) execute known{nothing}"))
            await trade.execute("deallocate known")
        return [orjson.loads(plan)[0]["Plan"] for plan in found]
