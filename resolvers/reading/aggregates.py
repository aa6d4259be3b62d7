"""Groups in SQL: rows counted and summed by what they have in common, as one sub-select for each selection.

Money is never added over two currencies: groups are split by currency first, and put together again with a list of
amounts each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from resolvers.reading.conditions import Conditions
from resolvers.reading.expressions import column_text, expression_text
from resolvers.reading.rows import Pairs, rows, single
from resolvers.reading.shapes import (
    GroupField,
    GroupKey,
    GroupsPart,
    ListField,
    MoneyField,
    NumberField,
    ObjectPlan,
    Rollup,
)
from schema.answers import ColumnOf, Expression
from schema.nodes import NodeType

PERIODS = {"day": "({})::date", "week": "date_trunc('week', {})::date", "month": "date_trunc('month', {})::date"}
"""The first day of each period that an instant lies in, when it is told in a time zone."""
REGROUPED = {"sum": "sum", "count": "sum", "min": "min", "max": "max"}
"""What makes an aggregate of groups out of those of their parts."""
AVERAGE_PLACES = 4
"""Digits after the point of an average: as many as amounts are kept with."""


class GroupPrinter:
    """Prints the groups of one statement's lists."""

    def __init__(
        self, conditions: Conditions, alias: Callable[[NodeType], str], fields: Callable[[ObjectPlan, str], Pairs]
    ) -> None:
        """Print groups of rows restricted by `conditions`; `fields` shows the objects that groups have in common."""
        self.conditions = conditions
        self.alias = alias
        self.fields = fields

    def groups(self, part: GroupsPart, within: ListField, above: str | None, rollup: str | None) -> str:
        """The groups of a list, as the JSON of a list; made of its `rollup` where that holds them."""
        alias = self.alias(within.node)
        is_rolled_up = within.rollup is not None and within.rollup.holds(part)
        whole = self.rolled_up(part, within, str(rollup)) if is_rolled_up else self.grouped(part, within, above)
        if part.currency is not None:
            whole = self.regrouped(part, whole, self.alias(within.node))
        order = ", ".join(f"{key.column} desc nulls last" if key.descending else key.column for key in part.order)
        ordered = f" order by {order}" if order else ""
        pairs = [(field.key, self.field(field, place, within.node, alias)) for place, field in enumerate(part.fields)]
        return f"({rows(pairs, f'from ({whole}{ordered} limit {part.size}) {alias}')})"

    def grouped(self, part: GroupsPart | Rollup, within: ListField, above: str | None) -> str:
        """Keys, count and aggregates over the rows of a list, split by currency where money is told."""
        alias = self.alias(within.node)
        columns = [f"{self.key(key, within.node, alias)} as k{place}" for place, key in enumerate(part.keys)]
        alike = [kept(key, alias) or str(place + 1) for place, key in enumerate(part.keys)]
        if part.currency is not None:
            columns.append(f"{self.expression(part.currency, within.node, alias)} as c")
            alike.append(str(len(columns)))
        columns.append("count(*) as n")
        for place, aggregate in enumerate(part.aggregates):
            told = self.expression(aggregate.expression, within.node, alias)
            columns.append(f"{reckoned(aggregate.function, told)} as a{place}")
        return f"select {', '.join(columns)} {self.conditions.rows(within, alias, above)}{grouped_by(alike)}"

    def rolled_up(self, part: GroupsPart, within: ListField, rollup: str) -> str:
        """The same, put together out of the rollup of the list."""
        whole, alias = within.rollup, self.alias(within.node)
        assert whole is not None  # noqa: S101
        columns = [f"{alias}.k{whole.keys.index(key)} as k{place}" for place, key in enumerate(part.keys)]
        if part.currency is not None:
            columns.append(f"{alias}.c")
        split = by_place(len(columns))
        columns.append(f"{reckoned('sum', f'{alias}.n')} as n")
        for place, aggregate in enumerate(part.aggregates):
            told = f"{alias}.a{whole.aggregates.index(aggregate)}"
            columns.append(f"{reckoned(REGROUPED[aggregate.function], told)} as a{place}")
        return f"select {', '.join(columns)} from {rollup} {alias}{split}"

    def regrouped(self, part: GroupsPart, whole: str, alias: str) -> str:
        """Groups put together again out of their parts, each with its amounts by currency."""
        columns = [f"{alias}.k{place}" for place in range(len(part.keys))]
        columns.append(f"{reckoned('sum', f'{alias}.n')} as n")
        for place, aggregate in enumerate(part.aggregates):
            columns.append(f"{reckoned(REGROUPED[aggregate.function], f'{alias}.a{place}')} as a{place}")
        for place, field in enumerate(part.fields):
            if isinstance(field, MoneyField):
                columns.append(f"{amounts(field, alias)} as m{place}")
        return f"select {', '.join(columns)} from ({whole}) {alias}{by_place(len(part.keys))}"

    def key(self, key: GroupKey, node: NodeType, alias: str) -> str:
        """What rows are grouped by; texts are sorted by their characters' codes, so alike on every server."""
        told = self.expression(key.expression, node, alias)
        if key.hides is not None:
            inner = self.alias(key.hides)
            conditions = [f"{inner}.id = {told}", *self.conditions.guard(key.hides, inner, guarded=True)]
            return f"(select {inner}.id from {key.hides.table.__tablename__} {inner} where {' and '.join(conditions)})"
        if key.period is not None and key.zone is not None:
            return PERIODS[key.period].format(f"{told} at time zone {self.conditions.parameters.add(key.zone)}")
        return told if key.kind in (int, bool) else f'{told} collate "C"'

    def field(self, field: Any, place: int, node: NodeType, alias: str) -> str:
        """One field of the group called `alias`, of which it is the one at `place`."""
        match field:
            case GroupField(column=None):
                return "null::text"
            case GroupField(column=str(column)):
                return f"{alias}.{column}"
            case NumberField():
                return number(f"{alias}.{field.total}", field.divisor and f"{alias}.{field.divisor}")
            case MoneyField():
                return f"{alias}.m{place}"
        ((_, told),) = self.fields(ObjectPlan(node, (field,)), alias)
        return told

    def expression(self, expression: Expression, node: NodeType, alias: str) -> str:
        """A declared expression with its viewer parameters numbered."""
        return self.conditions.parameters.numbered(expression_text(expression, node.table, alias))


