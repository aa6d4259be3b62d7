"""Revisions of the database's schema: which ones the code knows, and which one a database has.

Alembic takes longer to import than all that is told here, so who only serves does without it.
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from app.server.database import CONNECT_SECONDS_MAX, asyncpg_url, place_of
from app.server.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Fetch = Callable[[str], Awaitable[object]]

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "migrations"


class RevisionMismatch(Failure):
    """The database's schema is not the one that this code is of."""


def revisions() -> list[str]:
    """The revisions that the code knows, oldest first: the numbers that the names of their files begin with."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py"))


def head() -> str:
    """The newest revision that the code knows, which is the one it needs."""
    return revisions()[-1]


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


def mismatch(found: str | None, wanted: str) -> str | None:
    """What is wrong with a database of revision `found` for code of revision `wanted`, and what to do."""
    if found == wanted:
        return None
    if found is None:
        return f"the database has no schema yet, but this code needs {wanted}: run `lading migrate`"
    if found in revisions():
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
