"""SQL text of a named expression over one row: measures and visibility rules, printed once per alias."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import replacement_traverse

from app.kernel.principal import Role
from app.kernel.tables import Row
from schema.answers import ColumnOf, Expression
from schema.nodes import NodeType

DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
QUOTE = DIALECT.identifier_preparer.quote
EXPRESSIONS_KEPT = 4_096
VIEWER_MARK = re.compile(r"viewer:(\w+):")


def column_text(alias: str, name: str) -> str:
    """A column of the row called `alias`."""
    return f"{alias}.{QUOTE(name)}"


@lru_cache(EXPRESSIONS_KEPT)
def expression_text(expression: Expression, table: type[Row], alias: str) -> str:
    """The SQL of `expression` over the row of `table` called `alias`, its viewer parameters as `viewer:name:`."""
    if isinstance(expression, ColumnOf):
        return column_text(alias, expression.name)
    row = table.__table__.alias(alias)
    return printed(expression(row), row)


@lru_cache(EXPRESSIONS_KEPT)
def visibility_text(node: NodeType, alias: str, roles: frozenset[Role]) -> str:
    """The condition under which callers with `roles` see the row of `node` called `alias`."""
    row = node.table.__table__.alias(alias)
    return printed(node.visibility.condition(row, roles), row)


def printed(element: ColumnElement[Any], row: FromClause) -> str:
    """One expression over `row`, as it stands inside a statement that has `row` in its FROM.

    SQLAlchemy correlates sub-queries only inside a statement, so the expression is printed as the one column of one.
    """
    marked = replacement_traverse(element, {}, _mark_viewer)
    statement = select(marked.label("printed")).select_from(row)
    text = str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    inner, _, _ = text.removeprefix("SELECT ").rpartition(" AS printed \nFROM ")
    return " ".join(inner.split()) if "'" not in inner else inner.replace("\n", " ")


def _mark_viewer(element: Any, **_: Any) -> Any:
    """A viewer parameter becomes a mark that the printer of the statement numbers."""
    if isinstance(element, BindParameter) and element.key.startswith("viewer_"):
        return literal_column(f"viewer:{element.key}:", element.type)
    return None
