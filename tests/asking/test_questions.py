"""Questions: answers by algorithm, told as records, with the nodes that they name read as any reading is."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from app.kernel.principal import ANONYMOUS, SYSTEM
from resolvers.context import GraphQLRequest
from tests.factories import inventory
from tests.factories.fulfilment import BERLIN, PORTO, ordered, stocked_at
from tests.graph import GraphClient

PLAN = """
query($order: ID!) {
  sourcingPlan(orderId: $order) {
    __typename
    candidates { verdict distanceKm place: location { code } shares { quantity product { sku } } }
    shortages { quantity }
  }
  orders { totalCount }
}
"""


@pytest.fixture
async def order(session: AsyncSession) -> str:
    """An order from Lisbon for two pieces of a product that lies in Berlin and in Porto."""
    product = await inventory.product(session, sku="TEA")
    for address in (BERLIN, PORTO):
        await stocked_at(session, product, 5, address)
    found = await ordered(session, [(product, 2)])
    await session.commit()
    return encode_id("Order", found)


class TestQuestion:
    async def test_tells_records_and_reads_the_nodes_among_them(self, graph: GraphClient, order: str):
        found = await graph.response(PLAN, {"order": order})
        assert "errors" not in found
        plan = found["data"]["sourcingPlan"]
        assert plan["__typename"] == "SourcingPlan"
        near, far = plan["candidates"]
        assert near["verdict"] == "CHOSEN"
        assert near["distanceKm"] == "273.955"
        assert near["shares"] == [{"quantity": 2, "product": {"sku": "TEA"}}]
        assert near["place"]["code"] != far["place"]["code"]
        assert far["shares"] == []
        assert plan["shortages"] == []

    async def test_reads_each_place_of_nodes_by_one_statement(self, graph: GraphClient, order: str):
        graph.pool.statements.clear()
        await graph.response(PLAN, {"order": order})
        assert len(graph.pool.statements) == 3

    async def test_costs_what_its_nodes_cost_as_often_as_they_are_named(self, graph: GraphClient, order: str):
        shown = "stockLevels(first: 100) { nodes { product { prices(first: 70) { nodes { id } } } } }"
        assert "errors" not in await graph.response(f"{{ locations(first: 1) {{ nodes {{ {shown} }} }} }}")
        plan = f"sourcingPlan(orderId: $order) {{ candidates {{ location {{ {shown} }} }} }}"
        assert await graph.code(f"query ($order: ID!) {{ {plan} }}", {"order": order}) == "TOO_MANY_NODES"

    async def test_tells_what_its_nodes_cost_where_that_is_asked(self, graph: GraphClient, order: str):
        plan = "sourcingPlan(orderId: $order) { candidates { location { stockLevels(first: 3) { nodes { id } } } } }"
        request = GraphQLRequest(f"query ($order: ID!) {{ {plan} }}", {"order": order}, tells_cost=True)
        found = orjson.loads((await graph.execution.execute(request, SYSTEM)).body)
        assert len(found["data"]["sourcingPlan"]["candidates"]) == 2
        cost = found["extensions"]["cost"]
        assert (cost["requested"], cost["objects"]) == (2 * (1 + 1 + 3), 2 * 3)

    async def test_stands_beside_readings_with_variables_of_any_type(self, graph: GraphClient, order: str):
        variables = {"order": order, "since": "2026-03-02T08:30:15+05:30", "least": "0.5", "status": ["PLACED"]}
        document = """query($order: ID!, $since: DateTime!, $least: Decimal!, $status: [OrderStatus!]) {
            sourcingPlan(orderId: $order) { __typename }
            orders(where: { placedAt: { gte: $since }, total: { amount: { gte: $least } }, status: { in: $status } }) {
                totalCount } }"""
        found = await graph.response(document, variables)
        assert "errors" not in found, found
        assert found["data"] == {"sourcingPlan": {"__typename": "SourcingPlan"}, "orders": {"totalCount": 1}}

    @pytest.mark.parametrize(("given", "by"), [("junk", SYSTEM), (encode_id("Product", 1), SYSTEM), (None, ANONYMOUS)])
    async def test_tells_nothing_of_what_the_caller_may_not_see(self, graph: GraphClient, order: str, given, by):
        found = await graph.response(PLAN, {"order": given or order}, by=by)
        assert found["data"]["sourcingPlan"] is None
