"""Variables of an operation: coerced as graphql-core does it, and what of them a plan depends on.

Those of plain types, which most are, are spared graphql-core's ceremony, and their shape is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    ListValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    visit,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from app.kernel.identity import decode_id
from resolvers.reading.cursors import nulls_in

COERCION_ERRORS_MAX = 5
PLAIN = {GraphQLString.name: str, GraphQLID.name: str, GraphQLBoolean.name: bool, GraphQLInt.name: int}
"""The types whose values JSON already has as they must be."""
INT_MAX = 2**31 - 1
CHOOSING = ("Sort", "GroupBy", "SearchType")
"""How the names of enums end whose lists choose SQL; lists of all other enums are bound."""
ABSENT = object()
Shape = Callable[[Any], Hashable]
"""What of a variable's value a plan depends on."""
Chosen = tuple[str, str]
"""A variable's name, and that of its type."""
NOTHING: Mapping[Any, Any] = {}


@dataclass(frozen=True)
class Declared:
    """One variable as its operation declares it.

    `plain` is the Python type of its values, where they need no coercion; `shape` tells what a plan knows of a value.
    """

    name: str
    signature: Any
    plain: type | None
    nullable: bool
    shape: Shape

    def is_ready(self, value: Any) -> bool:
        """Whether a value, or its absence, is already what coercion would make of it."""
        if value is None or value is ABSENT:
            return self.nullable and self.plain is not None
        return type(value) is self.plain and (type(value) is not int or -INT_MAX <= value <= INT_MAX)


@dataclass(frozen=True)
class Variables:
    """The variables that one operation declares."""

    definitions: tuple[VariableDefinitionNode, ...]
    declared: tuple[Declared, ...]

    def coerced(self, schema: GraphQLSchema, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values of `given` as their types want them, or what is wrong with them."""
        values: dict[str, Any] = {}
        sources: dict[str, VariableValueSource] = {}
        for variable in self.declared:
            value = given.get(variable.name, ABSENT)
            if not variable.is_ready(value):
                return get_variable_values(schema, self.definitions, dict(given), max_errors=COERCION_ERRORS_MAX)
            if value is ABSENT:
                sources[variable.name] = VariableValueSource(variable.signature)
            else:
                sources[variable.name] = VariableValueSource(variable.signature, value)
                values[variable.name] = value
        return VariableValues(sources, values)

    def shape(self, values: Mapping[str, Any]) -> Hashable:
        """What of the values a plan depends on: which are there, and of each what chooses SQL rather than is bound."""
        return tuple([self._shape(variable, values.get(variable.name, ABSENT)) for variable in self.declared])

    @staticmethod
    def _shape(variable: Declared, value: Any) -> Hashable:
        return value if value is ABSENT or value is None else variable.shape(value)


def variables_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, chosen: Mapping[Chosen, Shape] = NOTHING
) -> Variables:
    """The variables that a valid operation declares; `chosen` says of some what of their values chooses SQL."""
    definitions = tuple(operation.variable_definitions or ())
    return Variables(definitions, tuple(_declared(schema, item, chosen) for item in definitions))


def _declared(schema: GraphQLSchema, definition: Any, chosen: Mapping[Chosen, Shape]) -> Declared:
    signature = get_variable_signature(schema, definition)
    assert not isinstance(signature, GraphQLError)  # noqa: S101
    kind = signature.type.of_type if isinstance(signature.type, GraphQLNonNull) else signature.type
    plain = PLAIN.get(getattr(kind, "name", "")) if definition.default_value is None else None
    shape = chosen.get((signature.name, get_named_type(kind).name)) or _shape_of(kind)
    return Declared(signature.name, signature, plain, kind is signature.type, shape)


def _shape_of(kind: GraphQLInputType) -> Shape:
    """What tells the shape of values of `kind`."""
    if isinstance(kind, GraphQLScalarType) and kind.name != GraphQLBoolean.name:
        return _bound
    return partial(_shape, kind=kind)


def _itself(value: Any) -> Hashable:
    """The length of a page stands in the SQL, so each length has a plan of its own."""
    return value  # type: ignore[no-any-return]


def _types(value: Any) -> Hashable:
    """The type that an id names, or each of several; False where it is no id."""
    if isinstance(value, list):
        return tuple([_types(item) for item in value])
    found = decode_id(value)
    return found.type_name if found else False


LENGTH, CURSOR, OBJECT = (GraphQLInt.name, _itself), (GraphQLString.name, nulls_in), (GraphQLID.name, _types)
"""What chooses the SQL of a page or a node, by its type: a variable of another type is not what is given there."""
DECIDING = {"first": LENGTH, "last": LENGTH, "after": CURSOR, "before": CURSOR}
"""The arguments of a list whose values choose its SQL."""
OF_ANY_TYPE = ("node", "nodes")
"""The fields whose ids choose the SQL by their types; the ids of all others are of one type, and bound."""


def _bound(_: Any) -> Hashable:
    """A value that is bound is all the same to a plan."""
    return ...


def _shape(value: Any, kind: GraphQLInputType) -> Hashable:
    """One value's shape: keys of objects, lengths of lists of objects, enums, and truth values."""
    if value is None:
        return None
    if isinstance(kind, GraphQLNonNull):
        return _shape(value, kind.of_type)
    if isinstance(kind, GraphQLInputObjectType):
        return tuple((name, _shape(item, kind.fields[name].type)) for name, item in value.items())
    if isinstance(kind, GraphQLList):
        return _list_shape(value, kind)
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(kind, GraphQLScalarType) and kind.name == GraphQLBoolean.name:
        return bool(value)
    return ...


def _list_shape(value: list[Any], kind: GraphQLList[Any]) -> Hashable:
    """A list of plain scalars is one parameter; of all else each item has its shape, a choice told twice but once."""
    inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else kind.of_type
    if is_leaf_type(inner) and not (isinstance(inner, GraphQLEnumType) and inner.name.endswith(CHOOSING)):
        return ...
    shapes = tuple(_shape(item, kind.of_type) for item in value)
    return tuple(dict.fromkeys(shapes)) if isinstance(inner, GraphQLEnumType) else shapes


def chosen_by(document: DocumentNode) -> Mapping[Chosen, Shape]:
    """The variables whose values choose the SQL of a page or a node, each with what of its values does.

    They go by their types too, for each operation of a document may have another variable of that name.
    PostgreSQL plans a statement anew each time if it does not know how few rows are wanted of it, which takes as long
    as running it; so a plan is made for the length of a page. And what follows a cursor whose key is null is found
    otherwise than what follows one whose key is not.
    """
    found = _Deciding()
    visit(document, found)
    return found.shapes


class _Deciding(Visitor):
    """Collects the variables that are given as the length of a page, as a cursor, or as ids of any type."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[Chosen, Shape] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in OF_ANY_TYPE:
            for argument in node.arguments or ():
                items = argument.value.values if isinstance(argument.value, ListValueNode) else (argument.value,)
                self._decides(items, OBJECT)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if node.name.value in DECIDING:
            self._decides((node.value,), DECIDING[node.name.value])

    def _decides(self, values: Iterable[ValueNode], by: tuple[str, Shape]) -> None:
        type_name, shape = by
        for value in values:
            if isinstance(value, VariableNode):
                self.shapes[value.name.value, type_name] = shape
