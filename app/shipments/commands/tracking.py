"""Tracking: reports of a shipment's journey, in whatever order they arrive, up to the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands import UnknownParcel
from app.fulfilment.tables import Parcel, ParcelId
from app.kernel import clock
from app.kernel.limits import CODE, Between, Length
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import mark_delivered
from app.orders.tables import Order, OrderStatus
from app.shipments import rules
from app.shipments.commands.finding import (
    REPORTERS,
    Facts,
    ShipmentStatusForbids,
    UnknownShipment,
    facts_of,
    lock_shipment,
)
from app.shipments.events import ShipmentDelivered, ShipmentProgressed, ShipmentReturned, TrackingEventAdded
from app.shipments.tables import (
    Shipment,
    ShipmentAction,
    ShipmentId,
    ShipmentStatus,
    TrackingEvent,
    TrackingEventId,
    TrackingStatus,
)

AHEAD_MAX = timedelta(hours=24)
"""How far a report may lie ahead of our clock: carriers tell local times, not always with the right zone."""


class OccursInTheFuture(Refusal):
    """What a report tells has happened already; it cannot lie more than a day ahead."""


ARRIVED_OR_NEVER_LEFT = (ShipmentStatus.DELIVERED, ShipmentStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class AddTrackingEvent:
    """Report a step of a shipment's journey."""

    shipment_id: Annotated[ShipmentId, "The shipment it is about."]
    parcel_id: Annotated[ParcelId | None, "The one parcel it is about, where it is about one."] = None
    status: Annotated[TrackingStatus, "What happened, in the same words for every carrier."]
    carrier_status: Annotated[str | None, "The carrier's own code or words for it.", Length(1, 200)] = None
    reason_code: Annotated[str | None, "Why, where the carrier told a reason.", CODE] = None
    description: Annotated[str | None, "What happened, in a sentence.", Length(1, 500)] = None
    occurred_at: Annotated[datetime | None, "When it happened; now, unless it is told."] = None
    place: Annotated[str | None, "Where it happened, such as a city.", Length(1, 200)] = None
    latitude: Annotated[Decimal | None, "Degrees north of where it happened.", Between(-90, 90)] = None
    longitude: Annotated[Decimal | None, "Degrees east of where it happened.", Between(-180, 180)] = None
    source_reference: Annotated[
        str | None, "Your own key of this report: sent twice for a shipment, it counts once.", Length(1, 200)
    ] = None
    estimated_delivery_at: Annotated[datetime | None, "When it should arrive, where the carrier told it anew."] = None
    is_simulated: Annotated[bool, "Whether a simulation made it up."] = False


@dataclass(frozen=True, kw_only=True)
class DeliverShipment:
    """Say that the recipient has a shipment."""

    shipment_id: Annotated[ShipmentId, "The shipment that was delivered."]
    delivered_at: Annotated[datetime | None, "When the recipient had it; now, unless it is told."] = None
    description: Annotated[str | None, "Who took it, or where it was left.", Length(1, 500)] = None


@allows(REPORTERS)
@refuses(UnknownShipment, ShipmentStatusForbids, UnknownParcel, OccursInTheFuture)
async def add_tracking_event(session: AsyncSession, report: AddTrackingEvent, *, by: Principal) -> TrackingEventId:
    """Record a step of a shipment's journey, as its carrier reported it.

    Reports may arrive in any order: the shipment's status is that of the step that happened last. A delivery delivers
    it, and with the last shipment of an order the order. A report repeated under its `sourceReference` changes nothing.
    """
    shipment = await lock_shipment(session, report.shipment_id, ShipmentAction.TRACK, by=by)
    if (known := await _known(session, shipment, report)) is not None:
        return known
    occurred_at = report.occurred_at or clock.now()
    if occurred_at > clock.now() + AHEAD_MAX:
        raise OccursInTheFuture(field="occurred_at")
    if report.parcel_id is not None and report.parcel_id not in await _parcels(session, shipment):
        raise UnknownParcel(field="parcel_id")
    event = await _added(session, shipment, report, occurred_at)
    before, eta, last = shipment.status, shipment.estimated_delivery_at, shipment.last_event_at
    await _advance(session, shipment, event)
    shipment.estimated_delivery_at = report.estimated_delivery_at or eta
    await session.flush()
    facts = facts_of(shipment, before=before)
    added = TrackingEventAdded(**facts, tracking_event_id=event.id, status=event.status, happened_at=occurred_at)
    record(session, added, by=by)
    if (shipment.status, shipment.estimated_delivery_at, shipment.last_event_at) != (before, eta, last):
        record(session, _change(facts, shipment, eta), by=by)
    if shipment.status is ShipmentStatus.DELIVERED and before is not ShipmentStatus.DELIVERED:
        await _deliver_order(session, shipment, by=by)
    return TrackingEventId(event.id)


