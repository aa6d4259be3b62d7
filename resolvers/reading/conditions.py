"""The conditions of a statement: who may see a row, what a filter asks, and where a page's cursors stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.kernel.principal import Role
from app.kernel.text_search import search_text
from resolvers.reading.expressions import column_text, expression_text, visibility_text
from resolvers.reading.keyset import ALTERNATIVES_MAX, Alternative, Bound, side, within
from resolvers.reading.parameters import Parameters
from resolvers.reading.shapes import AllOf, AnyOf, Compare, ListField, Matches, Not, Related
from schema.answers import ColumnOf
from schema.nodes import NodeType

OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
PATTERNS = frozenset({"contains", "startsWith"})
"""Operators by which texts are compared in their folded form, of which an index keeps the trigrams."""
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
            case Matches():
                return self.matches(condition, alias)
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
        """One column or measure against one value."""
        column = self.parameters.numbered(expression_text(condition.expression, condition.table, alias))
        if not isinstance(condition.expression, ColumnOf):
            column = f"({column})"
        if condition.slot is None:
            return f"{column} is null" if condition.operator == "isNull" else f"{column} is not null"
        value = self.parameters.add(condition.slot)
        if condition.operator == "in":
            return f"{column} = any({value})"
        if condition.operator == "has":
            return f"{value} = any({column})"
        if condition.operator in PATTERNS:
            return f"folded({column}) like folded({value})"
        if condition.operator in RANGE and condition.slot.sql_type == "text":
            value += ' collate "C"'
        return f"{column} {OPERATORS[condition.operator]} {value}"

    def matches(self, condition: Matches, alias: str) -> str:
        """The texts of a row have every word: an index finds those with the longest, in one look."""
        whole = search_text(column_text(alias, column) for column in condition.columns)
        told = [f"{whole} like folded({self.parameters.add(word)})" for word in condition.words]
        if condition.every:
            told.append(f"{whole} like all (string_to_array(folded({self.parameters.add(condition.every)}), chr(10)))")
        return " and ".join(told)

    def between(self, part: ListField, alias: str) -> list[str]:
        """The rows after the page's `after` cursor and before its `before` cursor, as alternatives to read apart."""
        found: list[Alternative] = [()]
        for cursor, after in ((part.page.after, True), (part.page.before, False)):
            found = within(found, side(part.order, cursor, after=after)) if cursor else found
        told = [self.alternative(bounds, alias) for bounds in found] or ["false"]
        return told if len(told) <= ALTERNATIVES_MAX else [f"({' or '.join(f'({text})' for text in told)})"]

    def beyond(self, part: ListField, *, after: bool) -> list[Alternative]:
        """The rows from the cursor on that the page lies before, or with `after` False lies after."""
        cursor = part.page.before if after else part.page.after
        return side(part.order, cursor, after=after, inclusive=True) if cursor else []

    def alternative(self, bounds: Alternative, alias: str) -> str:
        """Bounds that hold together, on the row called `alias`."""
        return " and ".join(self.bound(bound, alias) for bound in bounds) or "true"

    def bound(self, bound: Bound, alias: str) -> str:
        """Columns of the row called `alias` compared with values, or with null."""
        columns = [column_text(alias, column) for column in bound.columns]
        if not bound.values:
            return f"{columns[0]} {bound.sign}"
        values = [self.parameters.add(slot) for slot in bound.values]
        if len(values) == 1:
            return f"{columns[0]} {bound.sign} {values[0]}"
        return f"({', '.join(columns)}) {bound.sign} ({', '.join(values)})"
