"""Carts, orders and stock through the graph, as strangers, customers and staff meet them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ChannelId, ProductId
from app.kernel.identity import encode_id
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal
from tests.factories import orders as make
from tests.graph import GraphClient

Ask = Callable[..., Awaitable[dict[str, Any]]]

CREATE = """mutation ($channel: ID!) {
  cartCreate(input: { channelId: $channel }) { cartToken order { id status } userErrors { code message } } }"""
SET_LINE = """mutation ($token: String!, $product: ID!, $quantity: Int!) {
  cartLineSet(input: { cartToken: $token, productId: $product, quantity: $quantity }) {
    order { total { amount currency } pieces lines { nodes { position quantity unitPrice { amount } } } }
    userErrors { code field available } } }"""
PLACE = """mutation ($token: String!, $country: String!, $dryRun: Boolean) {
  orderPlace(input: { cartToken: $token, idempotencyKey: "place once", dryRun: $dryRun,
      shippingAddress: { line1: "1 Quay Street", city: "Lisbon", countryCode: $country } }) {
    order { number status paymentStatus allowedActions shipTo { city countryCode } }
    userErrors { code field message } } }"""
CART = "query ($token: String!) { cart(token: $token) { status lines { nodes { quantity } } } }"
ORDERS = "{ orders { nodes { number status lines { nodes { quantityToShip } } } } }"
STOCK = "{ stockLevels { nodes { available } } }"


@pytest.fixture
def ask(graph: GraphClient) -> Ask:
    """Executes a request against the graph, and answers its data."""

    async def asked(document: str, *, by: Principal = ANONYMOUS, **variables: Any) -> dict[str, Any]:
        answer = await graph.response(document, variables, by=by)
        assert answer.get("data") is not None, answer
        data: dict[str, Any] = answer["data"]
        return data

    return asked


@pytest.fixture
async def shop(session: AsyncSession) -> tuple[ChannelId, ProductId]:
    """A channel, and a product of which five pieces are offered in it."""
    channel_id = await make.channel(session)
    product_id, _ = await make.offered(session, 5, channel_id=channel_id, amount="19.99")
    await session.commit()
    return channel_id, product_id


async def filled(ask: Ask, shop: tuple[ChannelId, ProductId], quantity: int, *, by: Principal = ANONYMOUS) -> str:
    """The token of a cart with that many pieces."""
    channel, product = encode_id("Channel", shop[0]), encode_id("Product", shop[1])
    token: str = (await ask(CREATE, channel=channel, by=by))["cartCreate"]["cartToken"]
    await ask(SET_LINE, token=token, product=product, quantity=quantity, by=by)
    return token


class TestStranger:
    async def test_fills_and_places_a_cart_by_its_token(self, ask: Ask, shop: tuple[ChannelId, ProductId]) -> None:
        token = await filled(ask, shop, 2)
        product = encode_id("Product", shop[1])
        line = (await ask(SET_LINE, token=token, product=product, quantity=3))["cartLineSet"]
        assert line["order"] == {
            "total": {"amount": "59.97", "currency": "EUR"},
            "pieces": 3,
            "lines": {"nodes": [{"position": 1, "quantity": 3, "unitPrice": {"amount": "19.99"}}]},
        }
        assert (await ask(STOCK))["stockLevels"]["nodes"] == [{"available": 2}]
        order = (await ask(PLACE, token=token, country="PT"))["orderPlace"]["order"]
        assert (order["status"], order["paymentStatus"]) == ("PLACED", "PENDING")
        assert (order["allowedActions"], order["shipTo"]["city"]) == (["ALLOCATE", "CANCEL"], "Lisbon")
        assert (await ask(CART, token=token))["cart"] == {"status": "PLACED", "lines": {"nodes": [{"quantity": 3}]}}
        assert (await ask(ORDERS))["orders"]["nodes"] == []

    async def test_is_told_how_many_pieces_there_are(self, ask: Ask, shop: tuple[ChannelId, ProductId]) -> None:
        token = await filled(ask, shop, 2)
        refused = (await ask(SET_LINE, token=token, product=encode_id("Product", shop[1]), quantity=6))["cartLineSet"]
        assert refused == {
            "order": None,
            "userErrors": [{"code": "INSUFFICIENT_STOCK", "field": ["quantity"], "available": 5}],
        }

    async def test_learns_nothing_by_a_guessed_token(self, ask: Ask, shop: tuple[ChannelId, ProductId]) -> None:
        await filled(ask, shop, 2)
        assert (await ask(CART, token="guessed"))["cart"] is None
        placed = (await ask(PLACE, token="guessed", country="PT"))["orderPlace"]
        assert (placed["order"], placed["userErrors"][0]["code"]) == (None, "UNKNOWN_CART")

    async def test_is_told_what_is_wrong_with_an_address(self, ask: Ask, shop: tuple[ChannelId, ProductId]) -> None:
        token = await filled(ask, shop, 2)
        (error,) = (await ask(PLACE, token=token, country="pt"))["orderPlace"]["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID_INPUT", ["shippingAddress", "countryCode"])

    async def test_may_try_without_ordering(self, ask: Ask, shop: tuple[ChannelId, ProductId]) -> None:
        token = await filled(ask, shop, 2)
        assert (await ask(PLACE, token=token, country="PT", dryRun=True))["orderPlace"]["order"]["status"] == "PLACED"
        assert (await ask(CART, token=token))["cart"]["status"] == "CART"


class TestCustomer:
    async def test_sees_its_own_orders_only(
        self, ask: Ask, session: AsyncSession, shop: tuple[ChannelId, ProductId]
    ) -> None:
        owner, other = await make.customer(session), await make.customer(session)
        await session.commit()
        await ask(PLACE, token=await filled(ask, shop, 2, by=owner), country="PT", by=owner)
        seen = [(await ask(ORDERS, by=caller))["orders"]["nodes"] for caller in (owner, other, SYSTEM)]
        assert [len(orders) for orders in seen] == [1, 0, 1]
        assert seen[0][0]["lines"]["nodes"] == [{"quantityToShip": 2}]
