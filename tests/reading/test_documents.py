"""What is remembered of documents is small, and errors tell the places in their texts all the same."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest
from graphql import parse, validate
from graphql.language import Node

from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM
from resolvers.reading.documents import Documents, Operation, RequestErrors
from resolvers.reading.run import Prepared, Reading
from schema.root import GRAPH
from tests.graph import GraphClient

NAMED = """query One($n: Int) { products(first: $n) { nodes { ...S } } }
query Two { products { totalCount } }
fragment S on Product { sku }"""
WRONG = [
    "{ products { nothing } }",
    "{\n  products(first: true) {\n    nodes { sku { no } name(a: 1) }\n  }\n  x: nowhere\n}",
    "query ($n: Int) { a: products(first: $n) { totalCount } a: orders { totalCount } ...F }",
    "fragment F on Product { sku } fragment F on Order { number } { products(first: $n) { totalCount } }",
]
LEFT = 5
"""Of a query with one variable there stay its declaration, the variable, its type and both their names."""


@pytest.fixture
def documents() -> Documents:
    """Documents of the graph."""
    return Documents(GRAPH.schema, DEFAULTS)


def reading() -> Reading:
    """A reading that prepares, and remembers nothing yet."""
    nowhere: Any = None
    return Reading(GRAPH, nowhere, DEFAULTS, "1")


def prepared(operation: Operation) -> Prepared:
    """An operation, planned and printed."""
    return reading().prepare(operation, SYSTEM.roles)


def nodes() -> int:
    """How many parts of syntax trees there are."""
    gc.collect()
    return sum(isinstance(each, Node) for each in gc.get_objects())


class TestTree:
    def test_stays_no_longer_than_the_operation(self, documents: Documents):
        operation = documents.operation("{ products { nodes { sku } } }", None, {})
        prepared(operation)
        node = weakref.ref(operation.tree.node)
        del operation
        gc.collect()
        assert node() is None

    def test_leaves_nothing_but_variables(self, documents: Documents):
        before = nodes()
        kept = []
        for number in range(10):
            document = f"query ($n: Int) {{ products(first: $n) {{ nodes {{ a{number}: sku b: name c: gtin }} }} }}"
            kept.append(prepared(documents.operation(document, None, {"n": 1})))
        assert nodes() - before == LEFT * len(kept)

    def test_is_not_parsed_where_a_plan_is_remembered(self, documents: Documents, monkeypatch: pytest.MonkeyPatch):
        remembering = reading()
        first = remembering.prepare(documents.operation(NAMED, "One", {"n": 2}), SYSTEM.roles)
        monkeypatch.setattr("resolvers.reading.documents.parse", None)
        assert remembering.prepare(documents.operation(NAMED, "One", {"n": 2}), SYSTEM.roles) is first

    @pytest.mark.parametrize(("name", "variables"), [("One", {"n": 1}), ("Two", {})])
    def test_is_parsed_again_for_another_plan(self, documents: Documents, name: str, variables: dict[str, Any]):
        documents.operation(NAMED, "One", {"n": 3})
        fresh = Documents(GRAPH.schema, DEFAULTS).operation(NAMED, name, variables)
        again = prepared(documents.operation(NAMED, name, variables))
        assert again.statement == prepared(fresh).statement

    def test_without_places_does_not_tell_objects_apart(self, documents: Documents):
        operation = documents.operation('mutation { cartCreate(input: { channelId: "x" }) { order { id } } }', None, {})
        with pytest.raises(ValueError, match="places"):
            reading().prepare_objects(operation, "Order", [], SYSTEM.roles)

    async def test_is_parsed_once_for_what_graphql_core_runs_again(
        self, graph: GraphClient, monkeypatch: pytest.MonkeyPatch
    ):
        document = "{ __schema { queryType { name } } products { totalCount } }"
        first = await graph.response(document)
        monkeypatch.setattr("resolvers.reading.documents.parse", None)
        assert await graph.response(document) == first

    def test_with_places_is_kept_of_few_documents(self):
        documents = Documents(GRAPH.schema, replace(DEFAULTS, trees_cached_max=4))
        before = nodes()
        opened = [documents.operation(f"{{ a{number}: __typename }}", None, {}) for number in range(20)]
        kept = [weakref.ref(operation.located.tree.node) for operation in opened]
        del opened
        gc.collect()
        assert sum(node() is not None for node in kept) == 2
        del documents
        assert nodes() <= before + 20


class TestErrors:
    @pytest.mark.parametrize("document", WRONG)
    def test_of_validation_tell_every_place(self, documents: Documents, document: str):
        with pytest.raises(RequestErrors) as refused:
            documents.document(document)
        expected = validate(GRAPH.schema, parse(document))
        assert [error.formatted for error in refused.value.errors] == [error.formatted for error in expected]
        assert all(error.locations for error in refused.value.errors)

    @pytest.mark.parametrize(
        ("document", "place"),
        [
            ('query ($it: String = "Product") {\n  __type(name: $it) { name } }', {"line": 2, "column": 16}),
            (
                "mutation ($it: ID = 7) { cartCreate(input: { channelId: $it }) { cartToken } }",
                {"line": 1, "column": 57},
            ),
            (
                """mutation ($it: ID = 7) { ...F }
                fragment F on Mutation { cartCreate(input: { channelId: $it }) { cartToken } }""",
                {"line": 2, "column": 73},
            ),
        ],
    )
    async def test_of_what_graphql_core_runs_tell_the_place(
        self, graph: GraphClient, document: str, place: dict[str, int]
    ):
        for _ in range(2):
            (error,) = (await graph.response(document, {"it": None}))["errors"]
            assert error["extensions"] == {"code": "BAD_USER_INPUT"}
            assert error["locations"] == [place]
            assert "$it" in error["message"]


async def test_selections_of_one_mutation_are_never_taken_for_each_other(graph: GraphClient):
    document = """mutation ($one: LocationCreateInput!, $two: LocationCreateInput!) {
      one: locationCreate(input: $one) { ...Made }
      two: locationCreate(input: $two) { location { name } again: location { code } }
    }
    fragment Made on LocationCreatePayload {
      location { code } again: location { kind } ... { more: location { name } }
    }
    """
    given = {name: {"code": name.upper(), "name": name, "kind": "WAREHOUSE"} for name in ("one", "two")}
    assert (await graph.response(document, given))["data"] == {
        "one": {"location": {"code": "ONE"}, "again": {"kind": "WAREHOUSE"}, "more": {"name": "one"}},
        "two": {"location": {"name": "two"}, "again": {"code": "TWO"}},
    }
