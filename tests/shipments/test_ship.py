"""Sending: a shipment carries packed parcels, and leaving takes its pieces out of the stock."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands import NoParcels, ParcelTaken, UnknownFulfilment, UnknownParcel
from app.fulfilment.tables import FulfilmentId, FulfilmentStatus, Parcel, ParcelId
from app.inventory.tables import MovementReason, StockMovement
from app.kernel.principal import SYSTEM
from app.orders.commands import ActionNotAllowed, CancelOrder, cancel_order
from app.orders.tables import Order, OrderId, OrderLine, OrderStatus
from app.parties.commands import UnknownCarrier
from app.parties.tables import CarrierId
from app.shipments import commands
from app.shipments.events import ShipmentCreated
from app.shipments.measures import parcel_visibility, shipment_visibility
from app.shipments.tables import Shipment, ShipmentId, ShipmentStatus
from tests.factories import access, inventory, orders, parties
from tests.factories import fulfilment as fulfilments
from tests.factories import shipments as factory


class TestCreateShipment:
    async def test_carries_the_parcels_that_nobody_carries(self, session: AsyncSession):
        shipment = await factory.created(session)
        parcels = select(Parcel.id).where(Parcel.shipment_id == shipment.id)
        assert len((await session.scalars(parcels)).all()) == 1
        assert (shipment.status, shipment.number) == (ShipmentStatus.CREATED, f"S-{shipment.id + 10_000_000}")
        assert (shipment.destination_city, shipment.destination_country_code) == ("Lisbon", "PT")
        assert len(shipment.tracking_token) >= 43
        (told,) = [facts for name, facts in access.recorded(session) if name == ShipmentCreated.name]
        assert (told["shipment_id"], told["status_after"]) == (shipment.id, "CREATED")

    async def test_refuses_a_tracking_number_that_the_carrier_used(self, session: AsyncSession):
        carrier_id = await parties.carrier(session)
        first = await factory.created(session, carrier_id=carrier_id)
        fulfilment = await fulfilments.packed(session)
        request = commands.CreateShipment(
            fulfilment_id=FulfilmentId(fulfilment.id), carrier_id=carrier_id, tracking_number=first.tracking_number
        )
        async with access.refused(session, commands.TrackingNumberTaken, field="tracking_number"):
            await commands.create_shipment(session, request, by=SYSTEM)

    async def test_refuses_what_is_unknown(self, session: AsyncSession):
        fulfilment = await fulfilments.packed(session)
        known = FulfilmentId(fulfilment.id)
        for request, refusal, field in (
            (commands.CreateShipment(fulfilment_id=FulfilmentId(404)), UnknownFulfilment, "fulfilment_id"),
            (commands.CreateShipment(fulfilment_id=known, carrier_id=CarrierId(404)), UnknownCarrier, "carrier_id"),
            (commands.CreateShipment(fulfilment_id=known, parcel_ids=(ParcelId(404),)), UnknownParcel, "parcel_ids.0"),
        ):
            async with access.refused(session, refusal, field=field):
                await commands.create_shipment(session, request, by=SYSTEM)

    async def test_refuses_a_parcel_that_another_shipment_carries(self, session: AsyncSession):
        shipment = await factory.created(session)
        fulfilment_id = FulfilmentId(shipment.fulfilment_id or 0)
        parcel = await session.scalar(select(Parcel.id).where(Parcel.shipment_id == shipment.id))
        taken = commands.CreateShipment(fulfilment_id=fulfilment_id, parcel_ids=(ParcelId(parcel or 0),))
        async with access.refused(session, ParcelTaken, field="parcel_ids.0"):
            await commands.create_shipment(session, taken, by=SYSTEM)
        async with access.refused(session, NoParcels, field="fulfilment_id"):
            await commands.create_shipment(session, commands.CreateShipment(fulfilment_id=fulfilment_id), by=SYSTEM)


class TestDispatchShipment:
    async def test_takes_the_pieces_out_of_the_stock(self, session: AsyncSession):
        shipment = await factory.created(session, 3)
        line = (await session.scalars(select(OrderLine).where(OrderLine.order_id == shipment.order_id))).one()
        origin = shipment.origin_location_id or 0
        assert await inventory.counts(session, line.product_id, origin) == (10, 3, 0)
        await factory.dispatch(session, shipment.id)
        assert await inventory.counts(session, line.product_id, origin) == (7, 0, 0)
        moved = select(StockMovement.quantity).where(
            StockMovement.reason == MovementReason.SHIPPED, StockMovement.reference == shipment.number
        )
        assert (await session.scalars(moved)).all() == [3]
        await inventory.assert_balanced(session)

    async def test_brings_order_and_fulfilment_to_shipped(self, session: AsyncSession):
        shipment = await factory.dispatched(session, 3)
        assert (shipment.status, shipment.dispatched_at is None) == (ShipmentStatus.DISPATCHED, False)
        order = await session.get_one(Order, shipment.order_id, populate_existing=True)
        (fulfilment,) = await fulfilments.fulfilments(session, shipment.order_id)
        assert (order.status, fulfilment.status) == (OrderStatus.SHIPPED, FulfilmentStatus.SHIPPED)

    async def test_ships_an_order_in_parts(self, session: AsyncSession):
        fulfilment = await fulfilments.allocated(session, 3)
        (line,) = await fulfilments.lines(session, fulfilment.id)
        await fulfilments.picked(session, fulfilment.id)
        for pieces, status in ((2, OrderStatus.PARTIALLY_SHIPPED), (1, OrderStatus.SHIPPED)):
            await fulfilments.pack(session, fulfilment.id, (line.id, pieces))
            request = commands.CreateShipment(fulfilment_id=FulfilmentId(fulfilment.id))
            await factory.dispatch(session, await commands.create_shipment(session, request, by=SYSTEM))
            assert (await session.get_one(Order, fulfilment.order_id, populate_existing=True)).status is status
        assert await inventory.counts(session, line.product_id, fulfilment.location_id) == (7, 0, 0)
        await inventory.assert_balanced(session)

    async def test_refuses_a_second_time(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        async with access.refused(session, commands.ShipmentStatusForbids, field="shipment_id") as caught:
            await factory.dispatch(session, shipment.id)
        assert caught.value.details == {"status": "DISPATCHED"}

    async def test_refuses_once_the_order_is_cancelled(self, session: AsyncSession):
        shipment = await factory.created(session)
        await cancel_order(session, CancelOrder(order_id=OrderId(shipment.order_id)), by=SYSTEM)
        async with access.refused(session, ActionNotAllowed):
            await factory.dispatch(session, shipment.id)


class TestCancelShipment:
    async def test_frees_its_parcels_for_another(self, session: AsyncSession):
        shipment = await factory.created(session)
        await commands.cancel_shipment(session, commands.CancelShipment(shipment_id=ShipmentId(shipment.id)), by=SYSTEM)
        request = commands.CreateShipment(fulfilment_id=FulfilmentId(shipment.fulfilment_id or 0))
        again = await commands.create_shipment(session, request, by=SYSTEM)
        await factory.dispatch(session, again)
        assert (await factory.fresh(session, shipment.id)).status is ShipmentStatus.CANCELLED

    async def test_refuses_once_it_left(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        async with access.refused(session, commands.ShipmentStatusForbids, field="shipment_id"):
            request = commands.CancelShipment(shipment_id=ShipmentId(shipment.id))
            await commands.cancel_shipment(session, request, by=SYSTEM)

    async def test_follows_its_fulfilment(self, session: AsyncSession):
        shipment = await factory.created(session)
        assert await commands.cancel_shipments_of(session, shipment.fulfilment_id or 0, by=SYSTEM) == 1
        assert await commands.cancel_shipments_of(session, shipment.fulfilment_id or 0, by=SYSTEM) == 0


class TestVisibility:
    async def test_shows_customers_and_carriers_their_own_only(self, session: AsyncSession):
        mine, carrier_id = await orders.customer(session), await parties.carrier(session)
        shipment = await factory.created(session, by=mine, carrier_id=carrier_id)
        parcel = await session.scalar(select(Parcel.id).where(Parcel.shipment_id == shipment.id))
        other = await parties.carrier(session)
        for by, sees in (
            (access.OPERATOR, True),
            (mine, True),
            (access.carrier_caller(carrier_id), True),
            (await orders.customer(session), False),
            (access.carrier_caller(other), False),
            (access.supplier_caller(1), False),
        ):
            assert await access.seen(session, Shipment, shipment_visibility, by) == ({shipment.id} if sees else set())
            assert await access.seen(session, Parcel, parcel_visibility, by) == ({parcel} if sees else set())
