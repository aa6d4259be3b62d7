"""From declarations to the graph: questions, their arguments, and the records that answer them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from schema.answers import Question
from schema.names import camel
from schema.operations import id_target, input_shape
from schema.types import Types, is_optional, listed, optional, without_none


@dataclass(frozen=True, eq=False)
class RecordField:
    """One field of a record: the attribute that holds it, and the node or record that it leads to, if any."""

    attribute: str
    node: str | None
    record: str | None


@dataclass(frozen=True, eq=False)
class AskedQuestion:
    """One question as resolvers see it: its function, its arguments with their types, and the records of its answer."""

    question: Question
    arguments: Mapping[str, tuple[str, Any]]
    answer: str
    records: Mapping[str, Mapping[str, RecordField]]


def add_question(types: Types, root: Any, name: str, declared: Question) -> AskedQuestion:
    """Add one question to the query root."""
    hints = get_type_hints(declared.function, include_extras=True)
    parameters = list(inspect.signature(declared.function).parameters)[1:]
    given = {camel(each): (each, _bare(hints[each])) for each in parameters if each != "by"}
    arguments = {said: (input_shape(types, kind), _doc(hints[each], kind)) for said, (each, kind) in given.items()}
    answer = hints["return"]
    records: dict[str, dict[str, RecordField]] = {}
    shape = _shape(types, answer, records)
    types.add(root, name, shape, inspect.getdoc(declared.function) or "", arguments=arguments)
    return AskedQuestion(declared, given, record_of(answer), records)


def record_of(hint: Any) -> str:
    """The name of the record that an annotation holds, one or many."""
    inner = without_none(_bare(hint))
    kind = get_args(inner)[0] if get_origin(inner) in (tuple, list) else inner
    return str(kind.__name__)


def _shape(types: Types, hint: Any, records: dict[str, dict[str, RecordField]]) -> Any:
    """The GraphQL type of an annotation: a node for an id, an object for a record, else as inputs have it."""
    inner = _bare(hint)
    if is_optional(inner):
        return optional(_shape(types, without_none(inner), records))
    if get_origin(inner) in (tuple, list):
        return listed(_shape(types, get_args(inner)[0], records))
    if id_target(inner):
        return optional(types.by_name[str(id_target(inner))])
    if is_dataclass(inner) and isinstance(inner, type):
        return _record(types, inner, records)
    return input_shape(types, inner)


def _record(types: Types, kind: type, records: dict[str, dict[str, RecordField]]) -> Any:
    """The object type of a record, made at its first use."""
    hints = get_type_hints(kind, include_extras=True)
    known = types.by_name.get(kind.__name__)
    made = known or types.object(kind.__name__, inspect.getdoc(kind) or "")
    told: dict[str, RecordField] = {}
    records[kind.__name__] = told
    for field in fields(kind):
        hint = hints[field.name]
        node = id_target(without_none(_bare(hint)))
        shape = _shape(types, hint, records)
        name = camel(field.name.removesuffix("_id") if node else field.name)
        if known is None:
            types.add(made, name, shape, _doc(hint, _bare(hint)))
        told[name] = RecordField(field.name, node, _inner_record(hint))
    return made


def _inner_record(hint: Any) -> str | None:
    """The record inside an annotation, if there is one."""
    inner = without_none(_bare(hint))
    kind = get_args(inner)[0] if get_origin(inner) in (tuple, list) else inner
    return str(kind.__name__) if is_dataclass(kind) and isinstance(kind, type) else None


def _bare(hint: Any) -> Any:
    """An annotation without its description."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _doc(hint: Any, kind: Any) -> str:
    """The description in an annotation; an id names its node."""
    said = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)), "")
    return said or (f"The {id_target(without_none(kind))}." if id_target(without_none(kind)) else "")
