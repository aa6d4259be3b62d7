"""Backups: what was is again, whole or not at all, and old cursors are void."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.server import backing_up
from app.server.failure import Failure
from app.server.relay import open_log

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'outbox_log' ORDER BY tablename"
CONTENT = "SELECT count(*) || md5(coalesce(string_agg(row::text, chr(10) ORDER BY row::text), '')) FROM \"{}\" AS row"


async def contents(database_url: str) -> dict[str, str]:
    """Of each table, how many rows it has and a digest of them all."""
    connection = await asyncpg.connect(database_url)
    try:
        names = [row["tablename"] for row in await connection.fetch(TABLES)]
        return {name: await connection.fetchval(CONTENT.format(name)) for name in names}
    finally:
        await connection.close()


@pytest.fixture
async def backup(session: AsyncSession, database_url: str, tmp_path: Path) -> Path:
    """A backup of a database that holds something."""
    await session.execute(text("CREATE TABLE kept AS SELECT n, 'line ' || n AS line FROM generate_series(1, 1000) n"))
    await session.commit()
    file = tmp_path / "lading.backup"
    assert await asyncio.to_thread(backing_up.back_up, database_url, file) > 0
    return file


class TestRestore:
    async def test_brings_back_every_row(self, backup: Path, database_url: str, empty_database_url: str):
        await asyncio.to_thread(backing_up.restore, empty_database_url, backup, replace=False)
        restored = await contents(empty_database_url)
        assert restored == await contents(database_url)
        assert restored["kept"].startswith("1000")

    async def test_replaces_only_where_told(self, backup: Path, session: AsyncSession, database_url: str):
        await session.execute(text("DELETE FROM kept"))
        await session.commit()
        with pytest.raises(Failure, match="is not empty; --replace drops what is there"):
            await asyncio.to_thread(backing_up.restore, database_url, backup, replace=False)
        await asyncio.to_thread(backing_up.restore, database_url, backup, replace=True)
        assert await session.scalar(text("SELECT count(*) FROM kept")) == 1000

    async def test_changes_nothing_where_the_file_is_broken(
        self, backup: Path, session: AsyncSession, database_url: str
    ):
        before = await contents(database_url)
        os.truncate(backup, await asyncio.to_thread(os.path.getsize, backup) - 2000)
        with pytest.raises(Failure, match="Nothing was restored"):
            await asyncio.to_thread(backing_up.restore, database_url, backup, replace=True)
        assert await contents(database_url) == before

    async def test_begins_a_new_epoch_of_the_log(self, database_url: str, tmp_path: Path):
        connection = await asyncpg.connect(database_url)
        before = (await open_log(connection)).epoch
        file = tmp_path / "lading.backup"
        await asyncio.to_thread(backing_up.back_up, database_url, file)
        await asyncio.to_thread(backing_up.restore, database_url, file, replace=True)
        after = (await open_log(connection)).epoch
        await connection.close()
        assert after != before


class TestBackUp:
    async def test_never_overwrites(self, backup: Path, database_url: str):
        with pytest.raises(Failure, match="exists already"):
            await asyncio.to_thread(backing_up.back_up, database_url, backup)

    async def test_leaves_no_part_of_a_file(self, tmp_path: Path):
        with pytest.raises(Failure):
            await asyncio.to_thread(backing_up.back_up, "postgresql://127.0.0.1:1/none", tmp_path / "new.backup")
        assert await asyncio.to_thread(os.listdir, tmp_path) == []
