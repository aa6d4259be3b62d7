"""A small shop for the stories: two warehouses, one product, a carrier and a customer, told by their global ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.kernel.principal import Principal
from tests.factories import access, inventory, orders, parties
from tests.factories.fulfilment import BERLIN, PORTO
from tests.graph import GraphClient

LISBON = {
    "recipient": "Ada",
    "line1": "1 Quay Street",
    "city": "Lisbon",
    "countryCode": "PT",
    "latitude": "38.72",
    "longitude": "-9.14",
}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The ids of what the shop has, and those who act in it."""

    graph: GraphClient
    channel: str
    product: str
    far: str
    near: str
    carrier: str
    customer: Principal
    driver: Principal
    operator: Principal = access.OPERATOR

    async def by_staff(self, name: str, given: dict[str, Any], select: str = "") -> Any:
        """The payload of a mutation that staff give."""
        return await self.graph.done(name, given, select, by=self.operator)

    async def by_customer(self, name: str, given: dict[str, Any], select: str = "") -> Any:
        """The payload of a mutation that the customer gives."""
        return await self.graph.done(name, given, select, by=self.customer)

    async def stock(self, location: str) -> tuple[int, int]:
        """Pieces on hand and held at a location."""
        document = """query($location: ID!) { stockLevels(where: {location: {id: {eq: $location}}}) {
            nodes { onHand held } } }"""
        found = await self.graph.query(document, {"location": location}, by=self.operator)
        (level,) = found["stockLevels"]["nodes"]
        return level["onHand"], level["held"]


async def opened(session: AsyncSession, graph: GraphClient) -> Shop:
    """The shop, with ten pieces in Berlin and ten in Porto."""
    channel, product = await orders.channel(session), await inventory.product(session)
    await orders.price(session, product, channel, "12.50")
    far, near = [await inventory.location(session, address=place) for place in (BERLIN, PORTO)]
    carrier, customer = await parties.carrier(session), await parties.customer(session)
    await write_outbox(session)
    await session.commit()
    shop = Shop(
        graph=graph,
        channel=encode_id("Channel", channel),
        product=encode_id("Product", product),
        far=encode_id("Location", far),
        near=encode_id("Location", near),
        carrier=encode_id("Carrier", carrier),
        customer=access.customer_caller(customer),
        driver=access.carrier_caller(carrier),
    )
    for location in (shop.far, shop.near):
        await shop.by_staff("stockReceive", {"productId": shop.product, "locationId": location, "quantity": 10})
    return shop


async def placed(shop: Shop, pieces: int) -> str:
    """An order of pieces of the product, placed by the customer."""
    token = (await shop.by_customer("cartCreate", {"channelId": shop.channel}, "cartToken"))["cartToken"]
    line = {"cartToken": token, "productId": shop.product, "quantity": pieces}
    await shop.by_customer("cartLineSet", line)
    order = await shop.by_customer("orderPlace", {"cartToken": token, "shippingAddress": LISBON}, "order { id status }")
    assert order["order"]["status"] == "PLACED"
    return str(order["order"]["id"])


async def packed(shop: Shop, order: str) -> str:
    """The fulfilment of an order, allocated, picked and packed."""
    select = "order { status fulfilments { nodes { id location { id } lines { nodes { id quantity } } } } }"
    allocated = (await shop.by_staff("orderAllocate", {"orderId": order}, select))["order"]
    (fulfilment,) = allocated["fulfilments"]["nodes"]
    assert (allocated["status"], fulfilment["location"]["id"]) == ("ALLOCATED", shop.near)
    lines = [{"fulfilmentLineId": line["id"], "quantity": line["quantity"]} for line in fulfilment["lines"]["nodes"]]
    given = {"fulfilmentId": fulfilment["id"], "lines": lines}
    picked = await shop.by_staff("pickConfirm", given, "fulfilment { status }")
    assert picked["fulfilment"]["status"] == "PICKED"
    parcel = await shop.by_staff("parcelPack", {**given, "weightGrams": 800}, "parcel { pieces fulfilment { status } }")
    assert parcel["parcel"]["fulfilment"]["status"] == "PACKED"
    return str(fulfilment["id"])


async def delivered(shop: Shop, order: str) -> str:
    """The shipment of an order, from the warehouse to the door."""
    given = {"fulfilmentId": await packed(shop, order), "carrierId": shop.carrier, "trackingNumber": "PT-1"}
    shipment = (await shop.by_staff("shipmentCreate", given, "shipment { id }"))["shipment"]["id"]
    await shop.by_staff("shipmentDispatch", {"shipmentId": shipment})
    report = {"shipmentId": shipment, "status": "IN_TRANSIT", "place": "Coimbra", "sourceReference": "scan-1"}
    await shop.graph.done("trackingEventAdd", report, by=shop.driver)
    told = await shop.graph.done("shipmentDeliver", {"shipmentId": shipment}, "shipment { status }", by=shop.driver)
    assert told["shipment"]["status"] == "DELIVERED"
    return str(shipment)
