"""The trade that benchmarks read fits the tables, and each of their reads finds something in it."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.server.database import reading_pool
from app.server.failure import Failure
from bench import seeding
from bench.agreeing import rows_of
from bench.limit import OPERATOR
from bench.operations import READS
from tests.graph import GraphClient

ORDERS = 1_000


@pytest.fixture
async def trade(database_url: str):
    await seeding.fill(database_url, ORDERS)
    return database_url


class TestSpace:
    def test_that_does_not_suffice_is_told_with_both_figures(self):
        with pytest.raises(Failure, match=r"1,000,000 orders take 6\.0 GB of disk.*only 7\.0 GB are free"):
            seeding.require_space(1_000_000, 7_000_000_000)

    def test_that_suffices_or_is_unknown_is_no_reason_to_stop(self):
        seeding.require_space(1_000_000, 9_000_000_000)
        seeding.require_space(1_000_000, None)


class TestSeed:
    async def test_is_added_in_batches_and_tells_how_far_it_is(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(seeding, "BATCH", 400)
        heard: list[int] = []
        await seeding.fill(database_url, ORDERS, heard.append)
        assert heard == [400, 800, 1_000]
        connection = await asyncpg.connect(database_url)
        assert await connection.fetchrow("select min(id), max(id), count(*) from orders") == (1, ORDERS, ORDERS)
        lost = "select count(*) from shipments where not exists (select from orders where orders.id = order_id)"
        assert await connection.fetchval(lost) == 0
        await connection.close()

    async def test_makes_trade_that_every_read_finds(self, trade: str, sessions: async_sessionmaker[AsyncSession]):
        connection = await asyncpg.connect(trade)
        assert await connection.fetchval("select count(*) from orders") == ORDERS
        assert await connection.fetchval("select count(*) from returns") > 0
        variables = {
            read.name: dict(await connection.fetchrow(read.source, 1)) for read in READS if isinstance(read.source, str)
        }
        await connection.close()
        async with reading_pool(trade, pool=1) as pool:
            graph = GraphClient(pool, sessions)
            for read in READS:
                given = variables.get(read.name, {"after": None})
                found = await graph.query(read.ours, given, by=OPERATOR)
                assert read.told(found) if read.told else rows_of(found)
