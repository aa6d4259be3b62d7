"""Migrations: from an empty database they make exactly the tables of the code, and they do it alone."""

import asyncio
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import asyncpg
from alembic import command
from alembic.script import ScriptDirectory

from app.server.migrating import head, mismatch, revision_of, revisions
from app.server.upgrading import configuration
from tests import databases

SHAPE = {
    "columns": """
        SELECT table_name, column_name, data_type, numeric_precision, numeric_scale, is_nullable, column_default,
               collation_name, identity_generation, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, condeferrable, condeferred, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}
LINT_EXCLUDED = (
    "prefer-robust-stmts",  # A revision is one transaction, or builds indexes and may be repeated.
    "prefer-bigint-over-int",  # Counters and quantities are bounded far below 2**31.
    "prefer-text-field",  # A choice's column has one length for ever, and its CHECK names the values.
)


async def shape(database_url: str) -> dict[str, set[tuple[object, ...]]]:
    """What the catalogue of a database says of its tables, but for Alembic's own."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = {what: await connection.fetch(statement) for what, statement in SHAPE.items()}
    finally:
        await connection.close()
    return {what: {tuple(row) for row in found if row[0] != "alembic_version"} for what, found in rows.items()}


class TestRevisions:
    def test_are_those_that_alembic_finds(self):
        scripts = ScriptDirectory.from_config(configuration())
        assert [script.revision for script in scripts.walk_revisions()] == revisions()[::-1]
        assert scripts.get_heads() == [head()]


class TestMigrations:
    async def test_from_empty_equal_the_tables(self, database_url: str, empty_database_url: str):
        await databases.create_tables(empty_database_url)
        migrated, declared = await shape(database_url), await shape(empty_database_url)
        for what in SHAPE:
            assert migrated[what] - declared[what] == set(), f"{what} that only the migrations make"
            assert declared[what] - migrated[what] == set(), f"{what} that the migrations lack"

    async def test_leave_nothing_to_generate(self, database_url: str):
        with redirect_stdout(StringIO()):
            await asyncio.to_thread(command.check, configuration(database_url))

    async def test_wait_for_one_another(self, empty_database_url: str):
        migrate = [sys.executable, "-c", f"from app.server.upgrading import upgrade; upgrade({empty_database_url!r})"]
        racing = [await asyncio.create_subprocess_exec(*migrate, cwd=databases.ROOT) for _ in range(3)]
        assert [await migrator.wait() for migrator in racing] == [0, 0, 0]
        assert await revision_of(empty_database_url) == head()

    async def test_may_be_undone_and_repeated_after_a_build_that_was_broken_off(self, empty_database_url: str):
        config = configuration(empty_database_url)
        await asyncio.to_thread(command.upgrade, config, "head")
        whole = await shape(empty_database_url)
        await asyncio.to_thread(command.downgrade, config, "0002")
        connection = await asyncpg.connect(empty_database_url)
        await connection.execute("CREATE INDEX ix_orders_delivered_at_id ON orders (id)")
        broken_off = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_orders_delivered_at_id'::regclass"
        await connection.execute(broken_off)
        await asyncio.to_thread(command.upgrade, config, "head")
        assert await shape(empty_database_url) == whole
        assert await connection.fetchval("SELECT bool_and(indisvalid) FROM pg_index")
        await connection.close()

    def test_pass_the_linter(self, tmp_path: Path):
        sql = tmp_path / "migrations.sql"
        with sql.open("w") as output:
            config = configuration()
            config.output_buffer = output
            command.upgrade(config, "head", sql=True)
        squawk = Path(sys.executable).with_name("squawk")
        done = subprocess.run(
            [squawk, f"--exclude={','.join(LINT_EXCLUDED)}", sql], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


class TestMismatch:
    def test_says_what_to_do(self):
        assert mismatch(head(), head()) is None
        assert "run `lading migrate`" in str(mismatch(None, head()))
        assert "run the newer Lading" in str(mismatch("9999", head()))
