"""Return to stock: what was delivered comes back, is on sale again, and its money goes back."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from tests.factories import inventory
from tests.graph import GraphClient
from tests.stories import shop as shops

WHOLE = """
query($customer: ID!) {
  customer(id: $customer) {
    orders(first: 5) { nodes {
      number
      lines(first: 10) { nodes { quantity quantityReturned product {
        sku stockLevels(first: 5) { nodes { available location { name } } }
      } } }
      shipments(first: 5) { nodes { status trackingEvents(first: 10) { nodes { status } } } }
      returns(first: 5) { nodes {
        number status reason allowedActions
        lines(first: 10) { nodes { quantity quantityReceived disposition orderLine { position } } }
        refunds(first: 5) { nodes { amount { amount currency } method } }
      } }
    } }
  }
}
"""
"""From a customer through an order, its lines, products, stock, shipments and tracking events to its return."""


async def requested(shop: shops.Shop, pieces: int) -> tuple[str, str]:
    """A return that the customer asks for, and its only line."""
    order = await shops.placed(shop, 3)
    await shops.delivered(shop, order)
    document = "query($order: ID!) { order(id: $order) { lines { nodes { id } } } }"
    found = await shop.graph.query(document, {"order": order}, by=shop.customer)
    lines = [{"orderLineId": found["order"]["lines"]["nodes"][0]["id"], "quantity": pieces}]
    given = {"orderId": order, "lines": lines, "reason": "CHANGED_MIND", "note": "Too blue."}
    asked = await shop.by_customer("returnRequest", given, "return { id lines { nodes { id } } }")
    return asked["return"]["id"], asked["return"]["lines"]["nodes"][0]["id"]


async def sent_back(shop: shops.Shop, pieces: int) -> str:
    """A return whose goods arrived in Berlin and are on sale again."""
    returned, line = await requested(shop, pieces)
    await shop.by_staff("returnApprove", {"returnId": returned})
    lines: list[dict[str, Any]] = [{"returnLineId": line, "quantity": pieces, "condition": "NEW"}]
    await shop.by_staff("returnReceive", {"returnId": returned, "locationId": shop.far, "lines": lines})
    assert await shop.stock(shop.far) == (10, 0)
    decided = {"returnId": returned, "lines": [{"returnLineId": line, "disposition": "RESTOCK"}]}
    told = await shop.by_staff("returnDispose", decided, "return { status }")
    assert told["return"]["status"] == "DISPOSED"
    return returned


class TestReturnToStock:
    async def test_puts_the_goods_back_on_sale_and_the_money_back(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        returned = await sent_back(shop, 2)
        assert await shop.stock(shop.far) == (12, 0)
        given = {"returnId": returned, "amount": "25.00", "currency": "EUR", "reference": "PAY-1"}
        refund = await shop.by_staff("refundRecord", given, "refund { amount { amount } rma { status } }")
        assert refund["refund"]["rma"]["status"] == "REFUNDED"
        await inventory.assert_balanced(session)

    async def test_is_read_from_the_customer_to_the_refund_in_one_statement(
        self, session: AsyncSession, graph: GraphClient
    ):
        shop = await shops.opened(session, graph)
        returned = await sent_back(shop, 2)
        await shop.by_staff("refundRecord", {"returnId": returned, "amount": "25.00", "currency": "EUR"})
        found = await graph.query(
            WHOLE, {"customer": encode_id("Customer", shop.customer.customer_id or 0)}, by=shop.customer
        )
        (order,) = found["customer"]["orders"]["nodes"]
        (back,) = order["returns"]["nodes"]
        assert (back["status"], back["allowedActions"]) == ("REFUNDED", ["REFUND"])
        assert back["lines"]["nodes"][0]["disposition"] == "RESTOCK"
        assert back["refunds"]["nodes"][0]["amount"] == {"amount": "25", "currency": "EUR"}
        (line,) = order["lines"]["nodes"]
        assert line["quantityReturned"] == 2
        assert [level["available"] for level in line["product"]["stockLevels"]["nodes"]] == [12, 7]

    async def test_never_refunds_more_than_was_paid(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        returned = await sent_back(shop, 2)
        given = {"returnId": returned, "amount": "25.01", "currency": "EUR"}
        assert await graph.refused("refundRecord", given, by=shop.operator) == "REFUND_TOO_HIGH"

    async def test_is_not_for_strangers_to_approve(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        returned, _ = await requested(shop, 1)
        assert await graph.refused("returnApprove", {"returnId": returned}, by=shop.customer) == "FORBIDDEN"

    async def test_does_a_refund_sent_twice_once(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        returned = await sent_back(shop, 2)
        given = {"returnId": returned, "amount": "10.00", "currency": "EUR", "idempotencyKey": "refund-1"}
        first = await shop.by_staff("refundRecord", given, "refund { id }")
        assert await shop.by_staff("refundRecord", given, "refund { id }") == first
        found = await graph.query("{ refunds { totalCount } }", by=shop.operator)
        assert found["refunds"]["totalCount"] == 1
