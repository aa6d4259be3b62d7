"""From a selection to a plan: fields are collected as graphql-core collects them, and each becomes frozen data.

A plan is for one operation and one shape of its variables (see `Variables.shape`), and for one set of roles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetails, collect_fields, collect_subfields
from sqlalchemy import LargeBinary

from app.kernel.identity import decode_id
from app.kernel.limits import Limits
from app.kernel.principal import STAFF, Role
from resolvers.errors import RequestError, over_limit
from resolvers.reading import decoding
from resolvers.reading.documents import Operation
from resolvers.reading.filters import Filters
from resolvers.reading.grouping import Grouping, rollup_of
from resolvers.reading.paging import Paging, sort_key
from resolvers.reading.searching import Searching
from resolvers.reading.shapes import (
    Constant,
    CountPart,
    EdgesPart,
    Identity,
    ListField,
    LogCursor,
    LookupField,
    Missing,
    NodesField,
    NodesPart,
    ObjectPlan,
    OneField,
    OneOfField,
    PageInfoPart,
    Plan,
    ReferencesField,
    ScalarField,
    SortKey,
    ValueField,
)
from resolvers.reading.sources import Slot, Source, Symbol, symbol
from schema.answers import Listing, Many, One, OneOf, References, Scalar, Value
from schema.building import Graph, RootField
from schema.names import camel
from schema.nodes import NodeType


class Unplannable(Exception):
    """The operation asks for something that is no reading, such as introspection: graphql-core answers it."""


class Planner:
    """Plans selections of one operation for callers with `roles`."""

    def __init__(self, graph: Graph, operation: Operation, roles: frozenset[Role], limits: Limits) -> None:
        self.graph = graph
        self.schema: GraphQLSchema = graph.schema
        self.operation = operation
        self.roles = roles
        self.limits = limits
        self.values = operation.variables.coerced
        page_max = limits.page_max_staff if roles & STAFF else limits.page_max
        self.paging = Paging(limits.page_default, page_max, self.values)
        self.filters = Filters(graph.nodes, roles, self.values, limits)

    def query(self) -> Plan:
        """The plan of all root fields; Unplannable where one of them is no reading."""
        root = self.schema.query_type
        assert root is not None  # noqa: S101
        operation = self.operation
        found = _collected(
            collect_fields, self.schema, operation.fragments, operation.variables, root, operation.definition
        )
        return Plan(tuple(self.root(key, details) for key, details in found.items()))

    def object(self, node: NodeType, details: list[FieldDetails]) -> ObjectPlan:
        """The fields selected of an object of `node`."""
        selected = self.selected(node.name, details)
        return ObjectPlan(node, tuple(self._field(node, key, inner) for key, inner in selected.items()))

    def root(self, key: str, details: list[FieldDetails]) -> Any:
        """One root field of a query."""
        name = details[0].node.name.value
        arguments = self._arguments("Query", details)
        match name:
            case "__typename":
                return Constant(key, "Query")
            case "node":
                return self._node(key, details, arguments["id"], told=True) or Missing(key)
            case "nodes":
                return self._nodes(key, details, arguments["ids"])
            case "eventCursor":
                return LogCursor(key)
            case "search":
                return Searching(self).field(key, details, arguments)
        declared = self.graph.queries.get(name)
        if declared is None:
            raise Unplannable(name)
        if isinstance(declared.answer, Listing):
            return self._list(key, self.graph.nodes[declared.node], details, arguments, answer=declared.answer)
        return self._lookup(key, declared, details, arguments)

    def _lookup(self, key: str, declared: RootField, details: list[FieldDetails], arguments: dict[str, Symbol]) -> Any:
        """One object by exactly one of the keys that its field offers."""
        given = {name: source for name, source in arguments.items() if self.value(source) is not None}
        if len(given) != 1:
            offered = ", ".join(self._field_of("Query", details[0].node).args)
            raise RequestError("BAD_USER_INPUT", f"`{details[0].node.name.value}` takes exactly one of: {offered}.")
        name, source = next(iter(given.items()))
        node = self.graph.nodes[declared.node]
        shows = self.object(node, details)
        if name == "id":
            slot = Slot(source, decoding.key_of(node.name), "bigint")  # type: ignore[arg-type]
            return LookupField(key, "id", slot, shows, guarded=True, told_if_missing=True)
        answer = declared.answer
        assert not isinstance(answer, Listing)  # noqa: S101
        if name == "token":
            slot = self._token(node, str(answer.token), source)
            return LookupField(key, str(answer.token), slot, shows, guarded=False, told_if_missing=True)
        column = next(column for column in answer.keys if camel(column) == name)
        slot = Slot(source, decoding.text, "text")  # type: ignore[arg-type]
        return LookupField(key, column, slot, shows, guarded=True, told_if_missing=True)

    @staticmethod
    def _token(node: NodeType, column: str, source: Any) -> Slot:
        """A token as `column` has it: itself, where it is shown again to those who pass it on, or its hash."""
        if isinstance(node.table.__table__.c[column].type, LargeBinary):
            return Slot(source, decoding.hash_of_token, "bytea")
        return Slot(source, decoding.text, "text")

    def _node(self, key: str, details: list[FieldDetails], source: Source, *, told: bool) -> LookupField | None:
        """One object by its global id, whose type says which fields are collected."""
        found = decode_id(str(self.value(source)))
        node = self.graph.nodes.get(found.type_name) if found else None
        if node is None:
            return None
        slot = Slot(source, decoding.key_of(node.name), "bigint")
        return LookupField(key, "id", slot, self.object(node, details), guarded=True, told_if_missing=told)

    def _nodes(self, key: str, details: list[FieldDetails], ids: Symbol) -> NodesField:
        """Several objects by their global ids, each of its own type."""
        given = list(self.value(ids))
        limit = self.limits.ids_max
        if len(given) > limit:
            raise over_limit("TOO_MANY_IDS", "`nodes` takes a bounded number of ids", found=len(given), limit=limit)
        sources = [decoding.Item(ids, index) for index in range(len(given))]  # type: ignore[arg-type]
        return NodesField(key, tuple(self._node(key, details, source, told=False) for source in sources))

    def _field(self, node: NodeType, key: str, details: list[FieldDetails]) -> Any:
        name = details[0].node.name.value
        if name == "__typename":
            return Constant(key, node.name)
        if name == "id":
            return Identity(key)
        field = node.fields[name]
        if field.answer.roles is not None and not field.answer.roles & self.roles:
            raise RequestError("FORBIDDEN", f"You may not read `{node.name}.{name}`; leave it out.")
        match field.answer:
            case Scalar(expression=expression):
                return ScalarField(key, expression, field.kind)
            case Value():
                return self._value_field(key, field.answer, details)
            case References():
                return ReferencesField(key, self._plain("ExternalReference", details))
            case One(key=column):
                return self._one(key, node, str(field.target), column, details)
            case OneOf():
                return OneOfField(
                    key, tuple(self._one(key, node, to, column, details) for column, to in field.branches)
                )
        assert isinstance(field.answer, Many)  # noqa: S101
        target = self.graph.nodes[str(field.target)]
        arguments = self._arguments(node.name, details)
        return self._list(key, target, details, arguments, answer=field.answer)

    def _one(self, key: str, node: NodeType, to: str, column: str, details: list[FieldDetails]) -> OneField:
        target = self.graph.nodes[to]
        through = node.visibility.through
        implied = through is not None and through.key == column
        guarded = not implied and not target.visibility.to_all(self.roles)
        return OneField(key, column, self.object(target, details), guarded)

    def _value_field(self, key: str, answer: Value, details: list[FieldDetails]) -> ValueField:
        """A value object's selected parts."""
        kinds = {camel(name): expression for name, expression in answer.parts.items()}
        fields: list[ScalarField | Constant] = []
        for part, name in self._plain(answer.kind.__name__, details):
            if name == "__typename":
                fields.append(Constant(part, answer.kind.__name__))
            else:
                fields.append(ScalarField(part, kinds[name], decoding.part_kind(answer.kind, name)))
        return ValueField(key, answer.present, tuple(fields))

    def _list(
        self,
        key: str,
        node: NodeType,
        details: list[FieldDetails],
        arguments: dict[str, Symbol],
        *,
        answer: Many | Listing,
    ) -> ListField:
        """A connection: its page, filter and order, and what is selected of it."""
        column = answer.key if isinstance(answer, Many) else None
        order = self._order(node, arguments.get("sort")) or (sort_key(node, answer.order_by, descending=False),)
        through = node.visibility.through
        implied = column is not None and through is not None and through.key == column
        parts = tuple(self._parts(node, details))
        where = self.filters.condition(node, arguments["where"]) if "where" in arguments else None
        return ListField(
            key=key,
            node=node,
            column=column,
            guarded=not implied and not node.visibility.to_all(self.roles),
            page=self.paging.page(node, order, arguments),
            where=where,
            order=order,
            parts=parts,
            rollup=rollup_of(parts),
        )

    def _order(self, node: NodeType, sort: Symbol | None) -> tuple[SortKey, ...]:
        """The order asked for; the first of two mentions of a column counts."""
        asked = [node.sorts[str(value)] for value in (self.value(sort) or [])] if sort is not None else []
        order: dict[str, SortKey] = {}
        for offered in asked:
            roles = node.fields[offered.field].answer.roles
            if roles is not None and not roles & self.roles:
                raise RequestError("FORBIDDEN", f"You may not sort by `{node.name}.{offered.field}`; leave it out.")
            order.setdefault(offered.column, sort_key(node, offered.column, descending=offered.descending))
        return tuple(order.values())

    def _parts(self, node: NodeType, details: list[FieldDetails]) -> list[Any]:
        """What is selected of a connection."""
        parts: list[Any] = []
        for key, inner in self.selected(f"{node.name}Connection", details).items():
            match inner[0].node.name.value:
                case "nodes":
                    parts.append(NodesPart(key, self.object(node, inner)))
                case "edges":
                    parts.append(EdgesPart(key, tuple(self._edge(node, inner))))
                case "pageInfo":
                    parts.append(PageInfoPart(key, self._plain("PageInfo", inner)))
                case "totalCount":
                    parts.append(CountPart(key))
                case "groups":
                    arguments = self._arguments(f"{node.name}Connection", inner)
                    parts.append(Grouping(self, node).part(key, arguments, inner))
                case _:
                    parts.append(Constant(key, f"{node.name}Connection"))
        return parts

    def _edge(self, node: NodeType, details: list[FieldDetails]) -> list[tuple[str, ObjectPlan | Constant | None]]:
        """What is selected of each edge."""
        parts: list[tuple[str, ObjectPlan | Constant | None]] = []
        for key, inner in self.selected(f"{node.name}Edge", details).items():
            name = inner[0].node.name.value
            if name == "node":
                parts.append((key, self.object(node, inner)))
            else:
                parts.append((key, None if name == "cursor" else Constant(key, f"{node.name}Edge")))
        return parts

    def _plain(self, type_name: str, details: list[FieldDetails]) -> tuple[tuple[str, str], ...]:
        """The response keys and names selected of an object whose fields are all scalars."""
        return tuple((key, inner[0].node.name.value) for key, inner in self.selected(type_name, details).items())

    def selected(self, type_name: str, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
        """The fields selected of an object, by response key; a node that was spread twice counts once."""
        kind = self.schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101
        once = list({id(detail.node): detail for detail in details}.values())
        operation = self.operation
        return _collected(
            collect_subfields,
            self.schema,
            operation.fragments,
            operation.variables,
            operation.definition,
            kind,
            once,
        )

    def _field_of(self, type_name: str, node: FieldNode) -> GraphQLField:
        kind = self.schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101
        field: GraphQLField = kind.fields[node.name.value]
        return field

    def _arguments(self, type_name: str, details: list[FieldDetails]) -> dict[str, Any]:
        """The arguments of a field as symbols; one that was not given is absent."""
        node = details[0].node
        if node.name.value.startswith("__"):
            return {}
        declared = self._field_of(type_name, node).args
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        symbols = {name: symbol(value, declared[name].type, self.values) for name, value in given.items()}
        return {name: found for name, found in symbols.items() if found is not None}

    def value(self, source: Any) -> Any:
        """A source's value in the request that is being planned; its shape is part of what the plan is for."""
        return None if source is None else source.value(self.values, {})


def _collected(collect: Callable[..., CollectedFields], *arguments: Any) -> dict[str, list[FieldDetails]]:
    """What graphql-core collects; RequestError where a variable of `@include` or `@skip` is null."""
    try:
        return collect(*arguments).grouped_field_set
    except GraphQLError as wrong:
        raise RequestError("BAD_USER_INPUT", wrong.message) from None
