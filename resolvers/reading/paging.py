"""From a connection's arguments to a page: how many, from which end, and where its cursors stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resolvers.errors import RequestError, over_limit
from resolvers.reading.cursors import part_of
from resolvers.reading.shapes import Page, SortKey
from resolvers.reading.sources import Slot
from schema.building import NodeType


def keys(order: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
    """The columns that place a row in `order`, with its id last: no two rows stand in the same place."""
    if any(key.column == "id" for key in order):
        return order
    return (*order, SortKey("id", order[-1].descending if order else False))


def signature(order: tuple[SortKey, ...]) -> str:
    """What a cursor says of the order it was made for."""
    return ",".join(f"{key.column}{'-' if key.descending else '+'}" for key in keys(order))


class Paging:
    """Reads the arguments of connections for one plan, whose pages have `default` and at most `limit` items."""

    def __init__(self, default: int, limit: int, values: Mapping[str, Any]) -> None:
        self.default = default
        self.limit = limit
        self.values = values

    def page(self, node: NodeType, order: tuple[SortKey, ...], arguments: Mapping[str, Any]) -> Page:
        """The page that `arguments` ask for of a list of `node` in `order`."""
        first, last = self._given(arguments, "first"), self._given(arguments, "last")
        if first is not None and last is not None:
            raise RequestError("BAD_USER_INPUT", "A page is counted from one end: give `first` or `last`, not both.")
        name, source = ("last", last) if last is not None else ("first", first)
        size = self.default if source is None else _size(name, self.limit, source.value(self.values, {}))
        around = {side: self._cursor(node, order, self._given(arguments, side)) for side in ("after", "before")}
        return Page(size, last is not None, around["after"], around["before"])

    def _given(self, arguments: Mapping[str, Any], name: str) -> Any:
        """The source of an argument that is there and not null."""
        source = arguments.get(name)
        return None if source is None or source.value(self.values, {}) is None else source

    def _cursor(self, node: NodeType, order: tuple[SortKey, ...], source: Any) -> tuple[Slot, ...]:
        """The keys of a cursor, each a slot of its own; none where there is no cursor."""
        if source is None:
            return ()
        columns = [node.table.__table__.c[key.column] for key in keys(order)]
        kinds = tuple(_plain(column.type.python_type) for column in columns)
        made_for = signature(order)
        return tuple(
            Slot(source, part_of(made_for, kinds, index), sql_type(column)) for index, column in enumerate(columns)
        )


def sql_type(column: Any) -> str:
    """The PostgreSQL type that a parameter compared with `column` is bound as."""
    names = {"VARCHAR(40)": "text", "TEXT": "text", "BIGINT": "bigint", "INTEGER": "integer", "BOOLEAN": "boolean"}
    told = str(column.type).split(" COLLATE")[0]
    if told.startswith("NUMERIC"):
        return "numeric"
    return names.get(told) or {"DATETIME": "timestamptz", "DATE": "date"}[told]


def _plain(kind: type) -> type:
    """The type that a cursor keeps a key as: choices are text."""
    return str if issubclass(kind, str) else kind


def _size(name: str, limit: int, value: Any) -> int:
    """A page's size within its bounds, or the refusal with both numbers."""
    if value > limit:
        raise over_limit("PAGE_TOO_LARGE", f"`{name}` asks for too long a page", found=value, limit=limit)
    if value < 0:
        raise RequestError("BAD_USER_INPUT", f"`{name}` is {value}; a page has 0 to {limit} items.")
    return int(value)
