"""The groups of a list as the naive reader finds them: row by row, in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from schema.answers import One, Scalar
from schema.grouping import KeyField, ToldField, group_type
from tests.reading.spelling import told as shown

if TYPE_CHECKING:
    from tests.reading.naive import Found, Naive

GROUPS_DEFAULT = 100
PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class GroupOf:
    """Rows of a node that have in common what `keys` say."""

    node: str
    keys: Mapping[str, Any]
    rows: Sequence[Found]


def groups(naive: Naive, node: str, rows: Sequence[Found], arguments: Mapping[str, Any], caller: Any) -> list[GroupOf]:
    """The groups that rows of `node` fall into, as their arguments ask."""
    kind = group_type(naive.graph.nodes[node])
    options = {key.option: key for key in kind.keys.values()}
    by = [options[option] for option in dict.fromkeys(arguments["by"])]
    zone = ZoneInfo(arguments.get("timeZone") or "UTC")
    found: dict[tuple[Any, ...], list[Found]] = {} if by else {(): []}
    for row in rows:
        found.setdefault(tuple(_key(naive, row, key, zone, caller) for key in by), []).append(row)
    names = [key.name for key in by]
    made = [GroupOf(node, dict(zip(names, keys, strict=True)), inside) for keys, inside in found.items()]
    name, descending = kind.sorts[arguments.get("sort") or "KEYS_ASC"]
    for each in reversed(names):
        made = _sorted(made, each, descending=name is None and descending)
    if name is not None:
        made.sort(key=lambda group: _measured(naive, group, name), reverse=True)
    first = arguments.get("first")
    return made[: GROUPS_DEFAULT if first is None else first]


def of_group(naive: Naive, group: GroupOf, name: str) -> Any:
    """One field of a group."""
    kind = group_type(naive.graph.nodes[group.node])
    if name == "count":
        return len(group.rows)
    if name in kind.keys:
        return group.keys.get(name)
    told = kind.told[name]
    if told.money is None:
        return _reckoned(told, _values(naive, group.rows, told.expression))
    amounts: dict[str, list[Any]] = {}
    for row in group.rows:
        (currency,) = _values(naive, [row], told.money.parts["currency"])
        amounts.setdefault(currency, []).extend(_values(naive, [row], told.expression))
    return [
        {"amount": _reckoned(told, values), "currency": currency}
        for currency, values in sorted(amounts.items())
        if values
    ]


def _key(naive: Naive, row: Found, key: KeyField, zone: ZoneInfo, caller: Any) -> Any:
    """What a row has of a key."""
    if isinstance(key.field.answer, One):
        return naive.one(row, str(key.field.target), key.field.answer.key, caller)
    assert isinstance(key.field.answer, Scalar)
    values = _values(naive, [row], key.field.answer.expression)
    if not values or key.period is None:
        return values[0] if values else None
    instant: datetime = values[0]
    day = instant.astimezone(zone).date()
    begins = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
    return begins[key.period].isoformat()


def _sorted(made: list[GroupOf], name: str, *, descending: bool) -> list[GroupOf]:
    """Groups by one key, those without it last."""

    def place(group: GroupOf) -> Any:
        value = group.keys[name]
        return getattr(value, "key", value)

    there = [group for group in made if group.keys[name] is not None]
    return sorted(there, key=place, reverse=descending) + [group for group in made if group.keys[name] is None]


def _measured(naive: Naive, group: GroupOf, name: str) -> Decimal:
    return Decimal(of_group(naive, group, name))


def _values(naive: Naive, rows: Iterable[Found], expression: Any) -> list[Any]:
    """What an expression says of rows, where it says anything."""
    told = (naive.world.told[row.node, expression][row.key] for row in rows)
    return [value for value in told if value is not None]


def _reckoned(told: ToldField, values: list[Any]) -> Any:
    """What is told of values; the sum of none is 0."""
    if told.form in ("min", "max"):
        return shown((min if told.form == "min" else max)(values)) if values else None
    with localcontext(prec=60):
        total = sum((Decimal(value) for value in values), Decimal(0))
        if told.form == "sum":
            return shown(total)
        return shown((total / len(values)).quantize(PLACES, ROUND_HALF_UP)) if values else None
