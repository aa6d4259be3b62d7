"""Filters of lists, drawn at random."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type

from app.kernel.identity import encode_id
from schema.answers import Expression, Many, One, Scalar, Value
from schema.names import camel
from schema.nodes import NodeType
from tests.reading.naive_searches import words_of
from tests.reading.spelling import Name, told

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

ZONES = (timezone.utc, timezone(timedelta(hours=5, minutes=30)))  # noqa: UP017
MALFORMED = ("junk", "", encode_id("Nothing", 1))
UNKNOWN = (10**12, 2**63 - 1)
"""Keys that no row has."""


def drawn_filter(drawing: Drawing, node: NodeType, depth: int) -> dict[str, Any]:
    """A filter over a node."""
    given: dict[str, Any] = {}
    names = [name for name in filter_of(drawing, node).fields if may_filter(drawing, node, name, depth)]
    for name in (drawing.pick(names) for _ in drawing.some(2, least=depth > 0)):
        if name in ("and", "or"):
            given[name] = [drawn_filter(drawing, node, depth - 1) for _ in drawing.some(2, least=0)]
        elif name == "not":
            given[name] = drawn_filter(drawing, node, depth - 1)
        elif name == "search":
            given[name] = words_of(drawing.chance, drawing.naive.world.rows[node.name], node)
        elif name == "id":
            given[name] = asked_id(drawing, node)
        else:
            given[name] = asked(drawing, node, name, depth)
    return given


def filter_of(drawing: Drawing, node: NodeType) -> GraphQLInputObjectType:
    """The type of a filter over a node."""
    found = drawing.naive.schema.type_map[f"{node.name}Filter"]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def may_filter(drawing: Drawing, node: NodeType, name: str, depth: int) -> bool:
    """Whether a filter may be about a field, and is not too deep for it."""
    if name == "id":
        return True
    if name == "search":
        return bool(drawing.naive.world.rows[node.name])
    if name not in node.fields:
        return depth > 0
    shallow = isinstance(node.fields[name].answer, Scalar | Value)
    return drawing.may_read(node.name, name) and (depth > 0 or shallow)


def asked_id(drawing: Drawing, node: NodeType) -> dict[str, Any]:
    """What is asked of an id: few or many of them, and rarely one that is refused."""
    known = [encode_id(node.name, key) for key in (*drawing.naive.world.rows[node.name], *UNKNOWN)]
    given: dict[str, Any] = {}
    for operator in (drawing.pick(("eq", "ne", "in")) for _ in drawing.some(2)):
        many = drawing.some(drawing.pick((1, 3, 100)), least=0)
        ids = [drawing.pick(known) for _ in many] if operator == "in" else [drawing.pick(known)]
        if drawing.maybe(4):
            foreign = encode_id(drawing.pick([name for name in drawing.naive.graph.nodes if name != node.name]), 1)
            ids.append(drawing.pick((*MALFORMED, foreign)))
            drawing.refusals.add("INVALID_ID")
        given[operator] = ids if operator == "in" else ids[-1]
    return given


def asked(drawing: Drawing, node: NodeType, name: str, depth: int) -> dict[str, Any]:
    """What is asked of one field."""
    drawing.uses(node.name, name)
    declared = node.fields[name]
    target = drawing.naive.graph.nodes[declared.target] if declared.target else None
    if isinstance(declared.answer, One) and target:
        return drawn_filter(drawing, target, depth - 1)
    if isinstance(declared.answer, Many) and target:
        quantifiers = {drawing.pick(("some", "every", "none")) for _ in drawing.some(2)}
        return {each: drawn_filter(drawing, target, depth - 1) for each in sorted(quantifiers)}
    kind = filter_of(drawing, node).fields[name].type
    assert isinstance(kind, GraphQLInputObjectType)
    if isinstance(declared.answer, Value):
        parts = {camel(part): expression for part, expression in declared.answer.parts.items()}
        about = {drawing.pick(tuple(parts)) for _ in drawing.some(2, least=0)}
        given = {each: operators(drawing, node, kind.fields[each].type, parts[each]) for each in sorted(about)}
        return {**given, "isNull": drawing.pick((True, False, None))} if drawing.maybe(15) else given
    assert isinstance(declared.answer, Scalar)
    return operators(drawing, node, kind, declared.answer.expression)


def operators(drawing: Drawing, node: NodeType, kind: Any, expression: Expression) -> dict[str, Any]:
    """Operators for what an expression tells, with values that the rows have."""
    values = [value for value in drawing.naive.world.told[node.name, expression].values() if value is not None]
    if "has" in kind.fields:
        return {"has": Name(drawing.pick([each for value in values for each in value]))}
    inner = get_named_type(kind.fields["eq"].type)
    present = [spelled(value, inner) for value in values]
    offered = list(kind.fields) if present else ["isNull"]
    given: dict[str, Any] = {}
    for operator in (drawing.pick(offered) for _ in drawing.some(2)):
        if operator == "isNull":
            given[operator] = drawing.maybe(50)
        elif operator == "in":
            given[operator] = [drawing.pick(present) for _ in drawing.some(3, least=0)]
        elif operator in ("contains", "startsWith"):
            text = drawing.pick(present)
            parts = (text[:2].swapcase(), text[1:].swapcase(), text[-1:], "é", "A", "%", "_", "\\", "")
            given[operator] = drawing.pick(parts)
        else:
            given[operator] = None if drawing.maybe(10) else drawing.pick(present)
    return given


def spelled(value: Any, kind: Any) -> Any:
    """A column's value as an input may say it."""
    if isinstance(kind, GraphQLEnumType):
        return Name(str(value))
    if isinstance(value, datetime):
        return value.astimezone(ZONES[value.microsecond % 2]).isoformat()
    return told(value) if isinstance(value, Decimal | str) else value
