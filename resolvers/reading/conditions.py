"""The conditions of a statement: who may see a row, what a filter asks, and where a page's cursors stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.kernel.principal import Role
from resolvers.reading.expressions import column_text, visibility_text
from resolvers.reading.paging import keys
from resolvers.reading.parameters import Parameters
from resolvers.reading.shapes import AllOf, AnyOf, Compare, ListField, Not, Related, SortKey
from resolvers.reading.sources import Slot
from schema.building import NodeType

OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "contains": "ilike"}
RANGE = frozenset({"lt", "lte", "gt", "gte"})
"""Operators by which texts are compared by their characters' codes, so alike on every server."""


class Conditions:
    """Prints conditions for callers with `roles`."""

    def __init__(self, parameters: Parameters, roles: frozenset[Role], alias: Callable[[NodeType], str]) -> None:
        self.parameters = parameters
        self.roles = roles
        self.alias = alias

    def guard(self, node: NodeType, alias: str, *, guarded: bool) -> list[str]:
        """The rule by which the caller sees the row, unless it is known to be visible."""
        if not guarded or node.visibility.to_all(self.roles):
            return []
        return [f"({self.parameters.numbered(visibility_text(node, alias, self.roles))})"]

    def rows(self, part: ListField, alias: str, above: str | None, *more: str) -> str:
        """FROM and WHERE of a list: its rows under the row `above`, visible, filtered, and as `more` says."""
        conditions = [f"{column_text(alias, part.column)} = {above}.id"] if part.column and above else []
        conditions += self.guard(part.node, alias, guarded=part.guarded)
        if part.where is not None:
            conditions.append(self.where(part.where, alias))
        told = [condition for condition in (*conditions, *more) if condition != "true"]
        found = f"from {part.node.table.__tablename__} {alias}"
        return f"{found} where {' and '.join(told)}" if told else found

    def where(self, condition: Any, alias: str) -> str:
        """A filter's condition on the row called `alias`."""
        match condition:
            case AllOf(parts=parts):
                told = [text for text in (self.where(part, alias) for part in parts) if text != "true"]
                return " and ".join(told) if told else "true"
            case AnyOf(parts=parts):
                return f"({' or '.join(f'({self.where(part, alias)})' for part in parts)})" if parts else "false"
            case Not(part=part):
                return f"({self.where(part, alias)}) is not true"
            case Related():
                return self.related(condition, alias)
        assert isinstance(condition, Compare)  # noqa: S101
        return self.compare(condition, alias)

    def related(self, condition: Related, alias: str) -> str:
        """There is a row beside this one that matches."""
        inner = self.alias(condition.node)
        if condition.own is not None:
            joined = f"{inner}.id = {column_text(alias, condition.own)}"
        else:
            joined = f"{column_text(inner, str(condition.theirs))} = {alias}.id"
        told = [
            joined,
            *self.guard(condition.node, inner, guarded=condition.guarded),
            self.where(condition.part, inner),
        ]
        told = [text for text in told if text != "true"]
        return f"exists (select from {condition.node.table.__tablename__} {inner} where {' and '.join(told)})"

    def compare(self, condition: Compare, alias: str) -> str:
        """One column against one value."""
        column = column_text(alias, condition.column)
        if condition.slot is None:
            return f"{column} is null" if condition.operator == "isNull" else f"{column} is not null"
        value = self.parameters.add(condition.slot)
        if condition.operator == "in":
            return f"{column} = any({value})"
        if condition.operator in RANGE and condition.slot.sql_type == "text":
            value += ' collate "C"'
        return f"{column} {OPERATORS[condition.operator]} {value}"

    def between(self, part: ListField, alias: str) -> list[str]:
        """The rows after the page's `after` cursor and before its `before` cursor."""
        told = [self.side(part.order, part.page.after, alias, after=True)] if part.page.after else []
        return told + ([self.side(part.order, part.page.before, alias, after=False)] if part.page.before else [])

    def beyond(self, part: ListField, alias: str, above: str | None, *, after: bool) -> str:
        """Whether the list has rows from the cursor on that the page lies before, or with `after` False lies after."""
        cursor = part.page.before if after else part.page.after
        if not cursor:
            return "false"
        inside = self.side(part.order, cursor, alias, after=not after)
        return f"exists (select {self.rows(part, alias, above, f'({inside}) is not true')})"

    def side(self, order: tuple[SortKey, ...], cursor: tuple[Slot, ...], alias: str, *, after: bool) -> str:
        """The rows on one side of a cursor: one comparison of rows, for an index, where all keys run one way."""
        placed = keys(order)
        columns = [column_text(alias, key.column) for key in placed]
        values = [self.parameters.add(slot) for slot in cursor]
        signs = [">" if after is not key.descending else "<" for key in placed]
        if len(set(signs)) == 1:
            return f"({', '.join(columns)}) {signs[0]} ({', '.join(values)})"
        return self.mixed(columns, values, signs)

    def mixed(self, columns: list[str], values: list[str], signs: list[str]) -> str:
        """The same where keys run different ways: a bound on the first key, then key by key."""
        told = f"{columns[-1]} {signs[-1]} {values[-1]}"
        for column, value, sign in list(zip(columns, values, signs, strict=True))[-2::-1]:
            told = f"({column} {sign} {value} or ({column} = {value} and {told}))"
        return f"{columns[0]} {signs[0]}= {values[0]} and {told}"
