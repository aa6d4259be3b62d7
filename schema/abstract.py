"""Types whose objects are nodes of several types: interfaces, unions, and what a search finds."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Union

import strawberry

from schema.answers import ABSTRACT, DECLARED, AbstractDeclaration
from schema.names import camel, snake
from schema.nodes import NodeType
from schema.types import Node, Types, listed, optional

FOUND, PAGE = "SearchResult", "SearchPage"
"""The union of what a search may find, and the type of its answer."""
SEARCH = (
    "What you may see whose names or numbers have the words of `text`, best match first: what is called so, then what "
    "begins so, then what has all the words, the more alike the earlier. Fewer than three letters or digits find only "
    "what begins with them."
)


def add_interfaces(types: Types) -> None:
    """The interfaces, still empty, of which nodes are made."""
    for name, declared in ABSTRACT.items():
        if declared.fields is not None:
            types.interface(name, inspect.getdoc(declared.source) or "", Node)


def bases_of(types: Types, node: str) -> list[Any]:
    """The interfaces that a node implements; that of all nodes is always among them."""
    found = [types.by_name[name] for name, declared in _interfaces() if node in declared.members]
    return found or [Node]


def add_unions(types: Types) -> None:
    """The unions of nodes."""
    for name, declared in ABSTRACT.items():
        if declared.fields is None:
            add_union(types, name, inspect.getdoc(declared.source) or "", declared.members)


def add_interface_fields(types: Types, nodes: Mapping[str, NodeType]) -> None:
    """What the members of each interface share; TypeError where one lacks a field or hides it from some."""
    for name, declared in _interfaces():
        for field in declared.fields or ():
            answers = [DECLARED[member].answers.get(field) for member in declared.members]
            if any(answer is None or answer.roles is not None for answer in answers):
                raise TypeError(f"{name}.{field}: not every member has it for all who see it")
            first = nodes[declared.members[0]].fields[camel(field)]
            shown = types.field(types.by_name[declared.members[0]], first.name)
            types.add(types.by_name[name], first.name, shown, first.answer.doc)


def add_union(types: Types, name: str, doc: str, members: Iterable[str]) -> None:
    """A union of nodes."""
    kinds = tuple(types.by_name[member] for member in members)
    types.by_name[name] = Annotated[Union[kinds], strawberry.union(name, description=doc)]  # noqa: UP007


def add_search(types: Types, query: Any, nodes: Mapping[str, NodeType]) -> dict[str, NodeType]:
    """The root field that searches all nodes that are searched; answers them by their names in its argument."""
    searched = {snake(name).upper(): nodes[name] for name in sorted(nodes) if nodes[name].search}
    if not searched:
        return searched
    add_union(types, FOUND, "Something that a search finds.", [node.name for node in searched.values()])
    told = {
        name: f"{node.name} objects, by {', '.join(f'`{camel(column)}`' for column in node.search)}."
        for name, node in searched.items()
    }
    kinds = types.enum("SearchType", "What a search may be for.", told)
    page = types.object(PAGE, "The best of what a search finds.")
    types.add(page, "nodes", listed(types.by_name[FOUND]), "What was found, best match first.")
    types.add(page, "hasMore", bool, "Whether more was found than `first` asks for.")
    arguments = {
        "text": (
            str,
            "A name, a number, or words of them, in any case and with or without accents.",
        ),
        "types": (optional(listed(kinds)), "Search only for these; for all if it is left out."),
        "first": (int | None, "How many to give; 20 if it is left out."),
    }
    types.add(query, "search", page, SEARCH, arguments=arguments)
    return searched


def _interfaces() -> list[tuple[str, AbstractDeclaration]]:
    return [(name, declared) for name, declared in ABSTRACT.items() if declared.fields is not None]
