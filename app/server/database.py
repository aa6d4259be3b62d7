"""Connections to PostgreSQL: SQLAlchemy's for writing, and raw asyncpg ones for reading, whose JSON stays bytes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.server.lending import Lender
from app.server.positions import Positions
from app.server.replica import SYSTEM_SQL, Replica, StandbyConnection
from app.server.staleness import Staleness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.server.settings import Settings

STATEMENTS_CACHED_MAX = 1_000
STATEMENT_BYTES_MAX = 512 * 1024
"""asyncpg prepares longer statements anew each time; a compiled reading must not be among them."""
STATEMENT_CACHED_SECONDS = 0
"""A prepared statement stays for as long as its connection does."""
CONNECT_SECONDS_MAX = 10
REPLICA_CONNECT_SECONDS_MAX = 2
"""A reading that waits to be connected with a replica could long be answered by the primary."""


@dataclass(frozen=True)
class Databases:
    """The open connections of one process: sessions to write in, pools to read from."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    primary: Lender
    """Reads what was just written."""


def driver_url(database_url: str) -> URL:
    """`database_url` as SQLAlchemy wants it for asyncpg, whichever of PostgreSQL's schemes it is written in."""
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(query=query)


def asyncpg_url(database_url: str) -> str:
    """`database_url` as asyncpg itself and PostgreSQL's own programs want it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def place_of(url: str) -> str:
    """Where a server is, without who we are there: fit to be told."""
    parts = make_url(url)
    return f"{parts.host or 'a local socket'}:{parts.port or 'default port'}/{parts.database or ''}"


def server_settings(statement_ms_max: int, *, application: str) -> dict[str, str]:
    """What every connection asks of PostgreSQL: UTC, no compilation of plans, and an end to long statements."""
    return {
        "application_name": application,
        "TimeZone": "UTC",
        "jit": "off",
        "statement_timeout": str(statement_ms_max),
        "idle_in_transaction_session_timeout": str(4 * statement_ms_max),
    }


def writing_engine(database_url: str, *, pool: int = 10, statement_ms_max: int = 15_000) -> AsyncEngine:
    """The engine that commands write through."""
    return create_async_engine(
        driver_url(database_url),
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "server_settings": server_settings(statement_ms_max, application="lading write"),
            "timeout": CONNECT_SECONDS_MAX,
        },
    )


def sessions_of(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """The sessions that commands write in; objects stay readable after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


def reading_options(statement_ms_max: int) -> dict[str, Any]:
    """What asyncpg is told for connections that only read."""
    wanted = server_settings(statement_ms_max, application="lading read") | {"default_transaction_read_only": "on"}
    return {
        "timeout": CONNECT_SECONDS_MAX,
        "server_settings": wanted,
        "statement_cache_size": STATEMENTS_CACHED_MAX,
        "max_cached_statement_lifetime": STATEMENT_CACHED_SECONDS,
        "max_cacheable_statement_size": STATEMENT_BYTES_MAX,
    }


@asynccontextmanager
async def reading_pool(database_url: str, *, pool: int = 10, statement_ms_max: int = 10_000) -> AsyncIterator[Lender]:
    """Connections that only read: a `json` value comes out as the bytes that PostgreSQL sent."""
    lender = Lender(partial(reading_connection, database_url, reading_options(statement_ms_max)), pool)
    try:
        await lender.open_first()
        yield lender
    finally:
        await lender.close()


async def reading_connection(database_url: str, options: dict[str, Any]) -> Any:
    """One connection that only reads."""
    connection = await asyncpg.connect(asyncpg_url(database_url), **options)
    try:
        await leave_json_alone(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def leave_json_alone(connection: asyncpg.Connection) -> None:
    """Let `json` values of a connection be bytes."""
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_as_bytes, decoder=bytes, format="binary")


def _as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


@asynccontextmanager
async def open_databases(settings: Settings) -> AsyncIterator[Databases]:
    """The connections that `settings` ask for, closed at the end."""
    limits = settings.limits
    engine = writing_engine(settings.written_to, pool=settings.write_pool, statement_ms_max=limits.mutation_ms_max)
    reading = {"pool": settings.read_pool, "statement_ms_max": limits.query_ms_max}
    try:
        async with reading_pool(settings.written_to, **reading) as primary:
            yield Databases(engine, sessions_of(engine), primary)
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_replica(settings: Settings, primary: Lender) -> AsyncIterator[Replica | None]:
    """The replica that `settings` name, looked after until the end; None where they name none. It need not answer."""
    if settings.database_read_url is None:
        yield None
        return
    limits = settings.limits
    wanted = {"timeout": REPLICA_CONNECT_SECONDS_MAX, "connection_class": StandbyConnection}
    system = await primary.fetchval(SYSTEM_SQL)
    positions = Positions(settings.signed_with.encode(), system, seconds_max=limits.position_seconds_max)
    replica = Replica(
        partial(reading_connection, settings.read_from, reading_options(limits.query_ms_max) | wanted),
        settings.read_pool,
        primary=primary,
        staleness=Staleness(positions, limits),
        retry_seconds_max=limits.replica_retry_ms_max / 1_000,
    )
    await replica.look()
    watching = asyncio.create_task(replica.watch(), name="replica")
    try:
        yield replica
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await replica.close()
