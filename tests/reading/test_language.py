"""Every part of GraphQL's query language is read as graphql-core reads it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.kernel.identity import encode_id
from resolvers.context import GraphQLRequest
from tests.reading.conftest import FilledShop

ID = encode_id("Product", 1)
MANY = """query One { products(first: 1) { nodes { sku } } }
query Two($n: Int = 2) { products(first: $n) { nodes { ...S } } }
fragment S on Product { sku __typename }"""
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "named, inline and nested fragments": (
        """{ orders { ...A } } fragment A on OrderConnection { nodes { ...B ... { number } ... on Node { id } } }
        fragment B on Order { lines { nodes { ...C } } }
        fragment C on OrderLine { product { ... on Product { sku } } }
        """,
        {},
    ),
    "a fragment without a type, skipped": (
        'query($no: Boolean!) { product(sku: "TEA") { ... @skip(if: $no) { name } sku } }',
        {"no": True},
    ),
    "directives on spreads, and both on one field": (
        """query($a: Boolean!, $b: Boolean = false) { products(first: 2) { nodes { ...N @include(if: $a) gtin
        sku @skip(if: $b) @include(if: $a) } } } fragment N on Product { name @skip(if: $a) category }""",
        {"a": True},
    ),
    "all skipped at the root": ("query($yes: Boolean!) { orders @skip(if: $yes) { totalCount } }", {"yes": True}),
    "all skipped below": (
        "query($yes: Boolean!) { orders(first: 1) { nodes { number @skip(if: $yes) } } }",
        {"yes": True},
    ),
    "repeated fields that merge": (
        """{ orders(first: 1) { nodes { number } } orders(first: 1) { totalCount nodes { status lines { totalCount } } }
        ...R } fragment R on Query { orders(first: 1) { nodes { lines { nodes { position } } } } }""",
        {},
    ),
    "one field twice with different arguments": (
        '{ a: product(sku: "TEA") { name } b: product(sku: "CUP-1") { name } }',
        {},
    ),
    "names of types everywhere": (
        """{ t: __typename orders(first: 1) { __typename edges { __typename node { t: __typename ship: shipTo {
        __typename } } } pageInfo { __typename } } }""",
        {},
    ),
    "variables with defaults": (
        """query($n: Int! = 1, $s: [ProductSort!] = [SKU_DESC], $w: ProductFilter = { name: { contains: "u" } }) {
        products(first: $n, sort: $s, where: $w) { nodes { sku } } }""",
        {},
    ),
    "variables deep in lists and objects": (
        """query($a: String, $b: [String!], $c: StringFilter, $s: ProductSort!) { products(sort: [$s], where: { or: [
        { sku: { eq: $a } }, { sku: { in: $b } }, { not: { name: $c } } ] }) { nodes { sku } } }""",
        {"a": "TEA", "b": ["mug"], "c": {"contains": "a"}, "s": "SKU_ASC"},
    ),
    "variables that were not given": (
        """query($a: String, $n: Int, $w: ProductFilter) { products(first: $n, where: { not: $w,
        and: [{ gtin: { ne: $a } }], sku: { eq: $a } }) { totalCount } }""",
        {},
    ),
    "a single value for a list": (
        "query($s: [ProductSort!], $i: [ID!]!) { products(sort: $s) { nodes { sku } } nodes(ids: $i) { id } }",
        {"s": "NAME_ASC", "i": ID},
    ),
    "a number as an id": ('{ nodes(ids: [12, "junk"]) { id } }', {}),
    "a number as the value of an id": ("query($i: ID!) { nodes(ids: [$i]) { id } }", {"i": 12}),
    "null literals": (
        """{ products(first: null, after: null, sort: null, where: null) { totalCount }
        orders(where: { customer: null, number: { eq: null }, or: null }) { totalCount } }""",
        {},
    ),
    "block strings, escapes and signs beyond ASCII": (
        """{ a: product(sku: \"\"\"
          TEA
        \"\"\") { name } b: product(sku: "\\u0054EA") { name } c: products(where: { name: { eq: "Ärmel_Mug" } }) {
        nodes { name } } d: products(where: { description: { contains: "☕" } }) { totalCount } }""",
        {},
    ),
    "commas, comments and white space": ("{,,products ( first:1,)#all\n{totalCount,} }", {}),
    "enums and numbers in their forms": (
        """query($s: OrderStatus!, $n: Int) { orders(where: { status: { in: [$s, CART] } }) { totalCount }
        stockLevels(where: { onHand: { gte: $n } }, first: 2) { totalCount } }""",
        {"s": "DELIVERED", "n": 4.0},
    ),
}


async def answered(filled: FilledShop, request: GraphQLRequest) -> bytes:
    """What the graph answers by one statement at the most, in the order of its keys."""
    statements = filled.graph.pool.statements
    statements.clear()
    found = orjson.loads((await filled.graph.execution.execute(request, filled.shop.callers["admin"])).body)
    assert len(statements) <= 1
    assert "errors" not in found, found["errors"]
    return orjson.dumps(found["data"])


class TestLanguage:
    @pytest.mark.parametrize("name", CASES)
    async def test_is_read_as_graphql_core_reads_it(self, filled: FilledShop, name: str):
        document, variables = CASES[name]
        expected = filled.naive.execute(document, variables, filled.shop.callers["admin"])
        assert not expected.errors, expected.errors
        assert await answered(filled, GraphQLRequest(document, variables)) == orjson.dumps(expected.data)

    @pytest.mark.parametrize("name", ["One", "Two"])
    async def test_runs_the_operation_that_is_named(self, filled: FilledShop, name: str):
        expected = filled.naive.execute(MANY, {}, filled.shop.callers["admin"], name=name)
        assert await answered(filled, GraphQLRequest(MANY, {}, name)) == orjson.dumps(expected.data)

    @pytest.mark.parametrize("name", [None, "Three", ""])
    async def test_refuses_to_guess_which_operation_is_meant(self, filled: FilledShop, name: str | None):
        answer = await filled.graph.execution.execute(GraphQLRequest(MANY, {}, name), filled.shop.callers["admin"])
        (error,) = orjson.loads(answer.body)["errors"]
        assert error["extensions"]["code"] == "OPERATION_RESOLUTION_FAILURE"

    async def test_tells_introspection_in_every_form_beside_data(self, filled: FilledShop):
        document = """query($no: Boolean!) { __schema { queryType { name } } product(sku: "TEA") { ...P }
        t: __type(name: "Order") { ...K name @skip(if: $no) } __typename nodes(ids: ["junk"]) { id } }
        fragment K on __Type { kind } fragment P on Product { name stockLevels(first: 1) { totalCount } }"""
        found = await filled.graph.response(document, {"no": True})
        assert "errors" not in found, found["errors"]
        data = found["data"]
        assert data["t"] == {"kind": "OBJECT"}
        assert data["product"]["name"] == "Tea"
        assert list(data) == ["__schema", "product", "t", "__typename", "nodes"]
