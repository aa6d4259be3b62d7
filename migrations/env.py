"""How Alembic runs Lading's migrations: one migrator at a time, and never waiting long for a lock that trade holds."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from alembic import context
from alembic.operations import MigrationScript
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.outbox import TransactionId
from app.kernel.tables import Table
from app.server.database import driver_url
from app.server.indexing import PATIENCE
from app.server.migrating import import_tables
from app.server.settings import complete, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic.autogenerate.api import AutogenContext
    from alembic.runtime.migration import MigrationContext

MIGRATOR_LOCK = 0x1AD1_0002
"""The advisory lock that migrators of one database take in turn."""
TURN_SECONDS = 0.2
"""So often a migrator looks whether it is its turn."""


def number(_: MigrationContext, __: Iterable[str | None] | Iterable[str], directives: list[MigrationScript]) -> None:
    """Number new revisions 0001, 0002 and so on, and make none where nothing changed."""
    script, automatic = directives[0], getattr(config.cmd_opts, "autogenerate", False)
    if automatic and script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        directives.clear()
        return
    script.rev_id = f"{int(context.script.get_current_head() or 0) + 1:04d}"


def spell(kind: str, what: Any, autogenerating: AutogenContext) -> str | Literal[False]:
    """Write column types of our own by their names, with an import; Alembic writes all else."""
    module = type(what).__module__
    if kind != "type" or not module.startswith("app."):
        return False
    autogenerating.imports.add(f"from {module} import {type(what).__name__}")
    return repr(what)


config = context.config
OPTIONS: dict[str, Any] = {
    "target_metadata": Table.metadata,
    "compare_type": True,
    "compare_server_default": True,
    "transaction_per_migration": True,
    "process_revision_directives": number,
    "render_item": spell,
}


def migrate(connection: Connection) -> None:
    """Run the migrations on `connection`, alone; whoever comes meanwhile waits and then finds nothing to do.

    It waits outside of any transaction: who builds an index concurrently waits for all that are under way.
    """
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATOR_LOCK}):
        connection.rollback()
        time.sleep(TURN_SECONDS)
    for setting in PATIENCE:
        connection.execute(text(setting))
    connection.commit()
    context.configure(connection=connection, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


async def migrate_at(database_url: str) -> None:
    """Connect to the database at `database_url` and migrate it."""
    engine = create_async_engine(driver_url(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


def write_sql() -> None:
    """Write the migrations as SQL, for reviews and linters, without any database."""
    context.configure(dialect_name="postgresql", literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        for setting in PATIENCE:
            context.execute(setting)
        context.run_migrations()


def main() -> None:
    """Migrate the database that the caller named, else the one of the settings."""
    import_tables()
    ischema_names["xid8"] = TransactionId
    if context.is_offline_mode():
        write_sql()
    elif database_url := config.attributes.get("database_url"):
        asyncio.run(migrate_at(database_url))
    else:
        with complete(read_settings()) as settings:
            asyncio.run(migrate_at(settings.written_to))


main()
