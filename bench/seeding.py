"""The databases that benchmarks read: made and filled once for each number of orders, then kept."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg

from app.kernel.identity import token_hash, unguessable_token
from app.server.database import asyncpg_url, driver_url
from app.server.failure import Failure
from app.server.migrating import head
from app.server.upgrading import upgrade

SEED = Path(__file__).parent / "seed.sql"
SEED_ORDERS = Path(__file__).parent / "seed_orders.sql"
PREFIX = "lading_bench"
KEY_SHOWN = 15
BATCH = 20_000
"""So many orders are added in one transaction, so that space for what was not committed stays small."""
ORDER_BYTES = 6_000
"""What one order and all that came of it take in tables and indexes, as was measured with 100,000 orders."""
ORDERS_PER_SECOND = 2_000
"""How fast orders are added, as was measured on two busy processors."""
SPARE_BYTES = 2_000_000_000
"""What filling leaves free besides, for the log that PostgreSQL writes ahead, and for others."""


def named(database_url: str, name: str) -> str:
    """The address of the database `name` on the same server."""
    return driver_url(database_url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def mark() -> str:
    """What a filled database says of itself: by which rows and which schema it was made."""
    return hashlib.sha256(f"{SEED.read_text()}{SEED_ORDERS.read_text()}{head()}".encode()).hexdigest()


def foretold(orders: int) -> str:
    """How long filling takes, and how much disk."""
    return f"about {max(1, round(orders / ORDERS_PER_SECOND / 60))} min and {orders * ORDER_BYTES / 1e9:.1f} GB of disk"


async def filled(server_url: str, orders: int, note: Callable[[int], None], tell: Callable[[str], None]) -> str:
    """The address of the database with so many orders, filled if it is not; `note` hears how many there are so far."""
    name = f"{PREFIX}_{orders}"
    database_url = named(server_url, name)
    if not await is_filled(server_url, name):
        require_space(orders, await free_bytes(database_url))
        tell(f"Filling {name} with the trade of {orders:,} orders: {foretold(orders)}. It is kept for the next run.")
        await asyncio.to_thread(make_tables, database_url)
        await fill(database_url, orders, note)
    return database_url


async def is_filled(server_url: str, name: str) -> bool:
    """Whether the database `name` holds what this code would put there; a half-filled or older one is dropped."""
    connection = await asyncpg.connect(asyncpg_url(server_url))
    try:
        told = await connection.fetchval(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1", name
        )
        if told == mark():
            return True
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()
    return False


async def free_bytes(database_url: str) -> int | None:
    """What is free where the databases are; None where they are on another machine, or where that is not told."""
    connection = await asyncpg.connect(database_url)
    try:
        folder = Path(await connection.fetchval("show data_directory"))
        return shutil.disk_usage(folder).free
    except (asyncpg.InsufficientPrivilegeError, OSError):
        return None
    finally:
        await connection.close()


def require_space(orders: int, free: int | None) -> None:
    """Failure where a database of so many orders does not fit beside what should stay free."""
    wanted = orders * ORDER_BYTES + SPARE_BYTES
    if free is not None and free < wanted:
        raise Failure(
            f"{orders:,} orders take {orders * ORDER_BYTES / 1e9:.1f} GB of disk, and {SPARE_BYTES / 1e9:.0f} GB "
            f"should stay free beside them, but only {free / 1e9:.1f} GB are free; ask for fewer, or make room."
        )


async def fill(database_url: str, orders: int, note: Callable[[int], None] = lambda _: None) -> None:
    """Put the trade of `orders` orders into a database that has the tables and no rows."""
    connection = await asyncpg.connect(database_url, timeout=30, command_timeout=3_600)
    try:
        if await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            # The rows are right by how they are made; to look each one up again takes twice as long as to add it.
            await connection.execute("set session_replication_role = replica")
        await connection.execute("select set_config('bench.orders', $1, false)", str(orders))
        await connection.execute(SEED.read_text())
        for first in range(1, orders + 1, BATCH):
            last = min(orders, first + BATCH - 1)
            await _add_orders(connection, first, last)
            note(last)
        await connection.execute("vacuum analyze")
        name = await connection.fetchval("select current_database()")
        await connection.execute(f"comment on database \"{name}\" is '{mark()}'")
    finally:
        await connection.close()


async def _add_orders(connection: asyncpg.Connection, first: int, last: int) -> None:
    """The orders from `first` to `last`, in one transaction."""
    async with connection.transaction():
        for name, value in (("bench.first", first), ("bench.last", last)):
            await connection.execute("select set_config($1, $2, true)", name, str(value))
        await connection.execute(SEED_ORDERS.read_text())


async def issue_key(database_url: str) -> str:
    """A new API key of an operator, by which the real server is asked as a partner's program asks it."""
    key = f"lading_{unguessable_token()}"
    added = "insert into api_keys (name, prefix, secret_hash, roles) values ('bench', $1, $2, array['OPERATOR'])"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("delete from api_keys where name = 'bench'")
        await connection.execute(added, key[:KEY_SHOWN], token_hash(key))
    finally:
        await connection.close()
    return key


def make_tables(database_url: str) -> None:
    """Bring an empty database to the newest revision."""
    upgrade(database_url)
