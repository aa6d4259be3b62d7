"""A plan in outline, for people: what each response key is answered by, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resolvers.reading.keyset import signature
from resolvers.reading.shapes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    EdgesPart,
    FoundPart,
    GroupField,
    GroupsPart,
    ListField,
    LookupField,
    Matches,
    MoneyField,
    NodesField,
    NodesPart,
    Not,
    NumberField,
    ObjectPlan,
    OneField,
    OneOfField,
    PageInfoPart,
    Plan,
    ReferencesField,
    Related,
    ScalarField,
    SearchField,
    ValueField,
)
from schema.answers import Expression

STEP = "  "


def outline(plan: Plan) -> Iterator[str]:
    """The lines of a plan."""
    for root in plan.roots:
        yield from _part(root, "")


def _part(part: Any, indent: str) -> Iterator[str]:
    """What one response key is answered by, and what lies below it."""
    yield f"{indent}{part.key}: {_what(part)}"
    for below in _below(part):
        yield from _part(below, indent + STEP)


def _what(part: Any) -> str:
    """How one part is answered, in a line."""
    match part:
        case ListField():
            return _list(part)
        case LookupField() | OneField():
            named = "of" if isinstance(part, OneField) else "by"
            return f"the {part.shows.node.name} {named} {part.column}{_guarded(part)}"
        case NodesField():
            return f"{len(part.items)} objects by their ids"
        case GroupsPart() | GroupField() | NumberField() | MoneyField():
            return _grouped(part)
        case ScalarField():
            return _named(part.expression)
        case ValueField():
            return ", ".join(field.key for field in part.fields)
        case ReferencesField() | PageInfoPart():
            return ", ".join(name for _, name in part.parts)
        case Constant():
            return repr(part.text)
    return type(part).__name__.removesuffix("Part").lower()


def _of_several(part: OneOfField | SearchField) -> str:
    """One of several objects by what names it, or the best of them by a search."""
    if isinstance(part, OneOfField):
        return " or ".join(_what(branch) for branch in part.branches)
    nodes = ", ".join(node.name for node in part.nodes) or "nothing"
    return f"the best {part.size} of {nodes}, where visible"


def _list(part: ListField) -> str:
    """A connection: which rows, in which order, and how many."""
    end = "last" if part.page.backward else "first"
    told = [f"the {end} {part.page.size} of {part.node.name}"]
    told += [f"by {part.column}"] if part.column else []
    told += [f"in order of {signature(part.order)}"]
    told += [side for side in ("after", "before") if getattr(part.page, side)]
    told += [f"where {_where(part.where)}"] if part.where is not None else []
    return " ".join(told) + _guarded(part)


def _grouped(part: GroupsPart | GroupField | NumberField | MoneyField) -> str:
    """The groups of a list, or which column of its group a field shows."""
    match part:
        case GroupsPart():
            by = ", ".join(key.name for key in part.keys) or "nothing"
            order = ",".join(f"{key.column}{'-' if key.descending else '+'}" for key in part.order)
            told = f"the first {part.size} groups by {by}"
            return f"{told} in order of {order}" if order else told
        case GroupField():
            return part.column or "null, for it is no key"
        case NumberField():
            return f"the sum {part.total}" + (f" by the count {part.divisor}" if part.divisor else "")
    return f"the sum {part.total}" + (f" by the count {part.count}" if part.average else "") + " of each currency"


def _guarded(part: Any) -> str:
    return ", where visible" if part.guarded else ""


def _where(condition: Any) -> str:
    """A filter's condition in words."""
    match condition:
        case AllOf(parts=parts):
            return " and ".join(_where(part) for part in parts) or "true"
        case AnyOf(parts=parts):
            return f"({' or '.join(_where(part) for part in parts) or 'false'})"
        case Not(part=part):
            return f"not ({_where(part)})"
        case Related(node=node, part=part):
            return f"some {node.name} ({_where(part)})"
        case Matches(columns=columns):
            return f"{', '.join(columns)} have all words"
    assert isinstance(condition, Compare)  # noqa: S101
    return f"{_named(condition.expression)} {condition.operator}"


def _named(expression: Expression) -> str:
    """What a declared expression is called."""
    return str(getattr(expression, "name", None) or getattr(expression, "__name__", "an expression"))


def _below(part: Any) -> tuple[Any, ...]:
    """The parts below a part that are worth a line of their own."""
    match part:
        case ListField(parts=parts):
            return parts
        case GroupsPart(fields=fields):
            return fields
        case NodesPart(shows=ObjectPlan(fields=fields)) | LookupField(shows=ObjectPlan(fields=fields)):
            return fields
        case OneField(shows=ObjectPlan(fields=fields)):
            return fields
        case OneOfField(branches=branches) | SearchField(parts=branches):
            return branches
        case FoundPart(shows=shows):
            return tuple(field for plan in shows for field in plan.fields)
        case EdgesPart(parts=parts):
            shown = (inner for _, inner in parts if isinstance(inner, ObjectPlan))
            return tuple(field for plan in shown for field in plan.fields)
        case NodesField(items=items):
            return tuple(item for item in items if item)
    return ()
