"""The database that benchmarks read: made and filled once for each number of orders, then kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import asyncpg

from app.kernel.identity import token_hash, unguessable_token
from app.server.database import asyncpg_url, driver_url
from app.server.migrating import head, upgrade

SEED = Path(__file__).parent / "seed.sql"
PREFIX = "lading_bench"
KEY_SHOWN = 15


def named(database_url: str, name: str) -> str:
    """The address of the database `name` on the same server."""
    return driver_url(database_url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def mark() -> str:
    """What a filled database says of itself: by which rows and which schema it was made."""
    return hashlib.sha256(f"{SEED.read_text()}{head()}".encode()).hexdigest()


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


async def fill(database_url: str, orders: int) -> None:
    """Put the trade of `orders` orders into a database that has the tables and no rows."""
    connection = await asyncpg.connect(database_url, timeout=30, command_timeout=3_600)
    try:
        await connection.execute("select set_config('bench.orders', $1, false)", str(orders))
        async with connection.transaction():
            await connection.execute(SEED.read_text())
        await connection.execute("vacuum analyze")
        name = await connection.fetchval("select current_database()")
        await connection.execute(f"comment on database \"{name}\" is '{mark()}'")
    finally:
        await connection.close()


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
