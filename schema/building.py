"""From declarations to the graph: the types of its nodes, and the roots that hold everything."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, get_type_hints

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from app.kernel.choice import is_choice
from schema.abstract import add_interface_fields, add_interfaces, add_search, add_unions, bases_of
from schema.alerts import add_alerts
from schema.answers import DECLARED, Command, Follow, Listing, Lookup, Many, Question, References, Value
from schema.asking import AskedQuestion, add_question
from schema.feed import Subjects, add_feed, subjects_of
from schema.lists import add_filter, connection, page_arguments
from schema.names import camel, snake
from schema.nodes import Field, NodeType, node_type, target_of
from schema.operations import Mutation, Subscription, add_mutation, add_subscription
from schema.types import Node, Types, listed, optional
from schema.values import SCALARS, VALUE_OBJECTS, ExternalReference, value_parts


@dataclass(frozen=True, eq=False)
class RootField:
    """One field of the query root: how it is answered and the node it shows."""

    answer: Lookup | Listing
    node: str


@dataclass(frozen=True, eq=False)
class Graph:
    """The whole graph: the executable schema, and what each of its fields was declared to be."""

    made: strawberry.Schema
    schema: GraphQLSchema
    nodes: Mapping[str, NodeType]
    queries: Mapping[str, RootField]
    questions: Mapping[str, AskedQuestion]
    mutations: Mapping[str, Mutation]
    subscriptions: Mapping[str, Subscription]
    searched: Mapping[str, NodeType]
    subjects: Subjects

    @cached_property
    def sdl(self) -> str:
        """Its types in GraphQL's own language, which who serves has no use for."""
        return self.made.as_str() + "\n"


def build(rooms: Iterable[ModuleType]) -> Graph:
    """The graph that `rooms` declare; an error names the room and field that does not fit."""
    types = Types()
    nodes = {name: node_type(declaration) for name, declaration in DECLARED.items()}
    add_interfaces(types)
    for name, declaration in DECLARED.items():
        types.object(name, inspect.getdoc(declaration.source) or "", *bases_of(types, name))
    for kind, doc in VALUE_OBJECTS.items():
        _add_value(types, kind, doc)
    for node in nodes.values():
        add_filter(types, node)
    add_unions(types)
    for node in nodes.values():
        _add_fields(types, nodes, node)
    add_interface_fields(types, nodes)
    return _rooted(types, nodes, list(rooms))


def _rooted(types: Types, nodes: Mapping[str, NodeType], rooms: list[ModuleType]) -> Graph:
    """The graph with its three roots filled from the rooms' classes."""
    query = types.object("Query", "Everything that may be read.")
    types.add(query, "node", Node | None, "Any object by its id.", arguments={"id": (strawberry.ID, "Its global id.")})
    many = {"ids": (list[strawberry.ID], "Their global ids, at most 100.")}
    types.add(query, "nodes", list[Node | None], "Objects by their ids, in the same order.", arguments=many)
    cursor = "Where the log of events stands now, in the same moment as the data beside it: follow on from it."
    types.add(query, "eventCursor", str, cursor)
    searched = add_search(types, query, nodes)
    queries = {
        camel(name): _add_root(types, nodes, camel(name), found) for name, found in _declared(rooms, (Lookup, Listing))
    }
    questions = {
        camel(name): add_question(types, query, camel(name), found) for name, found in _declared(rooms, (Question,))
    }
    mutation = types.object("Mutation", "Everything that may be done.")
    mutations = {
        camel(name): add_mutation(types, mutation, name, found) for name, found in _declared(rooms, (Command,))
    }
    subscription = types.object("Subscription", "Everything that may be followed.")
    followed = _declared(rooms, (Follow,))
    values = [value for room in rooms for holder in _holders(room) for value in vars(holder).values()]
    subjects = subjects_of(values, [found for _, found in followed])
    subscriptions = {camel(name): add_subscription(types, subscription, name, found) for name, found in followed}
    if subscriptions:
        feed = add_feed(types, subscription, subjects, nodes)
        subscriptions[feed.name] = feed
        if alerts := add_alerts(types, subscription, values, subjects):
            subscriptions[alerts.name] = alerts
    roots = {"mutation": (mutation, mutations), "subscription": (subscription, subscriptions)}
    made = strawberry.Schema(
        query,
        **{name: root for name, (root, fields) in roots.items() if fields},
        types=[types.by_name[name] for name in nodes],
        config=StrawberryConfig(scalar_map=SCALARS, auto_camel_case=True),
    )
    return Graph(made, made._schema, nodes, queries, questions, mutations, subscriptions, searched, subjects)  # noqa: SLF001


