"""Alerts: what calls for attention is told to staff, with the object that it is about, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.inventory.commands import SetReorderPoint, expire_holds, set_reorder_point
from app.kernel import clock
from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.orders.commands import AbandonCart, CancelOrder, abandon_cart, cancel_order
from app.shipments.tables import TrackingStatus
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from tests.factories import fulfilment, orders, shipments
from tests.following.conftest import Shelf
from tests.following.processes import Process

ALERTS = """subscription ($kinds: [AlertKind!], $location: ID) { alertRaised(kinds: $kinds, locationId: $location) {
  kind subjectType subjectId event subject { id ... on StockLevel { belowReorderPoint } } } }"""


async def committed(sessions: Any, act: Any) -> Any:
    """What `act` answers, committed."""
    async with sessions() as session:
        answer = await act(session)
        await write_outbox(session)
        await session.commit()
    return answer


async def cart_given_up(session: Any) -> None:
    """A cart whose hold runs out, and that is given up."""
    channel = await orders.channel(session)
    product, _ = await orders.offered(session, 5, channel_id=channel)
    _, token = await orders.cart(session, channel, {product: 1})
    await expire_holds(session, clock.now() + timedelta(days=1))
    await abandon_cart(session, AbandonCart(cart_token=token), by=ANONYMOUS)


async def orders_cancelled(session: Any) -> None:
    """Two orders, one called off by staff and one by its customer."""
    channel, customer = await orders.channel(session), await orders.customer(session)
    product, _ = await orders.offered(session, 5, channel_id=channel)
    for by in (SYSTEM, customer):
        order = await orders.placed(session, channel, {product: 1}, by=customer)
        await cancel_order(session, CancelOrder(order_id=order), by=by)


async def journey(session: Any) -> None:
    """A shipment that cannot be delivered, is expected later, and comes back."""
    shipment, now = await shipments.dispatched(session), clock.now()
    for hours, status, eta in (
        (1, TrackingStatus.IN_TRANSIT, 48),
        (2, TrackingStatus.IN_TRANSIT, 24),
        (3, TrackingStatus.IN_TRANSIT, 72),
        (4, TrackingStatus.DELIVERY_FAILED, None),
        (5, TrackingStatus.ON_HOLD, None),
        (6, TrackingStatus.RETURNED, None),
    ):
        expected = now + timedelta(hours=eta) if eta else None
        details: dict[str, Any] = {"occurred_at": now + timedelta(hours=hours), "estimated_delivery_at": expected}
        await shipments.report(session, shipment.id, status, **details)


async def short_pick(session: Any) -> None:
    """A fulfilment of which one piece is not found."""
    found = await fulfilment.allocated(session, 2)
    (line,) = await fulfilment.lines(session, found.id)
    await fulfilment.pick(session, found.id, (line.id, 1))
    await fulfilment.pick(session, found.id, is_last=True)


async def told(served: Process, sessions: Any, act: Any) -> list[tuple[str, str]]:
    """The alerts of `act`, by kinds and types."""
    reader = await served.follow(ALERTS)
    await committed(sessions, act)
    await reader.count(EXPECTED[act])
    await reader.close()
    return [(event["kind"], event["subjectType"]) for event in reader.read]


EXPECTED = {cart_given_up: 2, orders_cancelled: 1, journey: 3, short_pick: 1}


class TestAlerts:
    async def test_tell_of_carts_left_standing(self, served: Process, sessions):
        alerts = await told(served, sessions, cart_given_up)
        assert alerts == [("HOLD_EXPIRED", "STOCK_HOLD"), ("CART_ABANDONED", "ORDER")]

    async def test_tell_of_what_customers_cancel_themselves(self, served: Process, sessions):
        assert await told(served, sessions, orders_cancelled) == [("CUSTOMER_CANCELLED", "ORDER")]

    async def test_tell_of_deliveries_at_risk(self, served: Process, sessions):
        at_risk = ("DELIVERY_AT_RISK", "SHIPMENT")
        assert await told(served, sessions, journey) == [at_risk, at_risk, ("SHIPMENT_RETURNED", "SHIPMENT")]

    async def test_tell_of_short_picks(self, served: Process, sessions):
        assert await told(served, sessions, short_pick) == [("SHORT_PICK", "FULFILMENT")]

    async def test_tell_of_low_stock_where_it_is(self, served: Process, shelf: Shelf):
        everywhere = await served.follow(ALERTS, kinds=["LOW_STOCK"])
        here = await served.follow(ALERTS, location=encode_id("Location", shelf.location))
        elsewhere = await served.follow(ALERTS, location=encode_id("Location", 999))
        point = SetReorderPoint(product_id=shelf.product, location_id=shelf.location, reorder_point=95)  # type: ignore[arg-type]
        await committed(shelf.sessions, lambda session: set_reorder_point(session, point, by=SYSTEM))
        for change in (-1, -4, -1, 20):
            await shelf.change(change)
        (event,) = await everywhere.count(1)
        assert (event["subjectType"], event["event"]) == ("STOCK_LEVEL", "inventory.stock_level_changed")
        assert event["subject"]["id"] == event["subjectId"]
        await here.count(1)
        assert elsewhere.read == []
        for reader in (everywhere, here, elsewhere):
            await reader.close()

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SUPPLIER, Role.CARRIER, Role.ANONYMOUS])
    async def test_are_for_staff_alone(self, served: Process, role: Role):
        caller = Principal(roles=frozenset({role}), customer_id=1)
        with pytest.raises(RequestError) as refused:
            await served.execution.answer(GraphQLRequest("subscription { alertRaised { kind } }"), caller)
        assert (refused.value.extensions or {})["code"] == "FORBIDDEN"
