"""Bounds of a document and its values: each lets in what is just within it, and refuses one more with both numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS, SYSTEM
from tests.graph import GraphClient
from tests.reading.conftest import FilledShop

FEW = replace(
    DEFAULTS,
    tokens_max=60,
    depth_max=3,
    aliases_max=3,
    root_fields_max=4,
    mutations_max=2,
    directives_max=3,
    filter_values_max=3,
    filter_depth_max=2,
    ids_max=2,
    filter_conditions_max=3,
    list_items_max=2,
)
SKIP = "... @skip(if: false) { totalCount } "
CREATE = 'cartCreate(input: { channelId: "x" }) { cartToken }'


def products(where: str) -> str:
    """A query of products that meet a condition."""
    return f"{{ products(where: {where}) {{ totalCount }} }}"


@pytest.fixture
def graph(filled: FilledShop) -> GraphClient:
    """A client that may ask for little."""
    return filled.client(FEW)


@pytest.mark.parametrize(
    ("code", "document", "within", "more"),
    [
        ("TOO_MANY_TOKENS", "{ products { %s } }", "totalCount " * 55, "totalCount " * 56),
        (
            "TOO_DEEP",
            "{ products { nodes { prices { nodes { %s } } } } }",
            "product { id }",
            "product { prices { totalCount } }",
        ),
        (
            "TOO_MANY_ALIASES",
            "{ products { %s } }",
            "a: totalCount b: totalCount c: totalCount",
            "a: totalCount b: totalCount c: totalCount d: totalCount",
        ),
        ("TOO_MANY_ROOT_FIELDS", "{ %s }", "eventCursor " * 4, "eventCursor " * 5),
        ("TOO_MANY_DIRECTIVES", "{ products { %s } }", f"totalCount {SKIP * 3}", f"totalCount {SKIP * 4}"),
    ],
)
async def test_a_document_is_bounded(graph: GraphClient, code: str, document: str, within: str, more: str):
    await graph.query(document % within)
    (error,) = await graph.errors(document % more)
    told = error["extensions"]
    assert (told["code"], told["found"]) == (code, told["limit"] + 1)
    assert str(told["found"]) in error["message"]
    assert str(told["limit"]) in error["message"]


async def test_mutations_are_bounded(graph: GraphClient):
    document = "mutation { %s }"
    both = " ".join(f"m{number}: {CREATE}" for number in range(2))
    assert "errors" not in await graph.response(document % both, by=ANONYMOUS)
    (error,) = await graph.errors(document % f"{both} m2: {CREATE}", by=ANONYMOUS)
    assert error["extensions"] == {"code": "TOO_MANY_ROOT_FIELDS", "found": 3, "limit": 2}


@pytest.mark.parametrize(
    ("where", "more"),
    [
        ('{ sku: { in: ["a", "b", "c"%s] } }', ', "d"'),
        ('{ or: [{ sku: { eq: "a" } }, { sku: { eq: "b" } }%s] }', ', { sku: { eq: "c" } }'),
    ],
)
async def test_a_filter_is_bounded(graph: GraphClient, where: str, more: str):
    await graph.query(products(where % ""))
    (error,) = await graph.errors(products(where % more))
    assert error["extensions"] == {"code": "FILTER_TOO_LONG", "found": 4, "limit": 3}


async def test_a_filter_is_bounded_in_depth(graph: GraphClient):
    def nested(depth: int) -> str:
        return products("{ not: " * depth + "{}" + " }" * depth)

    await graph.query(nested(FEW.filter_depth_max))
    (error,) = await graph.errors(nested(FEW.filter_depth_max + 1))
    assert error["extensions"] == {"code": "FILTER_TOO_DEEP", "found": 3, "limit": 2}


async def test_the_ids_of_nodes_are_bounded(graph: GraphClient):
    await graph.response("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"] * FEW.ids_max})
    (error,) = await graph.errors("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"] * 3})
    assert error["extensions"] == {"code": "TOO_MANY_IDS", "found": 3, "limit": 2}


async def test_a_list_of_an_input_is_bounded(graph: GraphClient):
    given: dict[str, Any] = {
        "email": "a@b.example",
        "name": "A",
        "roles": ["ADMIN"] * 3,
        "password": "long enough it is",
    }
    payload = await graph.mutate("userCreate", given, by=SYSTEM)
    (error,) = payload["userErrors"]
    assert "2" in error["message"], error


async def test_a_variable_that_is_null_where_none_may_be_is_told_with_the_type(graph: GraphClient):
    (error,) = await graph.errors('query ($id: ID = "x") { node(id: $id) { id } }', {"id": None})
    assert (error["message"], error["extensions"]) == (
        "`$id` is null, which `ID!` may not be.",
        {"code": "BAD_USER_INPUT"},
    )
