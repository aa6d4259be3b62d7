"""The trade that benchmarks read fits the tables, and each of their reads finds something in it."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.server.database import reading_pool
from bench import seeding
from bench.limit import OPERATOR
from bench.operations import READS
from tests.graph import GraphClient

ORDERS = 1_000


@pytest.fixture
async def trade(database_url: str):
    await seeding.fill(database_url, ORDERS)
    return database_url


class TestSeed:
    async def test_makes_trade_that_every_read_finds(self, trade: str, sessions: async_sessionmaker[AsyncSession]):
        connection = await asyncpg.connect(trade)
        assert await connection.fetchval("select count(*) from orders") == ORDERS
        assert await connection.fetchval("select count(*) from returns") > 0
        numbers = {
            read.name: await connection.fetchval(read.source, 1) for read in READS if isinstance(read.source, str)
        }
        await connection.close()
        async with reading_pool(trade, pool=1) as pool:
            graph = GraphClient(pool, sessions)
            for read in READS:
                given = {"number": numbers[read.name]} if read.name in numbers else {"after": None}
                (found,) = (await graph.query(read.ours, given, by=OPERATOR)).values()
                assert found["nodes"] if "nodes" in found else found["number"]
