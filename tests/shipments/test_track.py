"""Tracking: what happened last decides, in whatever order it is told; deliveries deliver; repeats count once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.fulfilment.commands import UnknownParcel
from app.fulfilment.tables import FulfilmentId, Parcel, ParcelId
from app.kernel import clock
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM
from app.orders.tables import Order, OrderStatus
from app.shipments import commands, rules
from app.shipments.events import ShipmentDelivered, ShipmentProgressed, TrackingEventAdded
from app.shipments.measures import delivered_late
from app.shipments.tables import Shipment, ShipmentId, ShipmentStatus, TrackingEvent, TrackingStatus
from tests.factories import access, parties
from tests.factories import fulfilment as fulfilments
from tests.factories import shipments as factory

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def names(session: AsyncSession) -> list[str]:
    return [name for name, _ in access.recorded(session)]


async def sent_in_two(session: AsyncSession) -> tuple[int, list[ShipmentId]]:
    """An order that left in two shipments of one piece each."""
    fulfilment = await fulfilments.allocated(session, 2)
    (line,) = await fulfilments.lines(session, fulfilment.id)
    await fulfilments.picked(session, fulfilment.id)
    ids = []
    for _ in range(2):
        parcel_id = await fulfilments.pack(session, fulfilment.id, (line.id, 1))
        request = commands.CreateShipment(fulfilment_id=FulfilmentId(fulfilment.id), parcel_ids=(parcel_id,))
        ids.append(await commands.create_shipment(session, request, by=SYSTEM))
        await factory.dispatch(session, ids[-1])
    return fulfilment.order_id, ids


class TestStatusAfterReport:
    @given(
        st.permutations(
            [
                TrackingStatus.PICKED_UP,
                TrackingStatus.IN_TRANSIT,
                TrackingStatus.OUT_FOR_DELIVERY,
                TrackingStatus.ON_HOLD,
            ]
        )
    )
    def test_is_that_of_the_last_step_in_any_order_of_telling(self, told: list[TrackingStatus]):
        happened = sorted(told)
        status, last = ShipmentStatus.DISPATCHED, None
        for report in told:
            at = START + timedelta(hours=happened.index(report))
            status = rules.status_after_report(status, last, report, at)
            last = max(last or at, at)
        assert status is rules.STATUS_BY_REPORT[happened[-1]]

    @pytest.mark.parametrize("status", sorted(rules.ENDED))
    @pytest.mark.parametrize("report", list(TrackingStatus))
    def test_never_changes_once_the_journey_ended(self, status: ShipmentStatus, report: TrackingStatus):
        assert rules.status_after_report(status, START, report, START + timedelta(days=1)) is status

    @pytest.mark.parametrize("report", [TrackingStatus.INFO_RECEIVED, TrackingStatus.UNKNOWN])
    def test_is_not_changed_by_reports_that_tell_no_status(self, report: TrackingStatus):
        status = ShipmentStatus.IN_TRANSIT
        assert rules.status_after_report(status, None, report, START) is status

    def test_knows_every_status_in_its_transitions(self):
        assert set(rules.ALLOWED) == set(ShipmentStatus)


class TestAddTrackingEvent:
    async def test_records_the_step_and_follows_it(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        at = clock.now()
        event_id = await factory.report(
            session, shipment.id, TrackingStatus.IN_TRANSIT, occurred_at=at, place="Madrid", carrier_status="AR1"
        )
        event = await session.get_one(TrackingEvent, event_id)
        assert (event.place, event.carrier_status, event.is_simulated) == ("Madrid", "AR1", False)
        now = await factory.fresh(session, shipment.id)
        assert (now.status, now.last_event_at) == (ShipmentStatus.IN_TRANSIT, at)
        told = dict(access.recorded(session)[-2:])
        assert told[TrackingEventAdded.name]["tracking_event_id"] == event_id
        assert told[ShipmentProgressed.name]["status_before"] == "DISPATCHED"

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    async def test_takes_reports_in_any_order(self, session: AsyncSession, order: tuple[int, ...]):
        shipment = await factory.dispatched(session)
        steps = [TrackingStatus.PICKED_UP, TrackingStatus.IN_TRANSIT, TrackingStatus.OUT_FOR_DELIVERY]
        for index in order:
            at = clock.now() - timedelta(hours=9 - index)
            await factory.report(session, shipment.id, steps[index], occurred_at=at)
        assert (await factory.fresh(session, shipment.id)).status is ShipmentStatus.OUT_FOR_DELIVERY

    async def test_counts_a_repeated_report_once(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        first = await factory.report(session, shipment.id, TrackingStatus.IN_TRANSIT, source_reference="scan-1")
        before = names(session)
        again = await factory.report(session, shipment.id, TrackingStatus.IN_TRANSIT, source_reference="scan-1")
        assert (again, names(session)) == (first, before)
        assert await session.scalar(select(func.count()).select_from(TrackingEvent)) == 1

    async def test_keeps_the_estimate_up_to_date(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        eta = clock.now() + timedelta(days=2)
        await factory.report(session, shipment.id, TrackingStatus.UNKNOWN, estimated_delivery_at=eta)
        now = await factory.fresh(session, shipment.id)
        assert (now.status, now.estimated_delivery_at) == (ShipmentStatus.DISPATCHED, eta)
        assert names(session)[-1] == ShipmentProgressed.name

    async def test_does_not_ship_what_was_not_dispatched(self, session: AsyncSession):
        shipment = await factory.created(session)
        await factory.report(session, shipment.id, TrackingStatus.DELIVERED)
        assert (await factory.fresh(session, shipment.id)).status is ShipmentStatus.CREATED

    async def test_lets_the_carrier_report_its_own_only(self, session: AsyncSession):
        carrier_id = await parties.carrier(session)
        shipment = await factory.dispatched(session, carrier_id=carrier_id)
        carrier = access.carrier_caller(carrier_id)
        await factory.report(session, shipment.id, TrackingStatus.IN_TRANSIT, by=carrier)
        stranger = access.carrier_caller(await parties.carrier(session))
        async with access.refused(session, commands.UnknownShipment, field="shipment_id"):
            await factory.report(session, shipment.id, TrackingStatus.DELIVERED, by=stranger)

    async def test_refuses_the_future_and_foreign_parcels(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        async with access.refused(session, commands.OccursInTheFuture, field="occurred_at"):
            at = clock.now() + timedelta(days=3)
            await factory.report(session, shipment.id, TrackingStatus.IN_TRANSIT, occurred_at=at)
        async with access.refused(session, UnknownParcel, field="parcel_id"):
            await factory.report(session, shipment.id, TrackingStatus.IN_TRANSIT, parcel_id=ParcelId(404))


class TestDeliverShipment:
    async def test_delivers_the_order_with_its_last_shipment(self, session: AsyncSession):
        shipment = await factory.delivered(session)
        assert shipment.status is ShipmentStatus.DELIVERED
        order = await session.get_one(Order, shipment.order_id, populate_existing=True)
        assert (order.status, order.delivered_at) == (OrderStatus.DELIVERED, shipment.delivered_at)
        assert names(session)[-3:] == [TrackingEventAdded.name, ShipmentDelivered.name, "orders.order_delivered"]

    async def test_tells_whether_it_was_late(self, session: AsyncSession):
        shipment = await factory.dispatched(session)
        row = Shipment.__table__.alias("shipment")
        late = select(delivered_late(row)).where(row.c.id == shipment.id)
        assert await session.scalar(late) is False
        eta = clock.now() - timedelta(hours=3)
        at = clock.now() - timedelta(hours=2)
        await factory.report(session, shipment.id, TrackingStatus.DELIVERED, occurred_at=at, estimated_delivery_at=eta)
        assert await session.scalar(late) is True

    async def test_waits_for_the_last_parcel(self, session: AsyncSession):
        fulfilment = await fulfilments.allocated(session, 2)
        (line,) = await fulfilments.lines(session, fulfilment.id)
        await fulfilments.picked(session, fulfilment.id)
        parcels = [await fulfilments.pack(session, fulfilment.id, (line.id, 1)) for _ in range(2)]
        request = commands.CreateShipment(fulfilment_id=FulfilmentId(fulfilment.id))
        shipment_id = await commands.create_shipment(session, request, by=SYSTEM)
        await factory.dispatch(session, shipment_id)
        for parcel_id, status in zip(parcels, (ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED), strict=True):
            await factory.report(session, shipment_id, TrackingStatus.DELIVERED, parcel_id=parcel_id)
            assert (await factory.fresh(session, shipment_id)).status is status

    async def test_refuses_before_it_left_and_a_second_time(self, session: AsyncSession):
        for shipment in (await factory.created(session), await factory.delivered(session)):
            async with access.refused(session, commands.ShipmentStatusForbids, field="shipment_id"):
                request = commands.DeliverShipment(shipment_id=ShipmentId(shipment.id))
                await commands.deliver_shipment(session, request, by=SYSTEM)

    @pytest.mark.parametrize("returned_first", [True, False])
    async def test_does_not_deliver_an_order_of_which_a_shipment_came_back(
        self, session: AsyncSession, *, returned_first: bool
    ):
        order_id, (returned, delivered) = await sent_in_two(session)
        reports = [(returned, TrackingStatus.RETURNED), (delivered, TrackingStatus.DELIVERED)]
        for shipment_id, status in reports if returned_first else reversed(reports):
            await factory.report(session, shipment_id, status)
        order = await session.get_one(Order, order_id, populate_existing=True)
        assert order.status is OrderStatus.SHIPPED

    async def test_delivers_the_order_when_its_last_two_arrive_at_once(
        self, sessions: async_sessionmaker[AsyncSession]
    ):
        async with sessions() as session:
            order_id, ids = await sent_in_two(session)
            await session.commit()

        async def arrive(shipment_id: ShipmentId) -> None:
            async with sessions() as session:
                request = commands.DeliverShipment(shipment_id=shipment_id)
                await commands.deliver_shipment(session, request, by=SYSTEM)
                await asyncio.sleep(0.05)
                await write_outbox(session)
                await session.commit()

        await asyncio.gather(*(arrive(shipment_id) for shipment_id in ids))
        async with sessions() as session:
            order = await session.get_one(Order, order_id)
            assert order.status is OrderStatus.DELIVERED
            assert await session.scalar(select(func.count()).select_from(Parcel)) == 2
