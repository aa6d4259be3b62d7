"""Selections of every form are answered by one statement."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from app.kernel.principal import ANONYMOUS
from tests.factories import catalog, inventory, shipments
from tests.graph import GraphClient


@pytest.fixture
async def shelves(session: AsyncSession) -> dict[str, list[int]]:
    """Three products with stock in two warehouses."""
    products = [await catalog.product(session, sku=f"SKU-{letter}", name=f"Thing {letter}") for letter in "ABC"]
    places = [await inventory.location(session, code=code) for code in ("NORTH", "SOUTH")]
    for number, product in enumerate(products):
        for place in places:
            await inventory.stocked(session, 10 + number, product_id=product, location_id=place)
    await session.commit()
    return {"products": list(products), "places": list(places)}


class TestSelections:
    async def test_nests_rooms_in_one_statement(self, graph: GraphClient, shelves: dict[str, list[int]]):
        data = await graph.query(
            "{ products(sort: [SKU_ASC]) { nodes { sku stockLevels { nodes { onHand location { code } } } } } }"
        )
        assert data["products"]["nodes"][1] == {
            "sku": "SKU-B",
            "stockLevels": {
                "nodes": [
                    {"onHand": 11, "location": {"code": "NORTH"}},
                    {"onHand": 11, "location": {"code": "SOUTH"}},
                ]
            },
        }

    async def test_keeps_the_order_and_aliases_of_the_selection(
        self, graph: GraphClient, shelves: dict[str, list[int]]
    ):
        data = await graph.query(
            '{ product(sku: "SKU-A") { b: name __typename a: sku ...More } } fragment More on Product { b: name id }'
        )
        assert list(data["product"]) == ["b", "__typename", "a", "id"]
        assert data["product"]["id"] == encode_id("Product", shelves["products"][0])

    async def test_takes_response_keys_longer_than_a_column_name(
        self, graph: GraphClient, shelves: dict[str, list[int]]
    ):
        long = "k" * 80
        data = await graph.query(
            f'{{ product(sku: "SKU-A") {{ {long}: name {long}2: stockLevels {{ nodes {{ {long}: onHand }} }} }} }}'
        )
        assert data["product"][long] == "Thing A"
        assert data["product"][f"{long}2"]["nodes"][0][long] == 10

    async def test_leaves_out_what_directives_skip(self, graph: GraphClient, shelves: dict[str, list[int]]):
        document = 'query($no: Boolean!) { product(sku: "SKU-A") { sku name @skip(if: $no) gtin @include(if: $no) } }'
        assert list((await graph.query(document, {"no": True}))["product"]) == ["sku", "gtin"]
        assert list((await graph.query(document, {"no": False}))["product"]) == ["sku", "name"]

    async def test_reads_several_root_fields_in_one_statement(self, graph: GraphClient, shelves: dict[str, list[int]]):
        data = await graph.query("{ products { totalCount } locations { totalCount } __typename eventCursor }")
        assert data["products"]["totalCount"] == 3
        assert data["__typename"] == "Query"
        assert data["eventCursor"]

    async def test_answers_introspection_beside_readings(self, graph: GraphClient, shelves: dict[str, list[int]]):
        data = await graph.query('{ __schema { queryType { name } } product(sku: "SKU-C") { name } }')
        assert data == {"__schema": {"queryType": {"name": "Query"}}, "product": {"name": "Thing C"}}


class TestNodes:
    async def test_finds_any_object_by_its_id(self, graph: GraphClient, shelves: dict[str, list[int]]):
        ids = [encode_id("Product", shelves["products"][0]), encode_id("Location", shelves["places"][1]), "junk"]
        document = (
            "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Product { sku } ... on Location { code } } }"
        )
        data = await graph.query(document, {"ids": ids})
        assert data["nodes"] == [
            {"__typename": "Product", "sku": "SKU-A"},
            {"__typename": "Location", "code": "SOUTH"},
            None,
        ]

    @pytest.mark.parametrize(
        "given", ["junk", encode_id("Product", 10**9), encode_id("Order", 1), encode_id("Nothing", 1)]
    )
    async def test_answers_unknown_foreign_and_malformed_ids_in_the_same_words(self, graph: GraphClient, given: str):
        found = await graph.response("query($id: ID!) { product(id: $id) { sku } }", {"id": given})
        assert found["data"] == {"product": None}
        (error,) = found["errors"]
        assert error["message"] == "There is no such Product, or you may not see it."
        assert error["extensions"]["code"] == "NOT_FOUND"

    async def test_hides_what_the_caller_may_not_see(self, graph: GraphClient, session: AsyncSession):
        draft = await catalog.product(session, publish=False)
        await session.commit()
        document = "query($id: ID!) { node(id: $id) { id } }"
        given = {"id": encode_id("Product", draft)}
        assert (await graph.query(document, given))["node"]
        assert await graph.code(document, given, by=ANONYMOUS) == "NOT_FOUND"


class TestFieldsForSome:
    async def test_refuses_a_field_that_the_caller_may_not_read(
        self, graph: GraphClient, shelves: dict[str, list[int]]
    ):
        assert await graph.code("{ stockLevels { nodes { onHand } } }", by=ANONYMOUS) == "FORBIDDEN"

    async def test_refuses_to_filter_by_it_too(self, graph: GraphClient, shelves: dict[str, list[int]]):
        document = "{ stockLevels(where: { onHand: { gt: 10 } }) { nodes { available } } }"
        assert await graph.code(document, by=ANONYMOUS) == "FORBIDDEN"


class TestLookup:
    async def test_finds_the_newest_of_those_that_share_a_key(self, graph: GraphClient, session: AsyncSession):
        for _ in range(2):
            shipment = await shipments.created(session)
            shipment.tracking_number = "RR1PT"
        await session.commit()
        data = await graph.query('{ shipment(trackingNumber: "RR1PT") { number } }')
        assert data["shipment"]["number"] == shipment.number
