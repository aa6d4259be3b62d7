"""From declarations to the graph: nodes, their connections, filters and sorts, and the roots that hold them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from app.kernel.choice import is_choice
from app.kernel.tables import Row
from app.kernel.visibility import Visibility
from schema.asking import AskedQuestion, add_question
from schema.filtering import BOOLEAN_FIELDS, IDENTITY_OPERATORS, LIST_FIELDS, OPERATORS, filter_name, operators_of
from schema.language import (
    DECLARED,
    Answer,
    Command,
    Connection,
    Follow,
    Listing,
    Lookup,
    Many,
    NodeDeclaration,
    One,
    Question,
    References,
    Scalar,
    Value,
)
from schema.names import camel, snake
from schema.operations import Mutation, Subscription, add_mutation, add_subscription
from schema.paging import PAGE_ARGUMENTS, PageInfo
from schema.types import Node, Types, is_optional, listed, optional, without_none
from schema.values import SCALARS, VALUE_FIELDS, VALUE_OBJECTS, ExternalReference


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a node: its answer, its Python type, the node it leads to (if any), and whether it may be null."""

    name: str
    answer: Answer
    kind: Any
    target: str | None
    nullable: bool
    listed: bool


@dataclass(frozen=True, eq=False)
class NodeType:
    """One node of the graph as resolvers see it: its table, who sees its rows, its fields and sorts by GraphQL name."""

    name: str
    table: type[Row]
    visibility: Visibility
    fields: Mapping[str, Field]
    sorts: Mapping[str, tuple[str, bool]]


@dataclass(frozen=True, eq=False)
class RootField:
    """One field of the query root: how it is answered and the node it shows."""

    answer: Lookup | Listing
    node: str


@dataclass(frozen=True, eq=False)
class Graph:
    """The whole graph: the executable schema, and what each of its fields was declared to be."""

    schema: GraphQLSchema
    sdl: str
    nodes: Mapping[str, NodeType]
    queries: Mapping[str, RootField]
    questions: Mapping[str, AskedQuestion]
    mutations: Mapping[str, Mutation]
    subscriptions: Mapping[str, Subscription]


def build(rooms: Iterable[ModuleType]) -> Graph:
    """The graph that `rooms` declare; an error names the room and field that does not fit."""
    types = Types()
    nodes = {name: _node_type(declaration) for name, declaration in DECLARED.items()}
    for name, declaration in DECLARED.items():
        types.object(name, inspect.getdoc(declaration.source) or "", Node)
    for kind, doc in VALUE_OBJECTS.items():
        _add_value(types, kind, doc)
    for node in nodes.values():
        _add_filter(types, node)
    for node in nodes.values():
        _add_fields(types, node)
    return _rooted(types, nodes, list(rooms))


def _rooted(types: Types, nodes: Mapping[str, NodeType], rooms: list[ModuleType]) -> Graph:
    """The graph with its three roots filled from the rooms' classes."""
    query = types.object("Query", "Everything that may be read.")
    types.add(query, "node", Node | None, "Any object by its id.", arguments={"id": (strawberry.ID, "Its global id.")})
    many = {"ids": (list[strawberry.ID], "Their global ids, at most 100.")}
    types.add(query, "nodes", list[Node | None], "Objects by their ids, in the same order.", arguments=many)
    cursor = "Where the log of events stands now, in the same moment as the data beside it: follow on from it."
    types.add(query, "eventCursor", str, cursor)
    queries = {camel(name): _add_root(types, camel(name), found) for name, found in _declared(rooms, (Lookup, Listing))}
    questions = {
        camel(name): add_question(types, query, camel(name), found) for name, found in _declared(rooms, (Question,))
    }
    mutation = types.object("Mutation", "Everything that may be done.")
    mutations = {
        camel(name): add_mutation(types, mutation, name, found) for name, found in _declared(rooms, (Command,))
    }
    subscription = types.object("Subscription", "Everything that may be followed.")
    subscriptions = {
        camel(name): add_subscription(types, subscription, name, found) for name, found in _declared(rooms, (Follow,))
    }
    roots = {"mutation": (mutation, mutations), "subscription": (subscription, subscriptions)}
    made = strawberry.Schema(
        query,
        **{name: root for name, (root, fields) in roots.items() if fields},
        types=[types.by_name[name] for name in nodes],
        config=StrawberryConfig(scalar_map=SCALARS, auto_camel_case=True),
    )
    return Graph(made._schema, made.as_str() + "\n", nodes, queries, questions, mutations, subscriptions)  # noqa: SLF001


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


def _node_type(declaration: NodeDeclaration) -> NodeType:
    """What resolvers see of a declared node."""
    source = declaration.source
    hints = get_type_hints(source)
    table = declaration.table.__table__
    fields = {}
    for name, answer in declaration.answers.items():
        hint = hints.get(name) or (table.c[name].type.python_type if name in table.c else None)
        target = _target(hint)
        fields[camel(name)] = Field(camel(name), answer, _kind(hint), target, is_optional(hint), _is_list(hint))
        _check(declaration, name, answer, hint)
    sorts = {
        f"{sort.upper()}_{direction}": (sort, direction == "DESC")
        for sort in declaration.sorts
        for direction in ("ASC", "DESC")
    }
    return NodeType(source.__name__, declaration.table, declaration.visibility, fields, sorts)


def _target(hint: Any) -> str | None:
    """The node that an annotation leads to."""
    inner = without_none(hint)
    inner = get_args(inner)[0] if get_origin(inner) is Connection else inner
    name = getattr(inner, "__name__", None)
    return name if name in DECLARED and DECLARED[name].source is inner else None


