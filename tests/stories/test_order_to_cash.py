"""Order to cash: from the cart to the door, seen by each party as far as it may see."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.outbox import OutboxEvent
from tests.factories import inventory
from tests.graph import GraphClient
from tests.stories import shop as shops

JOURNEY = """
query($order: ID!) {
  order(id: $order) {
    status
    total { amount currency }
    shipTo { city }
    lines { nodes { quantity quantityShipped product { name available } } }
    fulfilments { nodes { number status location { name } parcels { nodes { number weightGrams pieces } } } }
    shipments { nodes {
      number status allowedActions trackingNumber deliveredLate weightGrams parcelCount
      carrier { name }
      destination { city }
      parcels { nodes { lines { nodes { quantity product { name } } } } }
      trackingEvents { nodes { status place isSimulated } }
    } }
  }
}
"""


class TestOrderToCash:
    async def test_goes_from_the_cart_to_the_door(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        order = await shops.placed(shop, 3)
        await shops.delivered(shop, order)
        assert await shop.stock(shop.near) == (7, 0)
        assert await shop.stock(shop.far) == (10, 0)
        await inventory.assert_balanced(session)

    async def test_is_read_whole_by_its_customer_in_one_statement(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        order = await shops.placed(shop, 3)
        await shops.delivered(shop, order)
        found = (await graph.query(JOURNEY, {"order": order}, by=shop.customer))["order"]
        assert (found["status"], found["total"]) == ("DELIVERED", {"amount": "37.5", "currency": "EUR"})
        (shipment,) = found["shipments"]["nodes"]
        assert (shipment["status"], shipment["destination"]) == ("DELIVERED", {"city": "Lisbon"})
        assert (shipment["parcelCount"], shipment["weightGrams"], shipment["deliveredLate"]) == (1, 800, False)
        assert shipment["allowedActions"] == ["TRACK"]
        (line,) = shipment["parcels"]["nodes"][0]["lines"]["nodes"]
        assert line["quantity"] == 3
        steps = [(event["status"], event["place"]) for event in shipment["trackingEvents"]["nodes"]]
        assert steps == [("IN_TRANSIT", "Coimbra"), ("DELIVERED", None)]

    async def test_shows_the_carrier_its_shipment_and_nothing_else(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        order = await shops.placed(shop, 3)
        await shops.delivered(shop, order)
        assert await graph.code(JOURNEY, {"order": order}, by=shop.driver) == "NOT_FOUND"
        document = "{ shipments { nodes { trackingNumber order { id } parcels { nodes { pieces } } } } }"
        (shipment,) = (await graph.query(document, by=shop.driver))["shipments"]["nodes"]
        assert shipment == {"trackingNumber": "PT-1", "order": None, "parcels": {"nodes": [{"pieces": 3}]}}
        secret = "{ shipments { nodes { trackingToken } } }"
        assert await graph.code(secret, by=shop.driver) == "FORBIDDEN"

    async def test_tells_each_change_of_state_once(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        await shops.delivered(shop, await shops.placed(shop, 3))
        told = (await session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))).all()
        changes = [
            (event.name, event.facts["status_after"])
            for event in told
            if event.facts.get("status_after") not in {None, event.facts.get("status_before")}
            and not event.name.endswith("tracking_event_added")
        ]
        assert changes == [
            ("orders.cart_created", "CART"),
            ("orders.order_placed", "PLACED"),
            ("fulfilment.fulfilment_allocated", "ALLOCATED"),
            ("orders.order_allocated", "ALLOCATED"),
            ("fulfilment.fulfilment_picked", "PICKED"),
            ("fulfilment.parcel_packed", "PACKED"),
            ("shipments.shipment_created", "CREATED"),
            ("fulfilment.fulfilment_shipped", "SHIPPED"),
            ("orders.order_shipped", "SHIPPED"),
            ("shipments.shipment_dispatched", "DISPATCHED"),
            ("shipments.shipment_progressed", "IN_TRANSIT"),
            ("shipments.shipment_delivered", "DELIVERED"),
            ("orders.order_delivered", "DELIVERED"),
        ]

    async def test_counts_a_scan_sent_twice_once(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        shipment = await shops.delivered(shop, await shops.placed(shop, 1))
        report = {"shipmentId": shipment, "status": "IN_TRANSIT", "sourceReference": "scan-1"}
        await graph.done("trackingEventAdd", report, by=shop.driver)
        found = await graph.query("{ trackingEvents { totalCount } }", by=shop.operator)
        assert found["trackingEvents"]["totalCount"] == 2

    async def test_can_be_tried_without_doing_it(self, session: AsyncSession, graph: GraphClient):
        shop = await shops.opened(session, graph)
        order = await shops.placed(shop, 3)
        select_ = "order { status fulfilments { nodes { location { id } } } }"
        tried = await shop.by_staff("orderAllocate", {"orderId": order, "dryRun": True}, select_)
        assert tried["order"]["fulfilments"]["nodes"] == [{"location": {"id": shop.near}}]
        found = await graph.query("{ fulfilments { totalCount } }", by=shop.operator)
        assert found["fulfilments"]["totalCount"] == 0
