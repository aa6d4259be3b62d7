"""Connections to PostgreSQL: SQLAlchemy's for writing, and raw asyncpg ones for reading, whose JSON stays text."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine


def driver_url(database_url: str) -> URL:
    """`database_url` as SQLAlchemy wants it for asyncpg, whatever PostgreSQL scheme it is written in."""
    return make_url(database_url).set(drivername="postgresql+asyncpg")


def asyncpg_url(database_url: str) -> str:
    """`database_url` as asyncpg itself wants it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


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
        connect_args={"server_settings": server_settings(statement_ms_max, application="lading write")},
    )


def sessions_of(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """The sessions that commands write in; objects stay readable after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