def _is_list(hint: Any) -> bool:
    """Whether an annotation is a list of values."""
    return get_origin(without_none(hint)) is list


def _kind(hint: Any) -> Any:
    """The Python type of a field's values, without null and list."""
    inner = without_none(hint)
    return get_args(inner)[0] if get_origin(inner) is list else inner


def _check(declaration: NodeDeclaration, name: str, answer: Answer, hint: Any) -> None:
    """A field may be null exactly where SQL may answer null; else ready JSON would break the schema's promise."""
    where = f"{declaration.source.__module__}.{declaration.source.__name__}.{name}"
    columns = declaration.table.__table__.c
    if isinstance(answer, One | Many) and _target(hint) is None:
        raise TypeError(f"{where}: {hint} is no node of the graph")
    if isinstance(answer, Scalar) and answer.column and columns[answer.column].nullable != is_optional(hint):
        raise TypeError(f"{where}: the column may {'' if columns[answer.column].nullable else 'not '}be null")
    if isinstance(answer, One) and not is_optional(hint):
        target = DECLARED[str(_target(hint))]
        sees_all = all(target.visibility.to_all(frozenset({role})) for role in declaration.visibility.rules)
        implied = _same(declaration.visibility.through, declaration.table, answer.key)
        if columns[answer.key].nullable or not (sees_all or implied):
            raise TypeError(f"{where} must be `| None`: the column may be null, or its row may be hidden")


def _same(through: Any, table: type[Row], key: str) -> bool:
    """Whether the column that implies visibility is the foreign key `key` of `table`."""
    return through is not None and through.class_ is table and through.key == key


def _add_value(types: Types, kind: type, doc: str) -> None:
    """The object type of a plain value of the kernel."""
    made = types.object(kind.__name__, doc)
    for name, hint in get_type_hints(kind, include_extras=True).items():
        said = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)]
        shape = get_args(hint)[0] if said else hint
        types.add(made, camel(name), shape, said[0] if said else VALUE_FIELDS[kind.__name__, name])


def _add_fields(types: Types, node: NodeType) -> None:
    """Give a node's type the fields that were declared."""
    made = types.by_name[node.name]
    for field in node.fields.values():
        if isinstance(field.answer, Many):
            connection = _connection(types, str(field.target))
            arguments = _page_arguments(types, str(field.target))
            types.add(made, field.name, connection, field.answer.doc, arguments=arguments)
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


def _connection(types: Types, name: str) -> Any:
    """The connection over a node, with its edge, made at first use."""
    if f"{name}Connection" not in types.by_name:
        edge = types.object(f"{name}Edge", f"One {name} in a list, and where it stands.")
        types.add(edge, "cursor", str, "Where it stands in the list: send it as `after` or `before`.")
        types.add(edge, "node", types.by_name[name], f"The {name} itself.")
        made = types.object(f"{name}Connection", f"A page of a list of {name} objects.")
        types.add(made, "edges", listed(edge), "The objects of this page, each with its cursor.")
        types.add(made, "nodes", listed(types.by_name[name]), "The objects of this page.")
        types.add(made, "pageInfo", PageInfo, "Where this page stands in the list.")
        types.add(made, "totalCount", int, "How many objects the whole list has; it is counted only when asked for.")
    return types.by_name[f"{name}Connection"]


def _page_arguments(types: Types, name: str) -> dict[str, tuple[Any, str]]:
    """The arguments of a connection over a node."""
    arguments: dict[str, tuple[Any, str]] = dict(PAGE_ARGUMENTS)
    arguments["where"] = (types.by_name[f"{name}Filter"] | None, "Give only those that match this.")
    sorts = {
        f"{sort.upper()}_{direction}": f"By `{camel(sort)}`, {said}."
        for sort in DECLARED[name].sorts
        for direction, said in (("ASC", "smallest first"), ("DESC", "largest first"))
    }
    if sorts:
        offered = types.enum(f"{name}Sort", f"The orders that a list of {name} objects may have.", sorts)
        arguments["sort"] = (optional(listed(offered)), "In this order; ties are broken by age.")
    return arguments


def _add_filter(types: Types, node: NodeType) -> None:
    """The filter over a node; those of other nodes are referred to by name and made in their turn."""
    made = _filter_of(types, node.name)
    for name, doc in BOOLEAN_FIELDS.items():
        types.add(made, name, optional(made if name == "not" else listed(made)), doc)
    types.add(made, "id", optional(_operators(types, strawberry.ID, IDENTITY_OPERATORS, "ID")), "By its global id.")
    for field in node.fields.values():
        match field.answer:
            case Scalar(column=str()) if operators_of(field.kind) and not field.listed:
                kind = types.choice(field.kind) if is_choice(field.kind) else field.kind
                operators = _operators(types, kind, operators_of(field.kind), filter_name(field.kind)[: -len("Filter")])
                types.add(made, field.name, optional(operators), field.answer.doc)
            case One():
                types.add(made, field.name, optional(_filter_of(types, str(field.target))), field.answer.doc)
            case Many():
                types.add(made, field.name, optional(_list_filter(types, str(field.target))), field.answer.doc)


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


def _add_root(types: Types, name: str, declared: Any) -> RootField:
    """Add a lookup or a listing to the query root."""
    query = types.by_name["Query"]
    if isinstance(declared, Listing):
        node = declared.shows if isinstance(declared.shows, str) else declared.shows.__name__
        types.add(query, name, _connection(types, node), declared.doc, arguments=_page_arguments(types, node))
        return RootField(declared, node)
    found, holder = declared
    node = str(_target(get_type_hints(holder)[snake(name)]))
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
