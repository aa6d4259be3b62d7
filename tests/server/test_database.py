"""Connections: what they ask of PostgreSQL, and what comes out of them."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.server.database import driver_url, open_databases, reading_pool, writing_engine
from app.server.settings import read_settings


class TestReadingPool:
    async def test_gives_json_as_bytes(self, database_url: str):
        async with reading_pool(database_url) as pool:
            assert await pool.fetchval("""SELECT '{"a":  1}'::json""") == b'{"a":  1}'
            assert await pool.fetchval("SELECT $1::json", '["é"]') == '["é"]'.encode()

    async def test_only_reads(self, database_url: str):
        async with reading_pool(database_url) as pool:
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await pool.fetch("DELETE FROM outbox_events")

    async def test_ends_long_statements_and_goes_on(self, database_url: str):
        async with reading_pool(database_url, pool=1, statement_ms_max=50) as pool:
            with pytest.raises(asyncpg.QueryCanceledError):
                await pool.fetch("SELECT pg_sleep(5)")
            assert await pool.fetchval("SHOW TimeZone") == "UTC"

    async def test_prepares_a_long_statement_once(self, database_url: str):
        statement = f"SELECT 1 /* {'long ' * 10_000} */"
        async with reading_pool(database_url, pool=1) as pool:
            for _ in range(2):
                await pool.fetchval(statement)
            assert (
                await pool.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", statement) == 1
            )


class TestOpenDatabases:
    async def test_write_and_read(self, database_url: str, redis_url: str):
        settings = read_settings(DATABASE_URL=database_url, REDIS_URL=redis_url)
        async with open_databases(settings) as databases:
            async with databases.sessions.begin() as session:
                await session.execute(text("CREATE TABLE written AS SELECT 1 AS one"))
                assert await session.scalar(text("SHOW jit")) == "off"
            assert await databases.primary.fetchval("SELECT one FROM written") == 1


class TestWritingEngine:
    async def test_tells_no_value_in_its_errors(self, database_url: str):
        engine = writing_engine(database_url, pool=1)
        with pytest.raises(DBAPIError) as failed:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1 / (length(:secret) - 6)"), {"secret": "hunter"})
        await engine.dispose()
        assert "hunter" not in str(failed.value)
        assert "division by zero" in str(failed.value)


class TestDriverUrl:
    def test_takes_any_scheme_and_tls(self):
        url = driver_url("postgres://me:it@host/base?sslmode=require")
        assert url.render_as_string(hide_password=False) == "postgresql+asyncpg://me:it@host/base?ssl=require"
