"""Variables of an operation, coerced as graphql-core does it; those of plain types without its ceremony."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputType,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

COERCION_ERRORS_MAX = 5
PLAIN = {GraphQLString.name: str, GraphQLID.name: str, GraphQLBoolean.name: bool, GraphQLInt.name: int}
"""The types whose values JSON already has as they must be."""
INT_MAX = 2**31 - 1
SIZES = frozenset({"first", "last"})


@dataclass(frozen=True)
class Declared:
    """One variable as its operation declares it; `plain` is the Python type of its values, if it needs no coercion."""

    name: str
    kind: GraphQLInputType
    signature: Any
    plain: type | None
    nullable: bool

    def is_ready(self, given: Mapping[str, Any]) -> bool:
        """Whether the given value, or its absence, is already what coercion would make of it."""
        if self.plain is None or self.name not in given:
            return self.nullable and self.plain is not None
        value = given[self.name]
        if value is None:
            return self.nullable
        return type(value) is self.plain and (self.plain is not int or abs(value) <= INT_MAX)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Variables:
    """The variables that one operation declares."""

    definition: OperationDefinitionNode
    declared: tuple[Declared, ...]
    kinds: Mapping[str, GraphQLInputType]

    def coerced(self, schema: GraphQLSchema, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values of `given` as their types want them, or what is wrong with them."""
        if all(variable.is_ready(given) for variable in self.declared):
            sent = [variable for variable in self.declared if variable.name in given]
            values = {variable.name: given[variable.name] for variable in sent}
            absent = {variable.name: VariableValueSource(variable.signature) for variable in self.declared}
            told = {variable.name: VariableValueSource(variable.signature, values[variable.name]) for variable in sent}
            return VariableValues({**absent, **told}, values)
        definitions = self.definition.variable_definitions or ()
        return get_variable_values(schema, definitions, dict(given), max_errors=COERCION_ERRORS_MAX)


def variables_of(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Variables:
    """The variables that a valid operation declares."""
    declared = tuple(_declared(schema, item) for item in operation.variable_definitions or ())
    return Variables(operation, declared, {variable.name: variable.kind for variable in declared})


def _declared(schema: GraphQLSchema, definition: Any) -> Declared:
    signature = get_variable_signature(schema, definition)
    assert not isinstance(signature, GraphQLError)  # noqa: S101
    named = signature.type.of_type if isinstance(signature.type, GraphQLNonNull) else signature.type
    plain = PLAIN.get(getattr(named, "name", "")) if definition.default_value is None else None
    return Declared(signature.name, signature.type, signature, plain, nullable=named is signature.type)


def sizes_of(document: DocumentNode) -> frozenset[str]:
    """The variables that say how long a page is: a plan is made for their values, so that its SQL has its limits.

    PostgreSQL plans a statement anew each time if it does not know how few rows are wanted of it, which takes as long
    as running it.
    """
    found = _Sizes()
    visit(document, found)
    return frozenset(found.names)


class _Sizes(Visitor):
    """Collects the variables that are given as the size of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if node.name.value in SIZES and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)
