"""What an operation costs: told where that is asked, and on every refusal for it, whatever kind of operation it is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.kernel.principal import ANONYMOUS, SYSTEM
from resolvers.context import GraphQLRequest
from resolvers.reading.cost import COUNT_COST, GROUPS_COST
from tests.graph import GraphClient
from tests.reading.conftest import FilledShop
from tests.server.doors import Door

SMALL = "{ products(first: 3) { nodes { sku prices(first: 2) { nodes { id } } } } }"
SPENT = {"requested": 1 + 3 * (1 + 1 + 2), "limit": 20_000, "objects": 3 + 6, "objectsLimit": 10_000}
DEEP = "stockLevels(first: 100) { nodes { holds(first: 100) { nodes { id } } } }"
DEAR = f"products(first: 100) {{ nodes {{ {DEEP} }} }}"
WIDE = "{ products(first: 900) { nodes { stockLevels(first: 100) { nodes { id } } } } }"
PLAIN = 'cartCreate(input: { channelId: "x" }) { cartToken }'
SHOWN = "lines(first: 90) { nodes { product { prices(first: 100) { nodes { id } } } } }"


async def told(graph: GraphClient, document: str, by: Any = ANONYMOUS, **variables: Any) -> Any:
    """The whole response to a request that asks what it costs."""
    answer = await graph.execution.execute(GraphQLRequest(document, variables, tells_cost=True), by)
    return orjson.loads(answer.body)


class TestAsked:
    async def test_is_told_beside_the_data_of_a_query(self, filled: FilledShop):
        response = await told(filled.graph, SMALL)
        assert list(response) == ["data", "extensions"]
        assert response["extensions"]["cost"]["requested"] == SPENT["requested"]
        assert response["extensions"]["cost"]["objects"] == SPENT["objects"]

    @pytest.mark.parametrize(
        ("selection", "cost"),
        [
            ("products { totalCount }", 1 + COUNT_COST),
            (
                "products(first: 5) { totalCount nodes { prices { totalCount } } }",
                1 + COUNT_COST + 5 * (2 + COUNT_COST),
            ),
            ("orders { groups(by: [], first: 1) { count } }", 1 + GROUPS_COST + 1),
            ("orders { totalCount groups(by: [], first: 1) { count } }", 1 + COUNT_COST + GROUPS_COST + 1),
        ],
    )
    async def test_counts_what_counting_and_grouping_read(self, graph: GraphClient, selection: str, cost: int):
        response = await told(graph, f"{{ {selection} }}")
        assert response["extensions"]["cost"]["requested"] == cost

    async def test_is_told_beside_errors(self, graph: GraphClient):
        response = await told(graph, '{ product(sku: "none") { sku } }')
        assert list(response) == ["data", "errors", "extensions"]
        assert response["extensions"]["cost"]["requested"] == 1

    async def test_is_not_told_unasked(self, graph: GraphClient):
        assert "extensions" not in await graph.response(SMALL)
        assert "extensions" not in await graph.response("{ __schema { description } }")

    async def test_is_asked_for_in_the_extensions_of_a_request(self, graph: GraphClient):
        door = Door(graph)
        for ask in (door.post, door.get):
            _, body = await ask(query=SMALL, extensions={"cost": True})
            assert body["extensions"] == {"cost": SPENT}
            _, body = await ask(query=SMALL, extensions={"cost": False})
            assert "extensions" not in body
            status, body = await ask(query=SMALL, extensions={"cost": "yes"})
            assert (status, body["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")

    async def test_is_the_sum_of_all_root_fields(self, graph: GraphClient):
        response = await told(graph, f"{{ __schema {{ description }} a: {SMALL[1:-1]} b: {SMALL[1:-1]} }}")
        assert response["extensions"]["cost"]["requested"] == 2 * SPENT["requested"]

    async def test_is_the_sum_of_what_mutations_show(self, graph: GraphClient):
        create = 'cartCreate(input: { channelId: "x" }) { order { lines(first: 2) { nodes { id } } } }'
        response = await told(graph, f"mutation {{ a: {create} b: {create} c: {PLAIN} }}")
        assert response["extensions"]["cost"]["requested"] == 2 * (1 + 1 + 2)


class TestRefused:
    @pytest.mark.parametrize(
        ("document", "by", "code"),
        [
            (f"{{ {DEAR} }}", ANONYMOUS, "COST_TOO_HIGH"),
            (WIDE, SYSTEM, "TOO_MANY_NODES"),
            (f"{{ __schema {{ description }} {DEAR} }}", ANONYMOUS, "COST_TOO_HIGH"),
        ],
    )
    async def test_tells_both_numbers_unasked(self, graph: GraphClient, document: str, by: Any, code: str):
        response = await graph.response(document, by=by)
        (error,) = response["errors"]
        cost = response["extensions"]["cost"]
        assert error["extensions"]["code"] == code
        assert cost["requested"] > cost["limit"] or cost["objects"] > cost["objectsLimit"]
        assert graph.pool.statements == []

    async def test_tells_what_a_mutation_would_show(self, graph: GraphClient):
        create = f'cartCreate(input: {{ channelId: "x" }}) {{ order {{ {SHOWN} }} }}'
        response = await graph.response(f"mutation {{ a: {create} b: {create} c: {create} }}", by=ANONYMOUS)
        codes = [error["extensions"]["code"] for error in response["errors"]]
        assert codes == ["TOO_MANY_NODES"]
        assert "data" not in response
        assert response["extensions"]["cost"]["objects"] == 2 * (90 + 90 * 100)

    async def test_counts_root_fields_together_also_beside_introspection(self, graph: GraphClient):
        half = "products(first: 100) { nodes { stockLevels(first: 60) { nodes { id } } } }"
        document = f"{{ __schema {{ description }} a: {half} b: {half} }}"
        response = await graph.response(document, by=ANONYMOUS)
        assert [error["extensions"]["code"] for error in response["errors"]] == ["TOO_MANY_NODES"]
        assert response["extensions"]["cost"]["objects"] == 2 * 6_100
