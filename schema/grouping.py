"""Groups of a list: counts and sums over rows that have something in common. The form is the same for every node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from app.kernel.choice import is_choice
from app.kernel.money import CurrencyCode, Money
from schema.answers import Expression, One, Scalar, Value
from schema.names import camel, snake
from schema.nodes import Field, NodeType
from schema.types import Types, listed, optional

PERIODS = {
    "day": ("on", "The day of `{}` in the time zone asked for."),
    "week": ("in_week", "The Monday of the week of `{}` in the time zone asked for."),
    "month": ("in_month", "The first day of the month of `{}` in the time zone asked for."),
}
"""What an instant may be grouped by, with the ending of its name in place of `_at`, and its description."""
FORMS = {
    "sum": "The sum of `{}`{}.",
    "average": "The average of `{}`{}, to four digits after the point.",
    "min": "The earliest `{}`; null where there is none.",
    "max": "The latest `{}`; null where there is none.",
}
"""What may be told of a field over the rows of a group, with its description."""
KEY_NOTE = "Null unless the list is grouped by it; the group of those that have none has null too."
ZONE_DOC = "The IANA time zone in which days, weeks and months begin, such as `America/Sao_Paulo`; else UTC."
FIRST_DOC = "How many groups to give at most; 100 unless you say, and never more than a page may have."


@dataclass(frozen=True)
class KeyField:
    """A field that rows are grouped by, or the `period` of an instant."""

    name: str
    field: Field
    period: str | None
    doc: str

    @property
    def option(self) -> str:
        """Its name among the values of the enum."""
        return snake(self.name).upper()


@dataclass(frozen=True)
class ToldField:
    """What is told of a field over the rows of a group; `form` is one of FORMS."""

    name: str
    field: Field
    form: str

    @property
    def expression(self) -> Expression:
        """What is reckoned over the rows: the field's own expression, or the amount where it is money."""
        answer = self.field.answer
        assert isinstance(answer, Scalar | Value)  # noqa: S101
        return answer.parts["amount"] if isinstance(answer, Value) else answer.expression

    @property
    def money(self) -> Value | None:
        """How the field is answered where it is money, which has a value for each currency."""
        return self.field.answer if isinstance(self.field.answer, Value) else None


@dataclass(frozen=True)
class GroupType:
    """What a node's groups have: keys and told fields by GraphQL name; sorts by a told field, `count` or the keys."""

    name: str
    keys: Mapping[str, KeyField]
    told: Mapping[str, ToldField]
    sorts: Mapping[str, tuple[str | None, bool]]


@cache
def group_type(node: NodeType) -> GroupType:
    """The groups that lists of `node` have; TypeError where its declaration names what cannot be grouped or told."""
    declared = node.groups
    assert declared is not None  # noqa: S101
    keys = [key for name in declared.by for key in _keys(_field(node, name))]
    told = [_told(node, name, "sum", name) for name in declared.sums]
    told += [_told(node, name, "average", f"average_{name}") for name in declared.averages]
    for name in declared.spans:
        told += [_told(node, name, "min", f"earliest_{name}"), _told(node, name, "max", f"latest_{name}")]
    names = [*(key.name for key in keys), *(each.name for each in told)]
    if len({*names, "count"}) <= len(names):
        raise TypeError(f"{node.name}: two fields of its groups have one name among {', '.join(names)}")
    plain = [each.name for each in told if each.form == "sum" and each.money is None]
    sorts = {"KEYS_ASC": (None, False), "KEYS_DESC": (None, True), "COUNT_DESC": ("count", True)}
    sorts |= {f"{snake(name).upper()}_DESC": (name, True) for name in plain}
    return GroupType(f"{node.name}Group", {key.name: key for key in keys}, {each.name: each for each in told}, sorts)


