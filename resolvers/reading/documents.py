"""Documents: parsed, bounded and validated once, remembered by their text, and opened as operations with variables.

Their syntax trees are not remembered. The garbage collector walks all that stays, and the trees of a few hundred
documents took it a tenth of a second; most are wanted once, to plan, and where one is, its text is parsed again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from app.kernel.limits import Limits
from resolvers.errors import RequestError
from resolvers.reading.bounds import Cyclic, over
from resolvers.reading.cache import ProvenCache
from resolvers.reading.variables import Variables, chosen_by, variables_of


class RequestErrors(Exception):
    """What is wrong with a request before anything runs: several errors at once."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__(errors)


@dataclass(frozen=True)
class Tree:
    """What the text of a document says, parsed."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: dict[str, FragmentDetails]


class Signature(NamedTuple):
    """What is known of an operation without its selections."""

    name: str | None
    kind: OperationType
    variables: Variables


@dataclass(frozen=True)
class Document:
    """A document that was parsed, bounded and validated."""

    text: str
    operations: Mapping[str | None, Signature]
    """By their names, and the only operation also by none."""
    trees: ProvenCache[Tree] = field(repr=False)
    """Located ones by their texts, of all documents together."""

    @property
    def tree(self) -> Tree:
        """What it says, with places if it is kept so."""
        return self.trees.get(self.text) or tree_of(parse(self.text, no_location=True))

    @property
    def located(self) -> Tree:
        """Its tree with the places of all parts in the text, kept for what graphql-core runs again and again."""
        found = self.trees.get(self.text)
        if found is None:
            found = tree_of(parse(self.text))
            self.trees.put(self.text, found)
        return found


class Operation:
    """One operation of a document with its coerced variables; `key` names it and the shape of its variables."""

    __slots__ = ("_tree", "document", "key", "kind", "signature", "variables")

    def __init__(
        self, document: Document, signature: Signature, variables: VariableValues, key: Hashable, tree: Tree | None
    ) -> None:
        """Open an operation of `document`, whose `tree` is parsed when it is wanted if it is not at hand."""
        self.document = document
        self.signature = signature
        self.kind = signature.kind
        self.variables = variables
        self.key = key
        self._tree = tree

    @property
    def tree(self) -> Tree:
        """What its document says."""
        if self._tree is None:
            self._tree = self.document.tree
        return self._tree

    @property
    def definition(self) -> OperationDefinitionNode:
        """What it selects."""
        return self.tree.operations[self.signature.name]

    @property
    def fragments(self) -> dict[str, FragmentDetails]:
        """The fragments that its selections may spread."""
        return self.tree.fragments

    @property
    def located(self) -> Operation:
        """The same with the places of its parts: by these graphql-core tells errors, and we know selections apart."""
        return Operation(self.document, self.signature, self.variables, self.key, self.document.located)

    @property
    def is_located(self) -> bool:
        """Whether the places of its parts are known."""
        return self.definition.loc is not None


class Documents:
    """Every document seen lately, by its text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self._kept: ProvenCache[Document] = ProvenCache(limits.documents_cached_max)
        self._trees: ProvenCache[Tree] = ProvenCache(limits.trees_cached_max)

    def document(self, text: str) -> Document:
        """The document of `text`; RequestErrors where it does not parse, is over a bound, or is not valid."""
        return self._opened(text)[0]

    def operation(self, text: str, name: str | None, variables: Mapping[str, Any]) -> Operation:
        """The operation `name` of a document with `variables`; RequestErrors where there is none or they do not fit."""
        document, tree = self._opened(text)
        signature = document.operations.get(name) or _unknown(document)
        coerced = signature.variables.coerced(self.schema, variables)
        if not isinstance(coerced, VariableValues):
            raise RequestErrors([_bad_input(error) for error in coerced])
        key = (document.text, name, signature.variables.shape(coerced.coerced))
        return Operation(document, signature, coerced, key, tree)

    def _opened(self, text: str) -> tuple[Document, Tree | None]:
        """The document of `text`, and its tree where it had to be parsed."""
        found = self._kept.get(text)
        if found is not None:
            return found, None
        tree = tree_of(self._read(text))
        found = Document(text, _signatures(tree, self.schema), self._trees)
        self._kept.put(text, found)
        return found, tree

    def _read(self, text: str) -> DocumentNode:
        """What `text` says, if that is valid and within every bound."""
        try:
            node = self._parsed(text)
            if wrong := self._wrong(node, text):
                raise RequestErrors(wrong[: self.limits.errors_told_max])
        except RecursionError:
            raise RequestErrors([RequestError("TOO_DEEP", "The document is nested too deep to be read.")]) from None
        return node

    def _parsed(self, text: str, *, located: bool = False) -> DocumentNode:
        try:
            return parse(text, max_tokens=self.limits.tokens_max, no_location=not located)
        except GraphQLSyntaxError as error:
            raise RequestErrors([_unread(error, self.limits.tokens_max)]) from None

    def _wrong(self, node: DocumentNode, text: str) -> list[GraphQLError]:
        """What is wrong with a document. Where validation tells it, it is parsed again for the places."""
        rules = None
        try:
            if refused := over(node, self.limits):
                return [refused]
        except Cyclic:
            rules = (NoFragmentCyclesRule,)
        if not validate(self.schema, node, rules, max_errors=1):
            return []
        return validate(self.schema, self._parsed(text, located=True), rules, max_errors=self.limits.errors_told_max)


def tree_of(node: DocumentNode) -> Tree:
    """A document's tree with its parts by name."""
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
    return Tree(node, operations, fragments)


def _signatures(tree: Tree, schema: GraphQLSchema) -> dict[str | None, Signature]:
    """The signatures of a valid document's operations."""
    chosen = chosen_by(tree.node)
    found = {
        name: Signature(name, operation.operation, variables_of(schema, operation, chosen=chosen))
        for name, operation in tree.operations.items()
    }
    if len(found) == 1:
        found[None] = next(iter(found.values()))
    return found


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
