"""Selections of interfaces and unions, and searches, drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from graphql import is_interface_type

from tests.reading.drawn_values import drawn_value
from tests.reading.naive_searches import words_of
from tests.reading.spelling import Name

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

ABSTRACT = ("Node", "Party", "HeldFor", "SearchResult")
"""Every interface and union whose objects are nodes."""
SHORT = ("c", "fA", "Cu", "P", "é", "2", "ines á", "c-1", "CUP-1 ", "acme", "Fast", "o-1")


def members(drawing: Drawing, kind: str) -> set[str]:
    """The nodes that an interface or union may be."""
    schema = drawing.naive.schema
    return {each.name for each in schema.get_possible_types(schema.type_map[kind])}  # type: ignore[arg-type]


def above(drawing: Drawing, kind: str) -> list[str]:
    """The interfaces and unions that an object type belongs to, and itself."""
    return [kind, *(each for each in ABSTRACT if kind in members(drawing, each))]


def anything(drawing: Drawing, kind: str, depth: int) -> str:
    """A selection of an interface or a union: what all have, and fragments on types that it may be."""
    possible = members(drawing, kind)
    beside = [each for each in ABSTRACT if depth and possible & members(drawing, each)]
    kinds = [*beside, *sorted(possible)]
    spreads = [drawing.spread(drawing.pick(kinds), depth, prefixed=True) for _ in drawing.some(3, least=0)]
    shared = ["__typename"]
    if is_interface_type(drawing.naive.schema.type_map[kind]):
        shared += ["id", "name" if kind == "Party" else "id"]
    return f"{{ {drawing.directed(drawing.pick(shared))} {' '.join(spreads)} }}"


def drawn_search(drawing: Drawing) -> tuple[str, Callable[[], str]]:
    """One search with its arguments, and what draws a selection of it."""
    searched = drawing.naive.graph.searched
    node = searched[drawing.pick(tuple(searched))]
    long = words_of(drawing.chance, drawing.naive.world.rows[node.name], node)
    given = [f"text: {drawn_value(drawing, 'String!', drawing.pick((long, drawing.pick(SHORT))))}"]
    if drawing.maybe(50):
        kinds = [Name(drawing.pick(tuple(searched))) for _ in drawing.some(4, least=0)]
        given.append(f"types: {drawn_value(drawing, '[SearchType!]', kinds, surely=True)}")
    if drawing.maybe(50):
        given.append(f"first: {drawn_value(drawing, 'Int', drawing.pick((0, 1, 2, 5)))}")
    return f"search({', '.join(given)})", lambda: f"{{ {' '.join(_part(drawing) for _ in drawing.some(3))} }}"


def _part(drawing: Drawing) -> str:
    """One part of what a search answers."""
    name = drawing.pick(("nodes", "nodes", "hasMore", "__typename"))
    below = anything(drawing, "SearchResult", 2) if name == "nodes" else ""
    return f"{drawing.keyed(name)} {below}"
