"""The test suite's databases: one template a run, cloned for each test, on servers of the suite's own or by URL."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.tables import Table
from app.server.database import asyncpg_url, driver_url
from app.server.embedded import Servers, embedded_servers
from app.server.embedded.locks import held, taken_at_once
from app.server.migrating import import_tables
from app.server.upgrading import upgrade

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("LADING_TEST_HOME") or ROOT / ".lading" / "tests")
PREFIX = "lading_test"
REDIS_DATABASES_MAX = 4_000


@contextmanager
def test_servers() -> Iterator[Servers]:
    """The servers that DATABASE_URL and REDIS_URL name, and for what they leave open fast ones of the suite's own."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield Servers(asyncpg_url(database_url), redis_url)
        return
    with embedded_servers(HOME, fast=True) as ours:
        yield Servers(asyncpg_url(database_url) if database_url else ours.database_url, redis_url or ours.redis_url)


def renamed(database_url: str, name: str) -> str:
    """The address of the database `name` on the same server."""
    return driver_url(database_url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)


async def administer(database_url: str, *statements: str) -> None:
    """Run `statements`, such as CREATE DATABASE, which take no transaction."""
    connection = await asyncpg.connect(database_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def drop_all(database_url: str, beginning: str) -> None:
    """Drop every database whose name begins with `beginning`."""
    connection = await asyncpg.connect(database_url)
    try:
        found = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        for row in await connection.fetch(found, beginning):
            await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
    finally:
        await connection.close()


async def drop_leftovers(database_url: str) -> None:
    """Drop what killed runs left, on servers of our own alone: only their users are all on this machine."""
    if "DATABASE_URL" in os.environ:
        return
    _unlink_leftovers()
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", f"{PREFIX}_")
    finally:
        await connection.close()
    runs = {row["datname"].removeprefix(f"{PREFIX}_").split("_")[0] for row in rows}
    for run in runs:
        if run.isdecimal() and not _alive(int(run)):
            await drop_all(database_url, f"{PREFIX}_{run}_")


def _unlink_leftovers() -> None:
    for lock in HOME.glob("run-*.lock"):
        if not _alive(int(lock.stem.removeprefix("run-").split("_")[0])):
            lock.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def run_template(database_url: str, run: str) -> Iterator[str]:
    """This run's template database, built by the first of its processes and dropped by the last."""
    HOME.mkdir(parents=True, exist_ok=True)
    name, uses = f"{PREFIX}_{run}_template", HOME / f"run-{run}.lock"
    with ExitStack() as leaving:
        with held(HOME / "template.lock"):
            using = leaving.enter_context(uses.open("a"))
            fcntl.flock(using, fcntl.LOCK_SH)
            if not asyncio.run(_exists(database_url, name)):
                asyncio.run(drop_leftovers(database_url))
                _build_as(database_url, name, f"{PREFIX}_{run}_building")
        yield name
        with held(HOME / "template.lock"), using:
            if taken_at_once(using):
                asyncio.run(drop_all(database_url, f"{PREFIX}_{run}_"))
                uses.unlink()


def _build_as(database_url: str, name: str, building: str) -> None:
    asyncio.run(administer(database_url, f'CREATE DATABASE "{building}"'))
    build(renamed(database_url, building))
    asyncio.run(administer(database_url, f'ALTER DATABASE "{building}" RENAME TO "{name}"'))


async def _exists(database_url: str, name: str) -> bool:
    connection = await asyncpg.connect(database_url)
    try:
        return bool(await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name))
    finally:
        await connection.close()


def build(database_url: str) -> None:
    """Bring an empty database to the newest revision."""
    upgrade(database_url)


async def create_tables(database_url: str) -> None:
    """Make every table of the code in an empty database."""
    import_tables()
    engine = create_async_engine(driver_url(database_url), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)
    await engine.dispose()
