"""From a `where` argument to a condition: only the keys that are there become SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from app.kernel.limits import Limits
from app.kernel.principal import Role
from app.kernel.tables import Row
from resolvers.errors import RequestError, over_limit
from resolvers.reading import decoding, texts
from resolvers.reading.paging import sql_type
from resolvers.reading.shapes import AllOf, AnyOf, Compare, Matches, Not, Related
from resolvers.reading.sources import Slot
from schema.answers import ColumnOf, Expression, Many, One, Scalar, Value
from schema.names import camel
from schema.nodes import Field, NodeType

INDEXED = {"contains": texts.containing, "startsWith": texts.begun}
PATTERNS = {"contains": texts.containing, "startsWith": texts.beginning}
MEASURED = {int: "bigint", bool: "boolean", Decimal: "numeric", datetime: "timestamptz", date: "date"}
"""The PostgreSQL types that values compared with measures are bound as; those of texts and choices are text."""


@dataclass(frozen=True)
class Compared:
    """What a filter compares: an expression over rows of a table, and how the values beside it are bound."""

    table: type[Row]
    expression: Expression
    sql_type: str
    decode: Callable[[Any], Any]

    @property
    def is_never_null(self) -> bool:
        """Whether it is a column that every row has."""
        column = self.table.__table__.c[self.expression.name] if isinstance(self.expression, ColumnOf) else None
        return column is not None and not column.nullable


def compared(node: NodeType, expression: Expression, kind: Any) -> Compared:
    """What a filter compares of rows of `node`: a column, or a measure of the Python type `kind`."""
    if isinstance(expression, ColumnOf):
        told = sql_type(node.table.__table__.c[expression.name])
    else:
        told = MEASURED.get(kind, "text")
    return Compared(node.table, expression, told, decoding.text if told == "text" else decoding.same)


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
        if depth > self.limits.filter_depth_max:
            told, limit = "A filter is nested too deep", self.limits.filter_depth_max
            raise over_limit("FILTER_TOO_DEEP", told, found=depth, limit=limit)
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
                return self._operators(
                    Compared(node.table, ColumnOf("id"), "bigint", decoding.keys_to_match(node.name)), value
                )
            case "search":
                words = (Slot(value, texts.word(self.limits, n), "text") for n in range(texts.WORDS_INDEXED))
                return Matches(node.search, tuple(words), Slot(value, texts.every(self.limits), "text"))
        field = node.fields[key]
        if field.answer.roles is not None and not field.answer.roles & self.roles:
            raise RequestError("FORBIDDEN", f"You may not filter by `{node.name}.{key}`; leave it out.")
        match field.answer:
            case One(key=column):
                return self._one(node, field, column, value, depth)
            case Many(key=column):
                return self._many(node, field, column, value, depth)
            case Value():
                return self._value(node, field.answer, value)
        assert isinstance(field.answer, Scalar)  # noqa: S101
        found = self._operators(compared(node, field.answer.expression, field.kind), value)
        return AllOf((*self._by_index(node, value), found)) if field.answer.column in node.search else found

    def _by_index(self, node: NodeType, operators: Mapping[str, Any]) -> Iterator[Matches]:
        """What the texts of a row that are searched have together where one of them matches; an index finds that."""
        for operator, source in operators.items():
            if operator in INDEXED and not self._null(source):
                yield Matches(node.search, (Slot(source, INDEXED[operator], "text"),))

    def _one(self, node: NodeType, field: Field, column: str, value: Any, depth: int) -> Related:
        target = self.nodes[str(field.target)]
        through = node.visibility.through
        guarded = not (through is not None and through.key == column) and not target.visibility.to_all(self.roles)
        return Related(target, column, None, guarded, self.condition(target, value, depth=depth + 1))

    def _many(self, node: NodeType, field: Field, column: str, value: Any, depth: int) -> AllOf:
        """`some`, `every` and `none` over the rows that name this one."""
        del node
        target = self.nodes[str(field.target)]
        through = target.visibility.through
        guarded = not (through is not None and through.key == column) and not target.visibility.to_all(self.roles)
        parts: list[Any] = []
        for quantifier, inner in value.items():
            if self._null(inner):
                continue
            matching = self.condition(target, inner, depth=depth + 1)
            wanted = Not(matching) if quantifier == "every" else matching
            found = Related(target, None, column, guarded, wanted)
            parts.append(found if quantifier == "some" else Not(found))
        return AllOf(tuple(parts))

    def _value(self, node: NodeType, answer: Value, value: Any) -> AllOf:
        """What is asked of the parts of an object without identity, all of which are null where there is none."""
        self._count(len(value))
        present = compared(node, answer.present, None)
        expressions = {camel(name): expression for name, expression in answer.parts.items()}
        parts: list[Any] = []
        for name, asked in value.items():
            if self._null(asked):
                continue
            if name == "isNull":
                parts.append(self._compare(present, name, asked))
                continue
            part = compared(node, expressions[name], decoding.part_kind(answer.kind, name))
            parts += [self._of_value(present, self._compare(part, *operator)) for operator in asked.items()]
        return AllOf(tuple(parts))

    def _of_value(self, present: Compared, condition: Any) -> Any:
        """A comparison of a part of a value that may not be there."""
        if not isinstance(condition, Compare) or condition.expression == present.expression or present.is_never_null:
            return condition
        if condition.operator == "isNull":
            return AnyOf((condition, Compare(present.table, present.expression, "isNull", None)))
        return AllOf((condition, Compare(present.table, present.expression, "isNotNull", None)))

    def _operators(self, subject: Compared, value: Any) -> AllOf:
        """What the operators given for one column or measure say together."""
        return AllOf(tuple(self._compare(subject, operator, source) for operator, source in value.items()))

    def _compare(self, subject: Compared, operator: str, source: Any) -> Any:
        """One operator; given null it says nothing, but for `eq`, which then asks for null."""
        present = source.value(self.values, {})
        if operator == "isNull" and present is not None:
            return Compare(subject.table, subject.expression, "isNull" if present else "isNotNull", None)
        if present is None:
            return Compare(subject.table, subject.expression, "isNull", None) if operator == "eq" else AllOf(())
        decode, told = subject.decode, subject.sql_type
        if operator == "in":
            many = decoding.texts if decode is decoding.text else decode
            decode, told = partial(_listed, self.limits.filter_values_max, many), f"{told}[]"
        else:
            decode = PATTERNS.get(operator, decode)
        return Compare(subject.table, subject.expression, operator, Slot(source, decode, told))

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
