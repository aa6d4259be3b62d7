"""Documents: parsed, bounded and validated once, remembered by their text, and opened as operations with variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from app.kernel.limits import Limits
from resolvers.errors import RequestError, over_limit
from resolvers.reading.cache import ProvenCache
from resolvers.reading.variables import Variables, chosen_by, variables_of

CONNECTION_WORDS = frozenset({"edges", "node", "nodes", "pageInfo"})
"""Fields that add no depth: they are how a list is written, not an object in an object."""


class RequestErrors(Exception):
    """What is wrong with a request before anything runs: several errors at once."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__(errors)


@dataclass(frozen=True)
class Document:
    """A document that was parsed, bounded and validated."""

    text: str
    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: dict[str, FragmentDetails]
    variables: Mapping[str | None, Variables] = field(repr=False)
    """By the names of operations, and of the only operation also by none."""


class Operation(NamedTuple):
    """One operation of a document with its coerced variables; `key` names it and the shape of its variables."""

    document: Document
    definition: OperationDefinitionNode
    variables: VariableValues
    key: Hashable

    @property
    def fragments(self) -> dict[str, FragmentDetails]:
        """The fragments that its selections may spread."""
        return self.document.fragments

    @property
    def kind(self) -> OperationType:
        """Whether it is a query, a mutation or a subscription."""
        return self.definition.operation


class Documents:
    """Every document seen lately, by its text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self._kept: ProvenCache[Document] = ProvenCache(limits.documents_cached_max)

    def document(self, text: str) -> Document:
        """The document of `text`; RequestErrors where it does not parse, is over a bound, or is not valid."""
        found = self._kept.get(text)
        if found is None:
            found = self._read(text)
            self._kept.put(text, found)
        return found

    def operation(self, text: str, name: str | None, variables: Mapping[str, Any]) -> Operation:
        """The operation `name` of a document with `variables`; RequestErrors where there is none or they do not fit."""
        document = self.document(text)
        declared = document.variables.get(name) or _unknown(document)
        coerced = declared.coerced(self.schema, variables)
        if not isinstance(coerced, VariableValues):
            raise RequestErrors([_bad_input(error) for error in coerced])
        key = (document.text, name, declared.shape(coerced.coerced))
        return Operation(document, declared.definition, coerced, key)

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self.limits.tokens_max, no_location=False)
        except GraphQLSyntaxError as error:
            raise RequestErrors([_unread(error, self.limits.tokens_max)]) from None
        except RecursionError:
            raise RequestErrors([RequestError("TOO_DEEP", "The document is nested too deep to be read.")]) from None
        bound(node, self.limits)
        errors = validate(self.schema, node, max_errors=self.limits.errors_told_max)
        if errors:
            raise RequestErrors(errors[: self.limits.errors_told_max])
        return _opened(text, node, self.schema)


def _opened(text: str, node: DocumentNode, schema: GraphQLSchema) -> Document:
    """A valid document with its parts by name."""
    operations = {
        definition.name.value if definition.name else None: definition
        for definition in node.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
    fragments = {
        definition.name.value: FragmentDetails(definition)
        for definition in node.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    chosen = chosen_by(node)
    variables = {name: variables_of(schema, operation, chosen=chosen) for name, operation in operations.items()}
    if len(variables) == 1:
        variables[None] = next(iter(variables.values()))
    return Document(text, node, operations, fragments, variables)


def _unread(error: GraphQLSyntaxError, limit: int) -> RequestError:
    """Why a text is no document; one that is too long is read no further than its bound."""
    if error.message.endswith("tokens. Parsing aborted."):
        told = f"The document is too long: it has {limit + 1} tokens or more, the limit is {limit}."
        return RequestError("TOO_MANY_TOKENS", told, found=limit + 1, limit=limit)
    return RequestError("GRAPHQL_PARSE_FAILED", error.message)


def _unknown(document: Document) -> NoReturn:
    """Refuse a request that does not say which of several operations to run, or names one that there is not."""
    told = ", ".join(f"`{name}`" for name in document.operations if name) or "no named one"
    message = f"Say with `operationName` which operation to run; this document has {told}."
    raise RequestErrors([RequestError("OPERATION_RESOLUTION_FAILURE", message)])


def _bad_input(error: GraphQLError) -> RequestError:
    """A variable that does not fit its type."""
    return RequestError("BAD_USER_INPUT", error.message)


def bound(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document that is over a bound, before validation, whose own cost grows faster than the document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measured = _Measured(fragments)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        counts = measured.selection(node.selection_set)
        roots = limits.mutations_max if node.operation is OperationType.MUTATION else limits.root_fields_max
        told = (
            ("TOO_DEEP", "The selection is nested too deep", counts["depth"], limits.depth_max),
            ("TOO_MANY_ALIASES", "Too many fields have aliases", counts["aliases"], limits.aliases_max),
            ("TOO_MANY_DIRECTIVES", "Too many directives are used", counts["directives"], limits.directives_max),
            ("TOO_MANY_ROOT_FIELDS", "Too many fields stand at the root", counts["roots"], roots),
        )
        for code, what, found, limit in told:
            if found > limit:
                raise RequestErrors([over_limit(code, what, found=found, limit=limit)])


class _Measured:
    """Counts what selections hold, each fragment once, so that fragments in fragments cannot make counting slow."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self._known: dict[str, Counter[str]] = {}

    def selection(self, selections: SelectionSetNode | None) -> Counter[str]:
        """The depth, aliases, directives and root fields of one selection set."""
        total: Counter[str] = Counter()
        for node in selections.selections if selections else ():
            found = self._node(node)
            depth = max(total["depth"], found["depth"])
            total.update(found)
            total["depth"] = depth
        return total

    def _node(self, node: Any) -> Counter[str]:
        counts: Counter[str] = Counter(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            inner = self.selection(node.selection_set)
            adds = bool(node.selection_set) and node.name.value not in CONNECTION_WORDS
            depth = 0 if node.name.value.startswith("__") else inner["depth"] + adds
            counts.update(aliases=inner["aliases"] + bool(node.alias), directives=inner["directives"])
            counts.update(depth=depth, roots=1)
            return counts
        inner = (
            self._fragment(node.name.value)
            if isinstance(node, FragmentSpreadNode)
            else self.selection(node.selection_set)
        )
        counts.update(inner)
        return counts

    def _fragment(self, name: str) -> Counter[str]:
        """A fragment's counts; one that spreads itself counts as empty here, and validation refuses it."""
        if name not in self._known:
            self._known[name] = Counter()
            fragment = self.fragments.get(name)
            self._known[name] = self.selection(fragment.selection_set if fragment else None)
        return self._known[name]
