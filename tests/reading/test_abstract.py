"""Interfaces, unions, and the search that finds objects of every type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.kernel.identity import encode_id
from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS, Role
from app.server.explaining import Asked, explained
from schema.root import GRAPH
from tests.factories import access, parties
from tests.graph import GraphClient
from tests.reading.conftest import FilledShop

SEARCH = """query($text: String!, $types: [SearchType!], $first: Int) {
  search(text: $text, types: $types, first: $first) { hasMore nodes { __typename ... on Node { id } ...Named } }
}
fragment Named on SearchResult { ... on Party { name } ... on Order { number } ... on Product { sku } }"""
"""A search with fragments on an interface inside a union, and on types that have different fields."""


async def found(filled: FilledShop, text: str, by: str = "admin", **more: Any) -> list[str]:
    """What a search finds, each by its type and its name or number."""
    data = await filled.graph.query(SEARCH, {"text": text, **more}, by=filled.shop.callers[by])
    told = [("name", "sku", "number")] * len(data["search"]["nodes"])
    return [
        " ".join([node["__typename"], *(node[key] for key in keys if key in node)])
        for keys, node in zip(told, data["search"]["nodes"], strict=True)
    ]


class TestSearch:
    async def test_gives_the_best_match_first(self, filled: FilledShop):
        assert (await found(filled, "fast"))[0] == "Carrier Fast"
        assert await found(filled, "cup-1", types=["PRODUCT"]) == ["Product CUP-1"]
        assert await found(filled, "CUP", types=["PRODUCT"]) == ["Product CUP-2", "Product CUP-1"]
        assert await found(filled, "c-2", types=["CUSTOMER"]) == ["Customer Works & Sons"]

    async def test_finds_what_begins_with_less_than_an_index_of_trigrams_knows(self, filled: FilledShop):
        assert await found(filled, "c-", types=["CUSTOMER"]) == ["Customer Works & Sons", "Customer Ines Ávila"]
        assert await found(filled, "in", types=["CUSTOMER"]) == ["Customer Ines Ávila"]
        assert await found(filled, "vi", types=["CUSTOMER"]) == []

    async def test_says_whether_there_is_more(self, filled: FilledShop):
        document = 'query($n: Int) { search(text: "cup", types: PRODUCT, first: $n) { hasMore nodes { __typename } } }'
        for size, more in ((0, True), (1, True), (2, False)):
            data = await filled.graph.query(document, {"n": size})
            assert data["search"] == {"hasMore": more, "nodes": [{"__typename": "Product"}] * size}

    async def test_finds_only_what_the_caller_sees(self, filled: FilledShop):
        assert await found(filled, "works", "customer") == []
        assert await found(filled, "works", "business") == ["Customer Works & Sons"]
        own = await found(filled, "o-1", "customer", types=["ORDER"])
        assert own
        assert len(own) < len(await found(filled, "o-1", types=["ORDER"]))
        assert await found(filled, "ines", "stranger") == []
        assert await found(filled, "draft", "stranger") == []
        assert await found(filled, "draft", "operator") == ["Product DRAFT"]

    async def test_is_for_the_types_of_this_request(self, filled: FilledShop):
        assert await found(filled, "porto", types=["LOCATION"]) == ["Location"]
        assert await found(filled, "porto", types=["ORDER"]) == []
        assert await found(filled, "porto", types=[]) == []

    async def test_refuses_fields_that_the_caller_may_not_read_of_any_type(self, filled: FilledShop):
        document = (
            'query($for: [SearchType!]) { search(text: "fast", types: $for) { nodes { ... on Carrier { email } } } }'
        )
        assert await filled.graph.code(document, by=ANONYMOUS) == "FORBIDDEN"
        data = await filled.graph.query(document, {"for": ["PRODUCT"]}, by=ANONYMOUS)
        assert data == {"search": {"nodes": []}}

    @pytest.mark.parametrize(
        ("text", "first", "code"),
        [
            ("", None, "SEARCH_TOO_SHORT"),
            (" -- ", None, "SEARCH_TOO_SHORT"),
            ("k" * 201, None, "SEARCH_TOO_LONG"),
            ("a " * 11, None, "SEARCH_TOO_LONG"),
            ("cup", 1_001, "PAGE_TOO_LARGE"),
            ("cup", -1, "BAD_USER_INPUT"),
            ("c\0p", None, "BAD_USER_INPUT"),
        ],
    )
    async def test_says_what_is_wrong(self, filled: FilledShop, text: str, first: int | None, code: str):
        assert await filled.graph.code(SEARCH, {"text": text, "first": first}) == code

    async def test_tells_both_numbers_of_what_is_too_short(self, filled: FilledShop):
        (error,) = await filled.graph.errors(SEARCH, {"text": "-"})
        assert error["extensions"] == {"code": "SEARCH_TOO_SHORT", "found": 0, "limit": 1}

    async def test_stands_beside_other_fields_in_one_statement(self, filled: FilledShop):
        data = await filled.graph.query(
            '{ a: search(text: "cup") { nodes { __typename } } b: search(text: "fast") { __typename hasMore } '
            "products { totalCount } }"
        )
        assert data["b"] == {"__typename": "SearchPage", "hasMore": False}
        assert [node["__typename"] for node in data["a"]["nodes"]] == ["Product", "Product"]

    async def test_stands_beside_introspection(self, filled: FilledShop):
        data = await filled.graph.query(
            '{ search(text: "fast") { nodes { ... on Party { name } } } '
            '__type(name: "SearchResult") { possibleTypes { name } } }'
        )
        assert data["search"]["nodes"][0] == {"name": "Fast"}
        assert {"name": "Order"} in data["__type"]["possibleTypes"]

    async def test_costs_its_looks_and_the_dearest_of_what_it_may_find(self, filled: FilledShop):
        cost = partial_cost('{ search(text: "cup", types: [ORDER, PRODUCT], first: 5) { nodes { %s } } }')
        assert cost("__typename") == 2 * 10 + 5
        assert cost("... on Order { lines(first: 10) { nodes { id } } }") == 2 * 10 + 5 * (1 + 1 + 10)
        both = "... on Order { lines(first: 10) { nodes { id } } } ... on Product { prices(first: 3) { nodes { id } } }"
        assert cost(both) == 2 * 10 + 5 * (1 + 1 + 10)
        client = filled.client(replace(DEFAULTS, cost_max_staff=24))
        assert await client.code(SEARCH, {"text": "cup", "types": ["PRODUCT"], "first": 15}) == "COST_TOO_HIGH"


def partial_cost(document: str) -> Any:
    """What a document costs with a selection in its place."""
    return lambda inner: explained(GRAPH, Asked(document % inner, {}, access.ADMIN), DEFAULTS).cost


class TestOneOfSeveralTypes:
    @pytest.fixture
    async def users(self, session: Any) -> dict[str, str]:
        """Users who act for nobody, a customer and a carrier, by their names."""
        customer = await parties.customer(session, number="C-9", name="Nina")
        carrier = await parties.carrier(session, code="DASH", name="Dash")

        made = {
            "nobody": await access.user(session, email="a@lading.example", name="A"),
            "customer": await access.user(
                session, email="b@lading.example", name="B", roles=(Role.CUSTOMER,), customer_id=customer
            ),
            "carrier": await access.user(
                session, email="c@lading.example", name="C", roles=(Role.CARRIER,), carrier_id=carrier
            ),
        }
        await session.commit()
        return {name: encode_id("User", user) for name, user in made.items()}

    async def test_is_read_by_what_its_interface_has_and_by_fragments(self, graph: GraphClient, users: dict[str, str]):
        document = """query($ids: [ID!]!, $yes: Boolean = true) { nodes(ids: $ids) { ... on User {
          actsFor { __typename name ...Both ... on Carrier @include(if: $yes) { code same: scac }
            ... on Customer { number same: email @skip(if: $yes) } ... on Supplier { code } } } } }
        fragment Both on Node { id }"""
        data = await graph.query(document, {"ids": list(users.values())})
        assert [node["actsFor"] and list(node["actsFor"].values())[:2] for node in data["nodes"]] == [
            None,
            ["Customer", "Nina"],
            ["Carrier", "Dash"],
        ]
        assert list(data["nodes"][1]["actsFor"]) == ["__typename", "name", "id", "number"]
        assert data["nodes"][2]["actsFor"]["code"] == "DASH"
        assert data["nodes"][2]["actsFor"]["same"] is None

    async def test_is_a_member_of_its_union(self, filled: FilledShop):
        document = """{ stockHolds { nodes { order { id } orderLine { id }
          heldFor { __typename ... on OrderLine { id } ... on Order { id number } } } } }"""
        holds = (await filled.graph.query(document))["stockHolds"]["nodes"]
        assert {hold["heldFor"]["__typename"] for hold in holds} >= {"OrderLine"}
        for hold in holds:
            assert hold["heldFor"]["id"] == (hold["orderLine"] or hold["order"])["id"]

    @pytest.mark.parametrize(
        "selection",
        ["heldFor { id }", "heldFor { ... on Product { id } }", "heldFor { ... on Party { id } }", "heldFor"],
    )
    async def test_refuses_selections_that_cannot_be(self, filled: FilledShop, selection: str):
        assert await filled.graph.code(f"{{ stockHolds {{ nodes {{ {selection} }} }} }}") == "GRAPHQL_VALIDATION_FAILED"

    async def test_is_told_by_introspection(self, filled: FilledShop):
        document = """{ party: __type(name: "Party") { kind interfaces { name } possibleTypes { name } }
          held: __type(name: "HeldFor") { kind possibleTypes { name } } }"""
        data = await filled.graph.query(document)
        assert data["party"]["interfaces"] == [{"name": "Node"}]
        assert {kind["name"] for kind in data["party"]["possibleTypes"]} == {"Customer", "Supplier", "Carrier"}
        assert data["held"] == {"kind": "UNION", "possibleTypes": [{"name": "OrderLine"}, {"name": "Order"}]}

    async def test_is_found_by_node_through_its_interface(self, filled: FilledShop):
        ids = [encode_id("Customer", 1), encode_id("Carrier", 1), encode_id("Order", 1)]
        data = await filled.graph.query(
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Party { name } ... on HeldFor { __typename } } }",
            {"ids": ids},
        )
        assert [sorted(node) for node in data["nodes"]] == [["name"], ["name"], ["__typename"]]

    async def test_costs_the_dearest_branch(self, filled: FilledShop):
        cost = partial_cost('{ user(id: "x") { actsFor { %s } } }')
        assert cost("name") == 2
        orders, products = "orders(first: 10) { nodes { id } }", "products(first: 4) { nodes { id } }"
        both = f"... on Customer {{ {orders} }} ... on Supplier {{ {products} }}"
        assert cost(both) == cost(f"... on Customer {{ {orders} }}") == 1 + 1 + 1 + 10

    async def test_is_read_in_the_payload_of_a_mutation(self, graph: GraphClient, users: dict[str, str]):
        document = """mutation($id: ID!) { userDisable(input: { userId: $id }) {
          user { actsFor { __typename ...N } } } }
        fragment N on Party { ... on Customer { number } name }"""
        found = await graph.response(document, {"id": users["customer"]})
        assert found["data"]["userDisable"]["user"]["actsFor"] == {
            "__typename": "Customer",
            "number": "C-9",
            "name": "Nina",
        }, orjson.dumps(found)
