"""Where a bound value comes from: the document itself, a variable, or the caller. Resolved anew on every request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    is_leaf_type,
)
from graphql.utilities import value_from_ast

from resolvers.errors import RequestError

Variables = Mapping[str, Any]


class Source(Protocol):
    """A value that is known once a request's variables and caller are."""

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The value in this request."""


@dataclass(frozen=True)
class Given:
    """A value that the document itself holds."""

    constant: Any

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The constant."""
        del variables, viewer
        return self.constant


@dataclass(frozen=True)
class FromVariable:
    """A variable of the operation, or the part of it at `path`."""

    name: str
    path: tuple[str | int, ...] = ()

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The variable's part in this request."""
        del viewer
        found = variables[self.name]
        for step in self.path:
            found = found[step]
        return found


@dataclass(frozen=True)
class Listed:
    """A list whose items have sources of their own."""

    items: tuple[Source, ...]

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The items in this request."""
        return [item.value(variables, viewer) for item in self.items]


@dataclass(frozen=True)
class FromViewer:
    """Something of the caller's own, such as the customer acted for."""

    name: str

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The caller's value."""
        del variables
        return viewer[self.name]


@dataclass(frozen=True)
class Slot:
    """One parameter of a statement: where its value comes from, how it is decoded, and its SQL type."""

    source: Source
    decode: Callable[[Any], Any]
    sql_type: str


Symbol = Source | dict[str, Any] | list[Any]
"""An argument whose structure is known and whose leaves are sources."""


def symbol(node: ValueNode, kind: GraphQLInputType, variables: Variables) -> Symbol | None:
    """The structure of an argument's literal `node`; None where it is a variable that was not given."""
    if isinstance(kind, GraphQLNonNull):
        if isinstance(node, VariableNode) and variables.get(node.name.value) is None:
            raise RequestError("BAD_USER_INPUT", f"`${node.name.value}` is null, which `{kind}` may not be.")
        return symbol(node, kind.of_type, variables)
    if isinstance(node, VariableNode):
        name = node.name.value
        return opened(variables[name], kind, FromVariable(name)) if name in variables else None
    if isinstance(node, NullValueNode):
        return Given(None)
    if isinstance(kind, GraphQLList):
        return _listed(node, kind, variables)
    if isinstance(kind, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        return _object(node, kind, variables)
    return Given(value_from_ast(node, kind))


def opened(value: Any, kind: GraphQLInputType, source: FromVariable) -> Symbol:
    """The structure of a coerced variable's value, down to its leaves and lists of leaves."""
    if isinstance(kind, GraphQLNonNull):
        return opened(value, kind.of_type, source)
    if isinstance(kind, GraphQLInputObjectType) and value is not None:
        return {
            name: opened(item, kind.fields[name].type, FromVariable(source.name, (*source.path, name)))
            for name, item in value.items()
        }
    if isinstance(kind, GraphQLList) and value is not None and not _of_leaves(kind):
        return [
            opened(item, kind.of_type, FromVariable(source.name, (*source.path, index)))
            for index, item in enumerate(value)
        ]
    return source


def _of_leaves(kind: GraphQLList[Any]) -> bool:
    """Whether a list holds scalars or enums, and so is one parameter."""
    inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else kind.of_type
    return is_leaf_type(inner)


def _listed(node: ValueNode, kind: GraphQLList[Any], variables: Variables) -> Symbol | None:
    """A list literal, or the single value that stands for a list of one."""
    nodes = node.values if isinstance(node, ListValueNode) else (node,)
    items = [symbol(item, kind.of_type, variables) for item in nodes]
    present = [item if item is not None else Given(None) for item in items]
    return Listed(tuple(present)) if _of_leaves(kind) else present  # type: ignore[arg-type]


def _object(node: ObjectValueNode, kind: GraphQLInputObjectType, variables: Variables) -> dict[str, Any]:
    """An object literal; a field whose variable was not given is left out."""
    fields = {
        field.name.value: symbol(field.value, kind.fields[field.name.value].type, variables) for field in node.fields
    }
    return {name: value for name, value in fields.items() if value is not None}
