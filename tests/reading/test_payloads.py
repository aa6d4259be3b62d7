"""What a mutation shows is read as a query is, and what two of one document show is not mixed up."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from tests.factories import catalog
from tests.graph import GraphClient

TWICE = """
mutation($one: ProductUpdateInput!, $two: ProductUpdateInput!) {
  one: productUpdate(input: $one) { ...Shown }
  two: productUpdate(input: $two) { ...Shown product { sku again: name } }
}
fragment Shown on ProductUpdatePayload { product { name } userErrors { message } }
"""


class TestPayloads:
    async def test_of_two_mutations_that_share_a_fragment_are_each_their_own(
        self, graph: GraphClient, session: AsyncSession
    ):
        product = encode_id("Product", await catalog.product(session, sku="CUP"))
        await session.commit()
        given = {
            name: {"productId": product, "name": name, "idempotencyKey": f"shared-{name}"} for name in ("one", "two")
        }
        found = (await graph.response(TWICE, given))["data"]
        assert found["one"] == {"product": {"name": "one"}, "userErrors": []}
        assert found["two"] == {"product": {"name": "two", "sku": "CUP", "again": "two"}, "userErrors": []}
