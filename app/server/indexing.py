"""How revisions build and drop indexes: while trade goes on, and so that they may be repeated."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = ("SET lock_timeout = '5s'", "SET statement_timeout = '10min'")
"""A migration that cannot have its table by then fails and is repeated, rather than queueing all trade behind it."""
ENDLESS = ("SET lock_timeout = 0", "SET statement_timeout = 0")


@contextmanager
def concurrently() -> Iterator[None]:
    """Build and drop indexes while trade goes on, one after the other, for as long as that takes.

    It holds nobody up, but waits for every transaction that began before. What was done before a failure stays done,
    so a revision must bear being repeated.
    """
    with op.get_context().autocommit_block():
        for setting in ENDLESS:
            op.execute(setting)
        yield
        for setting in PATIENCE:
            op.execute(setting)


def build_index(name: str, table: str, columns: list[Any], **options: Any) -> None:
    """Build an index concurrently, in the place of one of that name, such as a failure left that nobody can use."""
    drop_index(name, table)
    op.create_index(name, table, columns, postgresql_concurrently=True, **options)


def drop_index(name: str, table: str) -> None:
    """Drop an index concurrently, unless that was done before."""
    op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)
