"""What every list of a node offers: its connection, the arguments of its pages, its filter and its orders."""

from __future__ import annotations

from typing import Any

import strawberry

from app.kernel.choice import is_choice
from schema.answers import Many, One, Scalar, Value
from schema.filtering import (
    BOOLEAN_FIELDS,
    IDENTITY_OPERATORS,
    LIST_FIELDS,
    LIST_OPERATORS,
    OPERATORS,
    SEARCH,
    VALUE_IS_NULL,
    filter_name,
    operators_of,
)
from schema.grouping import add_groups
from schema.names import camel
from schema.nodes import Field, NodeType, Sort
from schema.paging import PAGE_ARGUMENTS, PageInfo
from schema.types import Types, listed, optional, without_none
from schema.values import value_parts


def connection(types: Types, node: NodeType) -> Any:
    """The connection over a node, with its edge and its groups, made at first use."""
    name = node.name
    if f"{name}Connection" not in types.by_name:
        edge = types.object(f"{name}Edge", f"One {name} in a list, and where it stands.")
        types.add(edge, "cursor", str, "Where it stands in the list: send it as `after` or `before`.")
        types.add(edge, "node", types.by_name[name], f"The {name} itself.")
        made = types.object(f"{name}Connection", f"A page of a list of {name} objects.")
        types.add(made, "edges", listed(edge), "The objects of this page, each with its cursor.")
        types.add(made, "nodes", listed(types.by_name[name]), "The objects of this page.")
        types.add(made, "pageInfo", PageInfo, "Where this page stands in the list.")
        types.add(made, "totalCount", int, "How many objects the whole list has; it is counted only when asked for.")
        add_groups(types, made, node)
    return types.by_name[f"{name}Connection"]


def page_arguments(types: Types, node: NodeType) -> dict[str, tuple[Any, str]]:
    """The arguments of a connection over a node."""
    name = node.name
    arguments: dict[str, tuple[Any, str]] = dict(PAGE_ARGUMENTS)
    arguments["where"] = (types.by_name[f"{name}Filter"] | None, "Give only those that match this.")
    if node.sorts:
        sorts = {sort: _order_doc(node, offered) for sort, offered in node.sorts.items()}
        offered = types.enum(f"{name}Sort", f"The orders that a list of {name} objects may have.", sorts)
        arguments["sort"] = (optional(listed(offered)), "In this order; ties are broken by age.")
    return arguments


def _order_doc(node: NodeType, sort: Sort) -> str:
    """What one order is, and where it puts null."""
    said = "largest first" if sort.descending else "smallest first"
    if node.table.__table__.c[sort.column].nullable:
        said += "; null comes before all" if sort.descending else "; null comes after all"
    if isinstance(node.fields[sort.field].answer, Value):
        said += "; amounts are compared whatever their currency"
    return f"By `{sort.field}`, {said}."


def add_filter(types: Types, node: NodeType) -> None:
    """The filter over a node; those of other nodes are referred to by name and made in their turn."""
    made = _filter_of(types, node.name)
    for name, doc in BOOLEAN_FIELDS.items():
        types.add(made, name, optional(made if name == "not" else listed(made)), doc)
    types.add(made, "id", optional(_operators(types, strawberry.ID, IDENTITY_OPERATORS, "ID")), "By its global id.")
    if node.search:
        told = ", ".join(f"`{camel(column)}`" for column in node.search)
        types.add(made, "search", optional(str), SEARCH.format(told=told))
    for field in node.fields.values():
        match field.answer:
            case Scalar(column=column, filterable=filterable) if column or filterable:
                _add_operators(types, made, field)
            case Value(kind=kind):
                types.add(made, field.name, optional(_value_filter(types, kind)), field.answer.doc)
            case One():
                types.add(made, field.name, optional(_filter_of(types, str(field.target))), field.answer.doc)
            case Many():
                types.add(made, field.name, optional(_list_filter(types, str(field.target))), field.answer.doc)


def _add_operators(types: Types, made: Any, field: Field) -> None:
    """Give a filter the field of a column or measure, if values of its kind may be compared."""
    offered = LIST_OPERATORS if field.listed else operators_of(field.kind)
    if offered:
        name = field.kind.__name__ + "List" if field.listed else filter_name(field.kind)[: -len("Filter")]
        kind = types.choice(field.kind) if is_choice(field.kind) else field.kind
        types.add(made, field.name, optional(_operators(types, kind, offered, name)), field.answer.doc)


def _value_filter(types: Types, kind: type) -> Any:
    """The filter over an object without identity, by its parts."""

    def fill(made: Any) -> None:
        types.add(made, "isNull", optional(bool), VALUE_IS_NULL)
        for name, (shape, doc) in value_parts(kind).items():
            part = without_none(shape)
            operators = _operators(types, part, operators_of(part), filter_name(part)[: -len("Filter")])
            types.add(made, camel(name), optional(operators), doc)

    said = f"What a value of type {kind.__name__} must match; where there is none, all of its parts are null."
    return types.input_once(f"{kind.__name__}Filter", said, fill)


def _filter_of(types: Types, name: str) -> Any:
    """The (perhaps still empty) filter over a node."""
    return types.input_once(f"{name}Filter", f"What a {name} must match; fields given together must all match.", _empty)


def _empty(_: Any) -> None:
    """Leave a type empty: it is filled in its turn."""


def _list_filter(types: Types, name: str) -> Any:
    """The filter over a list of a node."""

    def fill(made: Any) -> None:
        for field, doc in LIST_FIELDS.items():
            types.add(made, field, optional(_filter_of(types, name)), doc)

    return types.input_once(f"{name}ListFilter", f"What a list of {name} objects must match.", fill)


def _operators(types: Types, kind: Any, operators: tuple[str, ...], name: str) -> Any:
    """The filter over columns of one kind, such as `StringFilter`."""

    def fill(made: Any) -> None:
        for operator in operators:
            shape = {"in": listed(kind), "isNull": bool}.get(operator, kind)
            types.add(made, operator, optional(shape), OPERATORS[operator])

    return types.input_once(f"{name}Filter", f"What a value of type {name} must match.", fill)
