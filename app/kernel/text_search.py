"""Text search: names and numbers are compared in a folded form, without case and accents, by an index of trigrams."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

from sqlalchemy import DDL, ColumnElement, Index, event, literal_column

from app.kernel.tables import Table

FOLDED: Final = r"""
CREATE OR REPLACE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(
        pg_catalog.normalize(value, 'NFKD'), '[\u0300-\u036f]', '', 'g') COLLATE pg_catalog."default")
$$"""
"""The function by which texts are folded in SQL; its twin in Python is `resolvers/reading/texts.py`."""
TRIGRAMS: Final = "CREATE EXTENSION IF NOT EXISTS pg_trgm"

event.listen(Table.metadata, "before_create", DDL(TRIGRAMS))  # type: ignore[no-untyped-call]
event.listen(Table.metadata, "before_create", DDL(FOLDED))  # type: ignore[no-untyped-call]


def search_text(columns: Iterable[str]) -> str:
    """SQL of all that is searched of a row, folded, with a space before each of its texts.

    Its brackets are those of PostgreSQL, so that Alembic knows an index over it again.
    """
    texts = [f"coalesce({column}, '')" for column in columns]
    whole = reduce(lambda before, each: f"(({before}) || ' ') || {each}", texts[1:], f"' ' || {texts[0]}")
    return f"folded({whole})"


def search_index(table: str, *columns: str) -> Index:
    """The index by which the columns of `table` that its node declares as searchable are searched."""
    whole: ColumnElement[str] = literal_column(search_text(columns)).label("searched")
    return Index(f"ix_{table}_search", whole, postgresql_using="gin", postgresql_ops={"searched": "gin_trgm_ops"})
