"""The graph that clients see: committed as the code has it, described in every part, and bounded in every list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from schema.root import GRAPH
from tests.architecture.sources import ROOT

PAGING = {"first", "after", "last", "before"}
SENTENCE_LENGTH_MIN = 4


def types() -> Iterator[GraphQLNamedType]:
    """Every type of ours, those of introspection left out."""
    yield from (kind for name, kind in GRAPH.schema.type_map.items() if not name.startswith("__"))


def fields() -> Iterator[tuple[str, GraphQLField]]:
    """Every field of every object and interface, by its place."""
    for kind in types():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{kind.name}.{name}", field) for name, field in kind.fields.items())


def parts() -> Iterator[tuple[str, str | None]]:
    """Every part of the graph by its place, with its description."""
    for kind in types():
        yield kind.name, kind.description
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", field.description) for name, field in kind.fields.items())
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{kind.name}.{name}", value.description) for name, value in kind.values.items())
    for place, field in fields():
        yield place, field.description
        yield from ((f"{place}({name}:)", argument.description) for name, argument in field.args.items())


def is_list(kind: Any) -> bool:
    """Whether a type is a list, null or not."""
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def is_node(kind: Any) -> bool:
    """Whether the objects of a type are rows of a table, of which there is no end; a question's records are few."""
    return kind.name == "Node" or (
        isinstance(kind, GraphQLObjectType) and any(interface.name == "Node" for interface in kind.interfaces)
    )


class TestSchema:
    def test_is_committed_as_the_code_has_it(self) -> None:
        committed = (ROOT / "schema" / "schema.graphql").read_text()
        assert committed == GRAPH.sdl, "The graph changed: run `./lading schema --write` and review the difference."

    def test_describes_every_part(self) -> None:
        silent = [place for place, told in parts() if len((told or "").strip()) < SENTENCE_LENGTH_MIN]
        assert not silent, f"Describe, by the column's doc, the docstring or Annotated: {', '.join(silent)}"

    def test_writes_descriptions_in_whole_sentences(self) -> None:
        broken = [place for place, told in parts() if told and not told.rstrip().endswith((".", "?", "…", "!"))]
        assert not broken, f"End these descriptions with a full stop: {', '.join(broken)}"


class TestLists:
    def test_of_objects_are_paged(self) -> None:
        for place, field in fields():
            if get_named_type(field.type).name.endswith("Connection"):
                assert set(field.args) >= PAGING, f"{place} is a connection without {', '.join(sorted(PAGING))}."

    def test_of_nodes_are_connections(self) -> None:
        unpaged = [
            place
            for place, field in fields()
            if is_list(field.type)
            and is_node(get_named_type(field.type))
            and not place.split(".")[0].endswith("Connection")
        ]
        assert unpaged == ["Query.nodes"], f"A list of nodes is a connection, whose pages are bounded: {unpaged}"
