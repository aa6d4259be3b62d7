"""The suite's own ground: fresh databases, sessions and a Redis for each test."""

import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class TestFreshDatabase:
    async def test_holds_the_tables_and_no_rows(self, session: AsyncSession):
        assert await session.scalar(text("SELECT count(*) FROM outbox_events")) == 0

    async def test_keeps_nothing_of_the_test_before(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions() as one, sessions() as other:
            await one.execute(text("CREATE TABLE mine (id int)"))
            await one.commit()
            assert await other.scalar(text("SELECT count(*) FROM mine")) == 0

    async def test_does_not_know_that_table(self, session: AsyncSession):
        assert await session.scalar(text("SELECT to_regclass('mine')")) is None

    async def test_lets_sessions_carry_facts(self, session: AsyncSession):
        session.info["outbox"] = []
        assert session.sync_session.info == {"outbox": []}


class TestRedis:
    async def test_is_empty_and_ours(self, redis_url: str):
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            await client.set("key", "value")
            assert await client.dbsize() >= 1