def kept(key: GroupKey, alias: str) -> str | None:
    """The column of the row called `alias` that is the key but for its order, where there is one.

    Rows are alike by it whatever it is sorted by, and an index that has them together is sorted as the column is.
    """
    if not isinstance(key.expression, ColumnOf) or key.period is not None or key.hides is not None:
        return None
    return column_text(alias, key.expression.name)


def by_place(columns: int) -> str:
    """GROUP BY the first columns of a select."""
    return grouped_by([str(place + 1) for place in range(columns)])


def grouped_by(alike: Sequence[str]) -> str:
    """GROUP BY what rows have in common; without anything, all rows are one group, even where there are none."""
    return f" group by {', '.join(alike)}" if alike else ""


def reckoned(function: str, text: str) -> str:
    """An aggregate; the sum of nothing is 0."""
    return f"coalesce(sum({text}), 0)" if function == "sum" else f"{function}({text})"


def amounts(field: MoneyField, alias: str) -> str:
    """The list of a group's amounts, one for each currency in which it has any."""
    total, count = f"{alias}.{field.total}", f"{alias}.{field.count}"
    told = {
        "amount": number(total, count if field.average else None),
        "currency": f"{alias}.c",
        "__typename": "'Money'::text",
    }
    amount = single([(key, told[name]) for key, name in field.parts], "")
    return f"coalesce(json_agg(({amount}) order by {alias}.c) filter (where {count} > 0), '[]')"


def number(total: str, divisor: str | None) -> str:
    """A sum as exact text, or with a divisor the average, null over nothing."""
    told = f"round({total}::numeric / nullif({divisor}, 0), {AVERAGE_PLACES})" if divisor else f"{total}::numeric"
    return f"trim_scale({told})::text"