@allows(REPORTERS)
@refuses(UnknownShipment, ShipmentStatusForbids, OccursInTheFuture)
async def deliver_shipment(session: AsyncSession, delivery: DeliverShipment, *, by: Principal) -> ShipmentId:
    """Record that the recipient has a shipment; with the last shipment of an order, the order is delivered."""
    await lock_shipment(session, delivery.shipment_id, ShipmentAction.DELIVER, by=by)
    if delivery.delivered_at and delivery.delivered_at > clock.now() + AHEAD_MAX:
        raise OccursInTheFuture(field="delivered_at")
    report = AddTrackingEvent(
        shipment_id=delivery.shipment_id,
        status=TrackingStatus.DELIVERED,
        occurred_at=delivery.delivered_at,
        description=delivery.description,
    )
    await add_tracking_event(session, report, by=by)
    return delivery.shipment_id


async def _known(session: AsyncSession, shipment: Shipment, report: AddTrackingEvent) -> TrackingEventId | None:
    """The event that was reported before under the same reference, if any."""
    if report.source_reference is None:
        return None
    key = await session.scalar(
        select(TrackingEvent.id).where(
            TrackingEvent.shipment_id == shipment.id, TrackingEvent.source_reference == report.source_reference
        )
    )
    return None if key is None else TrackingEventId(key)


async def _parcels(session: AsyncSession, shipment: Shipment) -> set[int]:
    """The parcels that a shipment carries."""
    return set(await session.scalars(select(Parcel.id).where(Parcel.shipment_id == shipment.id)))


async def _added(
    session: AsyncSession, shipment: Shipment, report: AddTrackingEvent, occurred_at: datetime
) -> TrackingEvent:
    """The event of a report, as a row."""
    event = TrackingEvent(
        shipment_id=shipment.id,
        parcel_id=report.parcel_id,
        status=report.status,
        carrier_status=report.carrier_status,
        reason_code=report.reason_code,
        description=report.description,
        occurred_at=occurred_at,
        place=report.place,
        latitude=report.latitude,
        longitude=report.longitude,
        source_reference=report.source_reference,
        is_simulated=report.is_simulated,
    )
    session.add(event)
    await session.flush()
    return event


async def _advance(session: AsyncSession, shipment: Shipment, event: TrackingEvent) -> None:
    """Bring the shipment's status to what the event tells, where the event is the last and about all of it."""
    after = rules.status_after_report(shipment.status, shipment.last_event_at, event.status, event.occurred_at)
    if after in rules.ENDED and not await _about_all(session, shipment, event):
        after = shipment.status
    if after is ShipmentStatus.DELIVERED and shipment.status is not after:
        shipment.delivered_at = event.occurred_at
    shipment.status = after
    if rules.STATUS_BY_REPORT.get(event.status):
        shipment.last_event_at = max(shipment.last_event_at or event.occurred_at, event.occurred_at)


async def _about_all(session: AsyncSession, shipment: Shipment, event: TrackingEvent) -> bool:
    """Whether an event that ends a journey ends it for every parcel: it names none, or is the last parcel's."""
    if event.parcel_id is None:
        return True
    ended = select(TrackingEvent.parcel_id).where(
        TrackingEvent.shipment_id == shipment.id, TrackingEvent.status == event.status
    )
    return await _parcels(session, shipment) <= {parcel for parcel in await session.scalars(ended) if parcel}


def _change(
    facts: Facts, shipment: Shipment, eta: datetime | None
) -> ShipmentDelivered | ShipmentReturned | ShipmentProgressed:
    """The one event of a shipment that changed on its way, and was expected at `eta` before."""
    if shipment.status is not facts["status_before"]:
        if shipment.status is ShipmentStatus.DELIVERED:
            return ShipmentDelivered(**facts)
        if shipment.status is ShipmentStatus.RETURNED:
            return ShipmentReturned(**facts)
    after = shipment.estimated_delivery_at
    return ShipmentProgressed(**facts, estimated_delivery_at_before=eta, estimated_delivery_at=after)


async def _deliver_order(session: AsyncSession, shipment: Shipment, *, by: Principal) -> None:
    """Deliver the order once it shipped whole and each of its shipments arrived, at the time of the last.

    One that came back to us did not arrive, whether it came back before the others arrived or after.
    """
    # The lock makes two last shipments that arrive at once wait for each other, so that the second one sees the first.
    order = await lock_one(session, Order, shipment.order_id)
    of_order = Shipment.order_id == shipment.order_id
    missing = select(func.count()).where(of_order, Shipment.status.not_in(ARRIVED_OR_NEVER_LEFT))
    if order and order.status is OrderStatus.SHIPPED and not await session.scalar(missing):
        last = await session.scalar(select(func.max(Shipment.delivered_at)).where(of_order))
        await mark_delivered(session, shipment.order_id, at=last, by=by)
