"""Documents that are small to write and large to check or to plan are refused before either is begun."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from app.kernel.limits import DEFAULTS, Limits
from resolvers.reading.bounds import Cyclic, over
from resolvers.reading.documents import Documents, RequestErrors
from schema.root import GRAPH

GOLDEN = Path(__file__).parent / "golden"
LISTS = ("lines", "holds", "fulfilments", "shipments", "returns")
FEW = replace(DEFAULTS, fields_max=10, repeated_fields_max=6)


def refusal(document: str, limits: Limits = DEFAULTS) -> dict[str, Any]:
    """What the refusal of a document tells, nothing where it is let in."""
    refused = over(parse(document, no_location=True), limits)
    return dict(refused.formatted["extensions"]) if refused else {}


def spreading(levels: int) -> str:
    """A document in which each fragment spreads the next ten times."""
    again = "NAME { nodes { order { ...O%d } } edges { node { order { ...O%d } } } }"
    again = " ".join(again.replace("NAME", name) for name in LISTS)
    fragments = [f"fragment O{level} on Order {{ {again.replace('%d', str(level + 1))} }}" for level in range(levels)]
    return " ".join(["{ orders { nodes { ...O0 } } }", *fragments, f"fragment O{levels} on Order {{ id }}"])


class TestFields:
    def test_are_counted_as_often_as_they_are_spread(self):
        told = refusal(spreading(6))
        assert told["code"] == "TOO_MANY_FIELDS"
        assert told["found"] > 1_000_000

    @pytest.mark.parametrize(
        ("found", "document"),
        [
            (11, "{ a { b c d e f g h i j k } }"),
            (12, "{ a { ...F } b { ...F } } fragment F on A { c d e f g }"),
            (12, "query A { a b c d e f } query B { a b c d e f }"),
            (12, "{ a } fragment F on A { b { c d e f g h i j k l } }"),
            (12, "{ ...F } fragment F on A { a b c d e f } fragment F on A { a b c d e f }"),
        ],
    )
    def test_are_counted_in_all_parts_of_a_document(self, found: int, document: str):
        assert refusal(document, FEW) == {"code": "TOO_MANY_FIELDS", "found": found, "limit": 10}

    def test_are_let_in_up_to_the_bound(self):
        assert refusal("{ a { b c d e f g h i j } }", FEW) == {}


class TestRepeatedFields:
    @pytest.mark.parametrize(
        ("found", "document"),
        [
            (10, "{ a a a a a }"),
            (7, "{ a { b } a { b } a { b } e ...F } fragment F on A { e }"),
            (9, "{ a { b } ...F ... { a { c: b } } } fragment F on A { a { b c d } a { d } }"),
            (10, "{ x } fragment F on A { a a a a a }"),
        ],
    )
    def test_are_counted_as_pairs_of_one_name_where_they_meet(self, found: int, document: str):
        told = refusal(document, FEW)
        assert told == {"code": "TOO_MANY_REPEATED_FIELDS", "found": found, "limit": 6}

    @pytest.mark.parametrize("repeated", ["a { a { id } } ", "a { a { a { a { id } } } } "])
    def test_cannot_make_validation_slow(self, repeated: str):
        document = f"{{ x {{ {repeated * 200} }} }}"
        assert refusal(document)["code"] == "TOO_MANY_REPEATED_FIELDS"

    def test_of_fragments_that_components_share_are_let_in(self):
        parts = " ".join(f"...P{number}" for number in range(30))
        fragments = " ".join(f"fragment P{number} on Product {{ id name sku }}" for number in range(30))
        document = f"{{ products {{ nodes {{ {parts} }} }} }} {fragments}"
        assert refusal(document) == {}
        assert Documents(GRAPH.schema, DEFAULTS).document(document)


class TestLetIn:
    @pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.graphql")), ids=lambda path: path.stem)
    def test_is_what_clients_ask(self, path: Path):
        assert refusal(path.read_text()) == {}

    def test_is_introspection(self):
        assert refusal(get_introspection_query()) == {}


class TestRefused:
    @pytest.mark.parametrize(
        "document",
        [
            "{ ...F } fragment F on Query { ...F }",
            "{ ...F } fragment F on Query { products { ...G } } fragment G on ProductConnection { nodes { ...G } }",
            "{ totalCount } fragment F on Query { ...G } fragment G on Query { ...F }",
        ],
    )
    def test_is_a_fragment_that_spreads_itself(self, document: str):
        with pytest.raises(Cyclic):
            over(parse(document), DEFAULTS)
        with pytest.raises(RequestErrors) as refused:
            Documents(GRAPH.schema, DEFAULTS).document(document)
        assert "Cannot spread fragment" in refused.value.errors[0].message
        assert refused.value.errors[0].locations

    def test_is_a_chain_of_fragments_that_is_too_long_to_be_followed(self):
        chain = " ".join(f"fragment F{number} on Query {{ ...F{number + 1} }}" for number in range(400))
        document = f"{{ ...F0 }} {chain} fragment F400 on Query {{ eventCursor }}"
        with pytest.raises(RequestErrors) as refused:
            Documents(GRAPH.schema, DEFAULTS).document(document)
        assert refused.value.errors[0].formatted["extensions"]["code"] == "TOO_DEEP"