def _declared(rooms: list[ModuleType], kinds: tuple[type, ...]) -> list[tuple[str, Any]]:
    """Every root declaration of one of `kinds` in the rooms' classes, in order; ValueError for a name used twice."""
    found: dict[str, Any] = {}
    for holder in (holder for room in rooms for holder in _holders(room)):
        for name, value in vars(holder).items():
            if isinstance(value, kinds) and name in found:
                raise ValueError(f"{holder.__module__}: the root field {name!r} is declared twice")
            if isinstance(value, kinds):
                found[name] = (value, holder) if isinstance(value, Lookup) else value
    return list(found.items())


def _holders(room: ModuleType) -> list[type]:
    """The classes that a room defines itself."""
    return [holder for holder in vars(room).values() if inspect.isclass(holder) and holder.__module__ == room.__name__]


def _add_value(types: Types, kind: type, doc: str) -> None:
    """The object type of a plain value of the kernel."""
    made = types.object(kind.__name__, doc)
    for name, (shape, said) in value_parts(kind).items():
        types.add(made, camel(name), shape, said)


def _add_fields(types: Types, nodes: Mapping[str, NodeType], node: NodeType) -> None:
    """Give a node's type the fields that were declared."""
    made = types.by_name[node.name]
    for field in node.fields.values():
        if isinstance(field.answer, Many):
            shows = connection(types, nodes[str(field.target)])
            arguments = page_arguments(types, nodes[str(field.target)])
            types.add(made, field.name, shows, field.answer.doc, arguments=arguments)
        else:
            types.add(made, field.name, _shape(types, field), field.answer.doc)


def _shape(types: Types, field: Field) -> Any:
    """The GraphQL type of a field that is not a connection."""
    if isinstance(field.answer, References):
        return list[ExternalReference]
    shape: Any = field.kind
    if field.target:
        shape = types.by_name[field.target]
    elif isinstance(field.answer, Value):
        shape = types.by_name[field.answer.kind.__name__]
    elif is_choice(shape):
        shape = types.choice(shape)
    if field.listed:
        shape = listed(shape)
    return optional(shape) if field.nullable else shape


def _add_root(types: Types, nodes: Mapping[str, NodeType], name: str, declared: Any) -> RootField:
    """Add a lookup or a listing to the query root."""
    query = types.by_name["Query"]
    if isinstance(declared, Listing):
        node = declared.shows if isinstance(declared.shows, str) else declared.shows.__name__
        shown = nodes[node]
        types.add(query, name, connection(types, shown), declared.doc, arguments=page_arguments(types, shown))
        return RootField(declared, node)
    found, holder = declared
    node = str(target_of(get_type_hints(holder)[snake(name)]))
    if node not in DECLARED:
        raise TypeError(f"{holder.__module__}.{holder.__name__}.{snake(name)}: annotate it with the node it finds")
    keys: dict[str, tuple[Any, str]] = {} if found.token else {"id": (strawberry.ID | None, "Its global id.")}
    for key in found.keys:
        keys[camel(key)] = (str | None, str(DECLARED[node].table.__table__.c[key].doc))
    if found.token:
        keys["token"] = (str, "The token it was given to you with; whoever holds it may see it.")
    doc = found.doc or f"One {node}, by exactly one of {', '.join(f'`{key}`' for key in keys)}."
    types.add(query, name, optional(types.by_name[node]), doc, arguments=keys)
    return RootField(found, node)
