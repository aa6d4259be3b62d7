"""From a `where` argument to a condition: only the keys that are there become SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.kernel.limits import Limits
from app.kernel.principal import Role
from resolvers.errors import RequestError, over_limit
from resolvers.reading import decoding
from resolvers.reading.paging import sql_type
from resolvers.reading.shapes import AllOf, AnyOf, Compare, Not, Related
from resolvers.reading.sources import Slot
from schema.building import Field, NodeType
from schema.language import Many, One

DEPTH_MAX = 8


class Filters:
    """Reads `where` arguments for callers with `roles`."""

    def __init__(
        self, nodes: Mapping[str, NodeType], roles: frozenset[Role], values: Mapping[str, Any], limits: Limits
    ) -> None:
        self.nodes = nodes
        self.roles = roles
        self.values = values
        self.limits = limits
        self.conditions = 0

    def condition(self, node: NodeType, where: Any, *, depth: int = 0) -> Any:
        """The condition that the filter `where` puts on rows of `node`."""
        if depth > DEPTH_MAX:
            raise RequestError("FILTER_TOO_DEEP", f"A filter may be nested {DEPTH_MAX} deep.", limit=DEPTH_MAX)
        if not isinstance(where, dict):
            return AllOf(())
        self._count(len(where))
        return AllOf(tuple(self._key(node, key, value, depth) for key, value in where.items() if not self._null(value)))

    def _key(self, node: NodeType, key: str, value: Any, depth: int) -> Any:
        match key:
            case "and":
                return AllOf(tuple(self.condition(node, item, depth=depth + 1) for item in value))
            case "or":
                return AnyOf(tuple(self.condition(node, item, depth=depth + 1) for item in value))
            case "not":
                return Not(self.condition(node, value, depth=depth + 1))
            case "id":
                return self._operators("id", value, "bigint", decoding.keys_to_match(node.name))
        field = node.fields[key]
        if field.answer.roles is not None and not field.answer.roles & self.roles:
            raise RequestError("FORBIDDEN", f"You may not filter by `{node.name}.{key}`; leave it out.")
        match field.answer:
            case One(key=column):
                return self._one(node, field, column, value, depth)
            case Many(key=column):
                return self._many(node, field, column, value, depth)
        column = str(getattr(field.answer, "column", None))
        told = sql_type(node.table.__table__.c[column])
        return self._operators(column, value, told, decoding.text if told == "text" else decoding.same)

    def _one(self, node: NodeType, field: Field, column: str, value: Any, depth: int) -> Related:
        target = self.nodes[str(field.target)]
        through = node.visibility.through
        guarded = not (through is not None and through.key == column) and not target.visibility.to_all(self.roles)
        return Related(target, column, None, guarded, self.condition(target, value, depth=depth + 1))

    def _many(self, node: NodeType, field: Field, column: str, value: Any, depth: int) -> AllOf:
        """`some` and `none` over the rows that name this one."""
        del node
        target = self.nodes[str(field.target)]
        through = target.visibility.through
        guarded = not (through is not None and through.key == column) and not target.visibility.to_all(self.roles)
        parts: list[Any] = []
        for quantifier, inner in value.items():
            if self._null(inner):
                continue
            some = Related(target, None, column, guarded, self.condition(target, inner, depth=depth + 1))
            parts.append(some if quantifier == "some" else Not(some))
        return AllOf(tuple(parts))

    def _operators(self, column: str, value: Any, told: str, decode: Callable[[Any], Any]) -> AllOf:
        """What the operators given for one column say together."""
        return AllOf(tuple(self._compare(column, operator, source, told, decode) for operator, source in value.items()))

    def _compare(self, column: str, operator: str, source: Any, told: str, decode: Callable[[Any], Any]) -> Any:
        """One operator; given null it says nothing, but for `eq`, which then asks for null."""
        present = source.value(self.values, {})
        if operator == "isNull" and present is not None:
            return Compare(column, "isNull" if present else "isNotNull", None)
        if present is None:
            return Compare(column, "isNull", None) if operator == "eq" else AllOf(())
        if operator == "in":
            many = decoding.texts if decode is decoding.text else decode
            return Compare(
                column, operator, Slot(source, partial(_listed, self.limits.filter_values_max, many), f"{told}[]")
            )
        chosen = decoding.pattern if operator == "contains" else decode
        return Compare(column, operator, Slot(source, chosen, told))

    def _count(self, more: int) -> None:
        """Count conditions of the operation's filters; RequestError with both numbers where they are too many."""
        self.conditions += more
        limit = self.limits.filter_conditions_max
        if self.conditions > limit:
            told = "Filters have too many conditions"
            raise over_limit("FILTER_TOO_LONG", told, found=self.conditions, limit=limit)

    def _null(self, value: Any) -> bool:
        """Whether a key was given null, which says nothing."""
        return not isinstance(value, dict | list) and value.value(self.values, {}) is None


def _listed(limit: int, decode: Callable[[Any], Any], values: list[Any]) -> Any:
    """The values of an `in`, decoded; RequestError with both numbers where they are too many."""
    if len(values) > limit:
        raise over_limit("FILTER_TOO_LONG", "`in` has too many values", found=len(values), limit=limit)
    return decode(values)