def add_groups(types: Types, connection: Any, node: NodeType) -> None:
    """Give a connection the groups that were declared for its node."""
    if node.groups is None:
        return
    kind = group_type(node)
    made = types.object(kind.name, f"{node.name} objects of a list that have something in common, counted together.")
    for key in kind.keys.values():
        types.add(made, key.name, optional(_shape(types, key)), f"{key.doc} {KEY_NOTE}")
    types.add(made, "count", int, "How many there are.")
    for each in kind.told.values():
        doc = FORMS[each.form].format(each.field.name, ", for each currency" if each.money else "")
        types.add(made, each.name, _told_shape(types, each), doc)
    types.add(connection, "groups", listed(made), _doc(node), arguments=_arguments(types, node, kind))


def _doc(node: NodeType) -> str:
    return f"Every {node.name} of the whole list in groups, counted and summed. Pages do not matter to it."


def _arguments(types: Types, node: NodeType, kind: GroupType) -> dict[str, tuple[Any, str]]:
    """The arguments of `groups`."""
    options = {key.option: key.doc for key in kind.keys.values()}
    by = types.enum(f"{kind.name}By", f"What a list of {node.name} objects may be grouped by.", options)
    orders = {option: _order_doc(*told) for option, told in kind.sorts.items()}
    sort = types.enum(f"{kind.name}Sort", f"The orders that groups of {node.name} objects may have.", orders)
    return {
        "by": (listed(by), "What the rows of a group have in common; without any, all rows are one group."),
        "timeZone": (str | None, ZONE_DOC),
        "sort": (optional(sort), "In this order; else by the keys, smallest first. Ties are broken by the keys."),
        "first": (int | None, FIRST_DOC),
    }


def _order_doc(name: str | None, descending: bool) -> str:  # noqa: FBT001
    if name is None:
        return f"By the keys in turn, {'largest' if descending else 'smallest'} first, those without one last."
    return f"By `{name}`, largest first."


def _field(node: NodeType, name: str) -> Field:
    """The field of a node that a declaration names."""
    if camel(name) not in node.fields:
        raise TypeError(f"{node.name} has no field {name!r} to group by or to tell of its groups")
    return node.fields[camel(name)]


def _keys(field: Field) -> Iterator[KeyField]:
    """The keys that a field offers: itself, or the periods of an instant."""
    answer = field.answer
    if isinstance(answer, Scalar) and field.kind is datetime:
        for period, (ending, doc) in PERIODS.items():
            stem = snake(field.name).removesuffix("_at")
            yield KeyField(camel(f"{stem}_{ending}"), field, period, doc.format(field.name))
    elif isinstance(answer, One) or _is_plain(field):
        yield KeyField(field.name, field, None, answer.doc)
    else:
        raise TypeError(f"{field.name!r} is no key of groups: it is no choice, text, truth value, instant or object")


def _is_plain(field: Field) -> bool:
    """Whether a field is a value by which rows can be grouped as they are."""
    plain = is_choice(field.kind) or field.kind in (str, bool, CurrencyCode)
    return isinstance(field.answer, Scalar) and plain and not field.listed


def _told(node: NodeType, name: str, form: str, called: str) -> ToldField:
    """A told field of a declaration, if its form fits its kind."""
    field = _field(node, name)
    numeric = field.kind in (int, Decimal) or (isinstance(field.answer, Value) and field.answer.kind is Money)
    if not (field.kind is datetime if form in ("min", "max") else numeric):
        raise TypeError(f"{node.name}.{name} has no {form} that groups could tell")
    return ToldField(camel(called), field, form)


def _shape(types: Types, key: KeyField) -> Any:
    """The GraphQL type of a key."""
    if key.period:
        return date
    if key.field.target:
        return types.by_name[key.field.target]
    return types.choice(key.field.kind) if is_choice(key.field.kind) else key.field.kind


def _told_shape(types: Types, told: ToldField) -> Any:
    """The GraphQL type of what is told: sums are Decimals, for a sum of whole numbers may be too large for an Int."""
    if told.money:
        return listed(types.by_name[Money.__name__])
    if told.form == "sum":
        return Decimal
    return Decimal | None if told.form == "average" else datetime | None
