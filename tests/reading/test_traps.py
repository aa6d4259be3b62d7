"""What breaks a naive compiler of readings: each trap has a test, over the filled shop."""

from __future__ import annotations

from typing import Any

from app.kernel.identity import encode_id
from tests.reading.conftest import FilledShop

CUPS = ["CUP-1", "CUP-2"]


def skus(data: dict[str, Any]) -> list[str]:
    """The SKUs of the products that were listed."""
    return [node["sku"] for node in data["products"]["nodes"]]


async def cursors(filled: FilledShop, sort: str = "SKU_ASC") -> dict[str, str]:
    """The cursor of each product in an order, by its SKU."""
    document = f"{{ products(sort: [{sort}]) {{ edges {{ cursor node {{ sku }} }} }} }}"
    edges = (await filled.graph.query(document))["products"]["edges"]
    return {edge["node"]["sku"]: edge["cursor"] for edge in edges}


class TestLists:
    async def test_written_in_the_document_are_one_parameter(self, filled: FilledShop):
        document = '{ products(where: { sku: { in: ["CUP-1", "CUP-2"] } }, sort: [SKU_ASC]) { nodes { sku } } }'
        assert skus(await filled.graph.query(document)) == CUPS

    async def test_may_be_given_as_their_only_item(self, filled: FilledShop):
        document = '{ products(where: { or: { sku: { in: "CUP-1" } } }, sort: SKU_ASC) { nodes { sku } } }'
        assert skus(await filled.graph.query(document)) == ["CUP-1"]
        document = "query($w: ProductFilter) { products(where: $w) { nodes { sku } } }"
        given = {"w": {"or": {"sku": {"in": "CUP-2"}}}}
        assert skus(await filled.graph.query(document, given)) == ["CUP-2"]

    async def test_of_ids_written_in_the_document_find_their_objects(self, filled: FilledShop):
        cup = encode_id("Product", 1)
        found = await filled.graph.query(f'{{ nodes(ids: ["{cup}", "junk"]) {{ id }} }}')
        assert found["nodes"] == [{"id": cup}, None]

    async def test_that_are_empty_match_nothing(self, filled: FilledShop):
        for document in (
            "{ products(where: { sku: { in: [] } }) { totalCount } }",
            "{ products(where: { id: { in: [] } }) { totalCount } }",
            "{ products(where: { or: [] }) { totalCount } }",
        ):
            assert (await filled.graph.query(document))["products"]["totalCount"] == 0
        assert (await filled.graph.query("{ nodes(ids: []) { id } }"))["nodes"] == []


class TestPages:
    async def test_counted_from_the_end_are_one_even_where_no_row_of_them_is_shown(self, filled: FilledShop):
        document = """{
          many: products(last: 2) { __typename totalCount }
          none: products(last: 2, where: { sku: { eq: "none" } }) { totalCount pageInfo { __typename } }
          seen: products(last: 2) { pageInfo { hasNextPage } }
        }"""
        assert await filled.graph.query(document) == {
            "many": {"__typename": "ProductConnection", "totalCount": 6},
            "none": {"totalCount": 0, "pageInfo": {"__typename": "PageInfo"}},
            "seen": {"pageInfo": {"hasNextPage": False}},
        }

    async def test_between_two_cursors_know_what_lies_around_them(self, filled: FilledShop):
        at = await cursors(filled)
        document = """query($after: String, $before: String, $first: Int, $last: Int) {
          products(sort: [SKU_ASC], after: $after, before: $before, first: $first, last: $last) {
            nodes { sku } pageInfo { hasPreviousPage hasNextPage } } }"""
        around = {"after": at["CUP-1"], "before": at["OLD"]}
        for size in ({}, {"last": 9}):
            data = await filled.graph.query(document, {**around, **size})
            assert skus(data) == ["CUP-2", "DRAFT"]
            assert data["products"]["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": True}
        data = await filled.graph.query(document, {"before": at["CUP-2"]})
        assert data["products"]["pageInfo"] == {"hasPreviousPage": False, "hasNextPage": True}

    async def test_are_in_the_first_of_two_orders_by_one_column(self, filled: FilledShop):
        document = "{ products(sort: [SKU_ASC, SKU_DESC], first: 2) { nodes { sku } } }"
        assert skus(await filled.graph.query(document)) == CUPS

    async def test_look_for_what_lies_around_them_only_if_asked(self, filled: FilledShop):
        at = await cursors(filled)
        document = "query($after: String) { products(sort: [SKU_ASC], after: $after) { pageInfo { endCursor } } }"
        await filled.graph.query(document, {"after": at["CUP-1"]})
        (statement,) = filled.graph.pool.statements
        assert "exists" not in statement
