"""From the arguments and selection of `groups` to a part of the plan: its keys, what is reckoned, and what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from app.kernel.choice import is_choice
from app.kernel.money import CurrencyCode, Money
from resolvers.errors import RequestError
from resolvers.reading import decoding
from resolvers.reading.selecting import Details, Selecting
from resolvers.reading.shapes import (
    Aggregate,
    Constant,
    CountPart,
    GroupField,
    GroupKey,
    GroupsPart,
    MoneyField,
    NumberField,
    OneField,
    Rollup,
    SortKey,
)
from resolvers.reading.sources import Given, Slot, Symbol
from schema.answers import ColumnOf, Expression, One, Scalar
from schema.grouping import KeyField, ToldField, group_type
from schema.nodes import Field, NodeType

UTC = Given("UTC")


class Grouping:
    """Plans one selection of the groups of a list of `node`: each aggregate it needs is reckoned once."""

    def __init__(self, planner: Selecting, node: NodeType) -> None:
        self.planner = planner
        self.node = node
        self.kind = group_type(node)
        self._places: dict[str, int] = {}
        self._aggregates: dict[Aggregate, int] = {}
        self._currency: Expression | None = None

    def part(self, key: str, arguments: Mapping[str, Symbol], details: Details) -> GroupsPart:
        """The groups as part of a connection's plan."""
        options = {each.option: each for each in self.kind.keys.values()}
        by = [options[option] for option in dict.fromkeys(map(str, self.planner.value(arguments["by"])))]
        self._places = {each.name: place for place, each in enumerate(by)}
        keys = tuple(self._key(each, arguments.get("timeZone")) for each in by)
        order = self._order(self.planner.value(arguments.get("sort")))
        selected = self.planner.selected(self.kind.name, details)
        fields = tuple(self._field(response, inner) for response, inner in selected.items())
        size = self.planner.paging.groups(arguments, self.planner.limits.groups_default)
        return GroupsPart(
            key, keys, tuple(self._aggregates), self._currency, order, min(size, most(keys, size)), fields
        )

    def _key(self, key: KeyField, zone: Any) -> GroupKey:
        """One key; that of an object is null where the object itself would be."""
        self._allow(key.field)
        answer = key.field.answer
        if isinstance(answer, One):
            target = self.planner.graph.nodes[str(key.field.target)]
            through = self.node.visibility.through
            implied = through is not None and through.key == answer.key
            seen = implied or target.visibility.to_all(self.planner.roles)
            return GroupKey(key.name, ColumnOf(answer.key), int, None, None, None if seen else target, target.table.few)
        assert isinstance(answer, Scalar)  # noqa: S101
        given = zone if self.planner.value(zone) is not None else UTC
        slot = Slot(given, decoding.time_zone, "text") if key.period else None
        kind = key.field.kind
        few = is_choice(kind) or kind in (bool, CurrencyCode) or key.period is not None
        return GroupKey(key.name, answer.expression, kind, key.period, slot, None, few)

    def _order(self, option: Any) -> tuple[SortKey, ...]:
        """The order asked for, with the keys last: no two groups stand in the same place."""
        name, descending = (None, False) if option is None else self.kind.sorts[str(option)]
        if name is None:
            return tuple(SortKey(f"k{place}", descending) for place in self._places.values())
        lead = "n" if name == "count" else self._sum(self.kind.told[name])
        return (SortKey(lead, descending), *(SortKey(f"k{place}", descending=False) for place in self._places.values()))

    def _field(self, response: str, details: Details) -> Any:
        """One field of a group."""
        name = details[0].node.name.value
        if name == "__typename":
            return Constant(response, self.kind.name)
        if name == "count":
            return GroupField(response, "n")
        if name in self.kind.keys:
            return self._shown(response, self.kind.keys[name], details)
        return self._told(response, self.kind.told[name], details)

    def _shown(self, response: str, key: KeyField, details: Details) -> GroupField | OneField:
        """A key, null where the list is not grouped by it; an object was found visible with its key."""
        self._allow(key.field)
        column = f"k{self._places[key.name]}" if key.name in self._places else None
        if column is None or key.field.target is None:
            return GroupField(response, column)
        shows = self.planner.object(self.planner.graph.nodes[key.field.target], details)
        return OneField(response, column, shows, guarded=False)

    def _told(self, response: str, told: ToldField, details: Details) -> GroupField | NumberField | MoneyField:
        """What is told of a field over the rows of a group."""
        self._allow(told.field)
        if told.form in ("min", "max"):
            return GroupField(response, self._place(told.form, told.expression))
        total = self._sum(told)
        if told.money is None:
            return NumberField(response, total, self._count(told) if told.form == "average" else None)
        self._currency = told.money.parts["currency"]
        selected = self.planner.selected(Money.__name__, details)
        parts = tuple((part, inner[0].node.name.value) for part, inner in selected.items())
        return MoneyField(response, total, self._count(told), told.form == "average", parts)

    def _sum(self, told: ToldField) -> str:
        self._allow(told.field)
        return self._place("sum", told.expression)

    def _count(self, told: ToldField) -> str:
        """How many rows have a value at all."""
        return self._place("count", told.expression) if told.field.nullable else "n"

    def _place(self, function: str, expression: Expression) -> str:
        """The column of an aggregate, which is reckoned once however often it is shown."""
        return f"a{self._aggregates.setdefault(Aggregate(function, expression), len(self._aggregates))}"

    def _allow(self, field: Field) -> None:
        """Refuse a field that the caller's roles may not read, be it only to group or to sort by it."""
        if field.answer.roles is not None and not field.answer.roles & self.planner.roles:
            told = f"You may not read `{self.node.name}.{field.name}`, nor group by it or sum it; leave it out."
            raise RequestError("FORBIDDEN", told)


def rollup_of(parts: Sequence[Any]) -> Rollup | None:
    """What the count and several groupings of a list are made of; None where less than two can be.

    Only keys of which there are few are put together: else it would have a group for each row.
    """
    grouped = [part for part in parts if isinstance(part, GroupsPart) and all(key.few for key in part.keys)]
    if not grouped or len(grouped) + any(isinstance(part, CountPart) for part in parts) < 2:
        return None
    keys = dict.fromkeys(key for part in grouped for key in part.keys)
    aggregates = dict.fromkeys(aggregate for part in grouped for aggregate in part.aggregates)
    currency = next((part.currency for part in grouped if part.currency is not None), None)
    return Rollup(tuple(keys), tuple(aggregates), currency)


def most(keys: tuple[GroupKey, ...], size: int) -> int:
    """How many groups there can be, where that is less than `size`: each choice and truth value, and null."""
    kinds = (key.kind for key in keys)
    return prod(len(kind) + 1 if is_choice(kind) else 3 if kind is bool else max(size, 1) for kind in kinds)
