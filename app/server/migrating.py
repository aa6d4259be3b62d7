"""Revisions of the database's schema: which one the code is of, which one a database has, and the way up."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.server.database import CONNECT_SECONDS_MAX, asyncpg_url, place_of
from app.server.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Fetch = Callable[[str], Awaitable[object]]

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "migrations"


class RevisionMismatch(Failure):
    """The database's schema is not the one that this code is of."""


def configuration(database_url: str | None = None) -> Config:
    """Alembic's configuration for the database at `database_url`; without one, for the database of the settings."""
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config


def head() -> str | None:
    """The newest revision that the code knows, which is the one it needs."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring a database to `revision`. Migrators that race wait for one another. No event loop may be running."""
    command.upgrade(configuration(database_url), revision)


async def revision_by(fetch: Fetch) -> str | None:
    """The revision of a database that `fetch` (a connection's or pool's `fetchval`) asks; None where it has none."""
    if await fetch("SELECT to_regclass('alembic_version')") is None:
        return None
    found = await fetch("SELECT max(version_num) FROM alembic_version")
    return None if found is None else str(found)


async def revision_of(database_url: str) -> str | None:
    """The revision of the database at `database_url`."""
    try:
        connection = await asyncpg.connect(asyncpg_url(database_url), timeout=CONNECT_SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError) as refused:
        raise Failure(f"PostgreSQL at {place_of(database_url)} cannot be used: {refused}") from refused
    try:
        return await revision_by(connection.fetchval)
    finally:
        await connection.close()


def current(database_url: str) -> str | None:
    """The revision of the database at `database_url`, for callers without an event loop."""
    return asyncio.run(revision_of(database_url))


def mismatch(found: str | None, wanted: str | None) -> str | None:
    """What is wrong with a database of revision `found` for code of revision `wanted`, and what to do."""
    if found == wanted:
        return None
    if found is None:
        return f"the database has no schema yet, but this code needs {wanted}: run `lading migrate`"
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if found in known:
        return f"the database is at revision {found}, but this code needs {wanted}: run `lading migrate`"
    return f"the database is at revision {found}, which this code does not know: run the newer Lading that made it"


def require_head(database_url: str) -> None:
    """Check that a database has the schema that this code is of; RevisionMismatch says what to do where it has not."""
    wrong = mismatch(current(database_url), head())
    if wrong:
        raise RevisionMismatch(f"{wrong[0].upper()}{wrong[1:]}.")


def import_tables() -> None:
    """Import every module of `app` that may declare tables, so that the metadata is whole."""
    app = ROOT / "app"
    for path in sorted({*app.glob("kernel/*.py"), *app.glob("*/tables.py"), *app.glob("*/tables/*.py")}):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
