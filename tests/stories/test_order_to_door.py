"""From an order to the door and back, over real HTTP and WebSocket, with every process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.commands import ensure_first_admin
from app.kernel.outbox import write_outbox
from tests.stories.processes import Caller, running, until

_keys = count(1)
SECRET = "a secret of the story's own, long enough for anyone"
WHOLE_STORY = """
query($number: String!, $inside: Boolean = false) {
  customer(number: $number) {
    name
    orders(last: 1) { nodes {
      number status total { amount currency }
      lines { nodes { quantity product { sku available
        stockLevels @include(if: $inside) { nodes { onHand location { code } } }
      } } }
      shipments { nodes {
        status trackingNumber carrier { name } trackingEvents { nodes { status } } parcels { nodes { pieces } }
      } }
      returns { nodes { status refunds { nodes { amount { amount } } } } }
    } }
  }
}
"""


def key() -> str:
    """An idempotency key that was not used before."""
    return f"story-{next(_keys)}"


@dataclass
class Shop:
    """Two API servers over one database, with who calls them."""

    staff: Caller
    elsewhere: Caller
    """The same caller at the other server."""
    stranger: Caller


@pytest.fixture
async def shop(database_url: str, redis_url: str, redis_prefix: str, session: AsyncSession) -> AsyncIterator[Shop]:
    """Two API servers, a relay and a worker, and the first administrator signed in."""
    admin = await ensure_first_admin(session)
    assert admin is not None
    await write_outbox(session)
    await session.commit()
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
        "LADING_SECRET": SECRET,
    }
    async with AsyncExitStack() as processes:
        commands = (("serve", "--port", "0"), ("serve", "--port", "0"), ("relay",), ("worker",))
        started = [await processes.enter_async_context(running(environment, *command)) for command in commands]
        here, there = await started[0].address(), await started[1].address()
        stranger = Caller(here)
        signed_in = await stranger.do("signIn", "accessToken", email=admin.email, password=admin.password)
        token = signed_in["accessToken"]
        yield Shop(Caller(here, token), Caller(there, token), stranger)


@dataclass
class Goods:
    """What is sold, where it lies, and to whom."""

    channel: str
    product: str
    warehouse: str
    customer: str
    carrier: str


async def opened(staff: Caller) -> Goods:
    """A shop with one product, ten pieces of it in a warehouse, a customer and a carrier."""
    web = await staff.do("channelCreate", "channel { id }", code="WEB", name="Web shop", currency="EUR")
    channel = web["channel"]["id"]
    product = (
        await staff.do("productCreate", "product { id }", sku="TEA-1", name="Tea", weightGrams=250, publish=True)
    )["product"]["id"]
    await staff.do(
        "productPriceSet", "product { id }", productId=product, channelId=channel, amount="12.50", taxIncluded=True
    )
    place = {"line1": "Dock 1", "city": "Porto", "countryCode": "PT", "latitude": "41.15", "longitude": "-8.61"}
    warehouse = await staff.do(
        "locationCreate",
        "location { id }",
        code="PORTO",
        name="Porto",
        kind="WAREHOUSE",
        sells=True,
        fulfils=True,
        address=place,
    )
    location = warehouse["location"]["id"]
    await staff.do(
        "stockReceive",
        "stockLevel { onHand }",
        productId=product,
        locationId=location,
        quantity=10,
        idempotencyKey=key(),
    )
    customer = await staff.do("customerCreate", "customer { id }", number="C-1", name="Ada", email="ada@example.com")
    carrier = await staff.do("carrierCreate", "carrier { id }", code="POST", name="Post")
    return Goods(channel, product, location, customer["customer"]["id"], carrier["carrier"]["id"])


async def signed_up(shop: Shop, goods: Goods) -> Caller:
    """The customer, with a password of her own, signed in."""
    password = "Ada's own long password 1815"
    user = {"email": "ada@example.com", "name": "Ada", "password": password, "customerId": goods.customer}
    await shop.staff.do("userCreate", "user { id }", roles=["CUSTOMER"], **user)
    signed_in = await shop.stranger.do("signIn", "accessToken", email="ada@example.com", password=password)
    return Caller(shop.stranger.address, signed_in["accessToken"])


async def placed(ada: Caller, goods: Goods) -> str:
    """The id of an order of two pieces that the customer placed."""
    cart = (await ada.do("cartCreate", "order { id }", channelId=goods.channel))["order"]["id"]
    await ada.do("cartLineSet", "order { pieces }", cartId=cart, productId=goods.product, quantity=2)
    home = {"recipient": "Ada", "line1": "1 Quay", "city": "Lisbon", "countryCode": "PT"}
    where = {"latitude": "38.72", "longitude": "-9.14"}
    order = await ada.do(
        "orderPlace",
        "order { id number total { amount } }",
        cartId=cart,
        shippingAddress={**home, **where},
        idempotencyKey=key(),
    )
    assert order["order"]["total"]["amount"] == "25"
    return str(order["order"]["id"])


async def bought(shop: Shop, goods: Goods) -> dict[str, Any]:
    """An order of two pieces, placed by the customer, allocated and shipped."""
    staff = shop.staff
    ada = await signed_up(shop, goods)
    order = await placed(ada, goods)
    selected = "order { fulfilments { nodes { id lines { nodes { id } } location { code } } } }"
    allocated = await staff.do("orderAllocate", selected, orderId=order, idempotencyKey=key())
    (fulfilment,) = allocated["order"]["fulfilments"]["nodes"]
    lines = [{"fulfilmentLineId": fulfilment["lines"]["nodes"][0]["id"], "quantity": 2}]
    work = {"fulfilmentId": fulfilment["id"], "lines": lines}
    await staff.do("pickConfirm", "fulfilment { status }", **work, idempotencyKey=key())
    await staff.do("parcelPack", "parcel { id }", **work, weightGrams=600)
    sent = {"fulfilmentId": fulfilment["id"], "carrierId": goods.carrier, "trackingNumber": "RR1PT"}
    shipment = (await staff.do("shipmentCreate", "shipment { id }", **sent))["shipment"]["id"]
    await staff.do("shipmentDispatch", "shipment { status }", shipmentId=shipment, idempotencyKey=key())
    return {"order": order, "shipment": shipment, "ada": ada}


class TestOrderToDoor:
    async def test_reaches_the_customer_and_whoever_follows(self, shop: Shop):
        goods = await opened(shop.staff)
        stock = (
            "subscription($id: ID) { stockLevelChanged(productId: $id) { availableAfter stockLevel { available } } }"
        )
        tracking = "subscription { trackingEventAdded { cursor trackingEvent { status } } }"
        async with (
            shop.elsewhere.following(stock, {"id": goods.product}) as levels,
            shop.elsewhere.following(tracking) as scans,
            shop.elsewhere.following("subscription { orderChanged { event statusAfter order { number } } }") as orders,
        ):
            story = await bought(shop, goods)
            scan = {"shipmentId": story["shipment"], "status": "IN_TRANSIT", "place": "Coimbra"}
            await shop.staff.do("trackingEventAdd", "trackingEvent { id }", **scan)
            await shop.staff.do("shipmentDeliver", "shipment { status }", shipmentId=story["shipment"])
            assert (await until(levels, 2))[0]["availableAfter"] == 8
            statuses = [event["trackingEvent"]["status"] for event in await until(scans, 2)]
            assert statuses == ["IN_TRANSIT", "DELIVERED"]
            assert "orders.order_delivered" in [event["event"] for event in await until(orders, 6)]
        ada: Caller = story["ada"]
        told = (
            await ada.data(
                WHOLE_STORY.replace("stockLevels { nodes { onHand location { code } } }", ""), {"number": "C-1"}
            )
        )["customer"]
        (order,) = told["orders"]["nodes"]
        assert order["status"] == "DELIVERED"
        assert order["lines"]["nodes"][0]["product"] == {"sku": "TEA-1", "available": 8}
        assert order["shipments"]["nodes"][0]["trackingNumber"] == "RR1PT"

    async def test_comes_back_to_the_shelf(self, shop: Shop):
        goods = await opened(shop.staff)
        story = await bought(shop, goods)
        await shop.staff.do("shipmentDeliver", "shipment { status }", shipmentId=story["shipment"])
        ada: Caller = story["ada"]
        found = await ada.data("query($id: ID!) { order(id: $id) { lines { nodes { id } } } }", {"id": story["order"]})
        line = found["order"]["lines"]["nodes"][0]["id"]
        async with shop.elsewhere.following("subscription { returnChanged { event return { status } } }") as changes:
            asked = await ada.do(
                "returnRequest",
                "return { id lines { nodes { id } } }",
                orderId=story["order"],
                reason="CHANGED_MIND",
                lines=[{"orderLineId": line, "quantity": 1}],
            )
            back, part = asked["return"]["id"], asked["return"]["lines"]["nodes"][0]["id"]
            await shop.staff.do("returnApprove", "return { status }", returnId=back)
            received = [{"returnLineId": part, "quantity": 1, "condition": "OPENED"}]
            await shop.staff.do(
                "returnReceive",
                "return { status }",
                returnId=back,
                locationId=goods.warehouse,
                lines=received,
                idempotencyKey=key(),
            )
            disposed = [{"returnLineId": part, "disposition": "RESTOCK"}]
            await shop.staff.do(
                "returnDispose", "return { status }", returnId=back, lines=disposed, idempotencyKey=key()
            )
            refund = {"returnId": back, "amount": "12.50", "currency": "EUR", "idempotencyKey": key()}
            await shop.staff.do("refundRecord", "refund { id }", **refund)
            await until(changes, 4)
        told = (await shop.staff.data(WHOLE_STORY, {"number": "C-1", "inside": True}))["customer"]["orders"]["nodes"][0]
        assert told["returns"]["nodes"][0]["refunds"]["nodes"] == [{"amount": {"amount": "12.5"}}]
        levels = told["lines"]["nodes"][0]["product"]["stockLevels"]["nodes"]
        assert levels == [{"onHand": 9, "location": {"code": "PORTO"}}]
