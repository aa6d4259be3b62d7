"""Who saw rows as they were before: the rule of a node's visibility over columns that an event told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy.dialects import postgresql

from app.kernel.principal import Role
from resolvers.reading.expressions import QUOTE, visibility_text
from resolvers.reading.parameters import Parameters
from resolvers.reading.sources import Slot, Source
from resolvers.reading.sql import Statement
from schema.nodes import NodeType

NUMBER, KEY = "#", "##"
"""What a row as it was is called by, and the key of the row; no column has such a name."""
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def former_row(number: int, key: int, columns: Mapping[str, Any]) -> dict[str, Any]:
    """One row as it was: its number among those that are asked for, its key, and the columns that are known."""
    return {NUMBER: number, KEY: key, **columns}


def print_former(node: NodeType, columns: Sequence[str], roles: frozenset[Role], rows_of: Source) -> Statement:
    """The statement that answers the numbers of those rows which callers with `roles` saw.

    Rows are given with `columns` as they were; all other columns are taken as they are now.
    """
    parameters, alias, table = Parameters(), "former", node.table.__table__
    given = parameters.add(Slot(rows_of, _as_json, "jsonb"))
    kinds = {name: table.c[name].type.compile(dialect=DIALECT) for name in columns}
    shape = ", ".join(f"{QUOTE(name)} {kind}" for name, kind in {NUMBER: "bigint", KEY: "bigint", **kinds}.items())
    told = ", ".join(f"{'given' if name in kinds else 'present'}.{QUOTE(name)}" for name in table.columns.keys())  # noqa: SIM118
    source = f"from jsonb_to_recordset({given}) as given ({shape})"
    joined = f'join {node.table.__tablename__} present on present.id = given."{KEY}"'
    rows = f'select given."{NUMBER}", {told} {source} {joined}'
    rule = parameters.numbered(visibility_text(node, alias, roles))
    tail = f"from ({rows}) {alias} where {rule}"
    text = f"select {alias}.\"{NUMBER}\", 'true' {tail}"
    return Statement(text, parameters.slots(), ())


def _as_json(rows: Any) -> str:
    return orjson.dumps(rows).decode()
