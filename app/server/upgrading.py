"""The way up: Alembic brings a database's schema to a revision."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from app.server.migrating import MIGRATIONS, ROOT


def configuration(database_url: str | None = None) -> Config:
    """Alembic's configuration for the database at `database_url`; without one, for the database of the settings."""
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring a database to `revision`. Migrators that race wait for one another. No event loop may be running."""
    command.upgrade(configuration(database_url), revision)
