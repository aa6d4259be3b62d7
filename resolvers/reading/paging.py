"""From a connection's arguments to a page: how many, from which end, and where its cursors stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resolvers.errors import RequestError, over_limit
from resolvers.reading.cursors import nulls_in, part_of, refused
from resolvers.reading.keyset import keys, signature
from resolvers.reading.shapes import Page, SortKey
from resolvers.reading.sources import Slot
from schema.nodes import NodeType


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
        size = self.size(name, source)
        around = {side: self._cursor(node, order, self._given(arguments, side)) for side in ("after", "before")}
        return Page(size, last is not None, around["after"], around["before"])

    def groups(self, arguments: Mapping[str, Any], default: int) -> int:
        """How many groups `arguments` ask for; they are bounded as pages are."""
        source = self._given(arguments, "first")
        return min(default, self.limit) if source is None else _size("first", self.limit, source.value(self.values, {}))

    def size(self, name: str, source: Any) -> int:
        """How many items the argument `name` asks for; so many as a page has by default where it was not given."""
        return self.default if source is None else _size(name, self.limit, source.value(self.values, {}))

    def _given(self, arguments: Mapping[str, Any], name: str) -> Any:
        """The source of an argument that is there and not null."""
        source = arguments.get(name)
        return None if source is None or source.value(self.values, {}) is None else source

    def _cursor(self, node: NodeType, order: tuple[SortKey, ...], source: Any) -> tuple[Slot | None, ...]:
        """The keys of a cursor, each a slot of its own or None where it is null; empty where there is no cursor."""
        if source is None:
            return ()
        placed = keys(order)
        columns = [node.table.__table__.c[key.column] for key in placed]
        kinds = tuple(_plain(column.type.python_type) for column in columns)
        nulls, made_for = nulls_in(source.value(self.values, {})), signature(order)
        if not all(index < len(placed) and placed[index].nullable for index in nulls):
            raise refused()
        return tuple(
            None if index in nulls else Slot(source, part_of(made_for, kinds, index), key_type(column))
            for index, column in enumerate(columns)
        )


def sort_key(node: NodeType, column: str, *, descending: bool) -> SortKey:
    """The key by which a list of `node` is ordered by one of its columns."""
    return SortKey(column, descending, bool(node.table.__table__.c[column].nullable))


def key_type(column: Any) -> str:
    """The PostgreSQL type that a cursor's key for `column` is bound as: no whole number is too large for it."""
    told = sql_type(column)
    return "bigint" if told == "integer" else told


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
