"""Sending parcels: a shipment is announced, leaves its origin, or is called off before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands import (
    FulfilmentStatusForbids,
    NoParcels,
    ParcelTaken,
    ShippedPart,
    UnknownFulfilment,
    UnknownParcel,
    give_parcels,
    lock_served_order,
    ship_parcels,
    take_parcels_back,
)
from app.fulfilment.measures import fulfilment_visibility
from app.fulfilment.tables import Fulfilment, FulfilmentId, ParcelId
from app.inventory.commands import ConsumeHolds, NotHeld, consume_holds
from app.inventory.rules import Placement
from app.kernel import clock
from app.kernel.address import ADDRESS_FIELDS
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, Length
from app.kernel.locks import lock, lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import ActionNotAllowed, LineQuantity, OrderProgress, mark_shipped
from app.parties.commands import UnknownCarrier
from app.parties.tables import CarrierId
from app.shipments import rules
from app.shipments.commands.finding import ShipmentStatusForbids, UnknownShipment, facts_of, lock_shipment
from app.shipments.events import ShipmentCancelled, ShipmentCreated, ShipmentDispatched
from app.shipments.tables import Shipment, ShipmentAction, ShipmentId, ShipmentStatus


class TrackingNumberTaken(Refusal):
    """Another shipment with this carrier has this tracking number."""


@dataclass(frozen=True, kw_only=True)
class CreateShipment:
    """Announce a shipment of packed parcels."""

    fulfilment_id: Annotated[FulfilmentId, "The fulfilment whose parcels it carries."]
    parcel_ids: Annotated[
        tuple[ParcelId, ...], "The parcels it carries; without any, all that no shipment carries.", Length(0, 250)
    ] = ()
    carrier_id: Annotated[CarrierId | None, "Who carries it."] = None
    tracking_number: Annotated[str | None, "The carrier's number for it.", CODE] = None
    estimated_delivery_at: Annotated[datetime | None, "When it should arrive."] = None


@dataclass(frozen=True, kw_only=True)
class DispatchShipment:
    """Say that a shipment left its origin."""

    shipment_id: Annotated[ShipmentId, "The shipment that left."]
    estimated_delivery_at: Annotated[datetime | None, "When it should arrive, where that is known better now."] = None


@dataclass(frozen=True, kw_only=True)
class CancelShipment:
    """Call a shipment off before it leaves."""

    shipment_id: Annotated[ShipmentId, "The shipment to call off."]


@allows(STAFF)
@refuses(
    UnknownFulfilment,
    UnknownParcel,
    ParcelTaken,
    NoParcels,
    FulfilmentStatusForbids,
    ActionNotAllowed,
    UnknownCarrier,
    TrackingNumberTaken,
)
async def create_shipment(session: AsyncSession, shipment: CreateShipment, *, by: Principal) -> ShipmentId:
    """Give packed parcels to a carrier, as a shipment to the order's address that waits to be dispatched."""
    fulfilment = await lock_one(session, Fulfilment, shipment.fulfilment_id, by=by, visibility=fulfilment_visibility)
    if fulfilment is None:
        raise UnknownFulfilment(field="fulfilment_id")
    order = await lock_served_order(session, fulfilment)
    row = Shipment(
        order_id=fulfilment.order_id,
        customer_id=fulfilment.customer_id,
        fulfilment_id=fulfilment.id,
        carrier_id=shipment.carrier_id,
        tracking_number=shipment.tracking_number,
        origin_location_id=fulfilment.location_id,
        estimated_delivery_at=shipment.estimated_delivery_at,
        **{f"destination_{name}": getattr(order, f"shipping_{name}") for name in ADDRESS_FIELDS},
    )
    session.add(row)
    await flush_or_refuse(session, _conflicts())
    await give_parcels(session, fulfilment, shipment.parcel_ids, shipment_id=row.id, by=by)
    record(session, ShipmentCreated(**facts_of(row, before=None)), by=by)
    return ShipmentId(row.id)


@allows(STAFF)
@refuses(UnknownShipment, ShipmentStatusForbids, FulfilmentStatusForbids, ActionNotAllowed, NotHeld)
async def dispatch_shipment(session: AsyncSession, dispatch: DispatchShipment, *, by: Principal) -> ShipmentId:
    """Record that a shipment left its origin: its pieces leave the stock, and its order is on its way."""
    shipment = await lock_shipment(session, dispatch.shipment_id, ShipmentAction.DISPATCH, by=by)
    shipment.status = ShipmentStatus.DISPATCHED
    shipment.dispatched_at = clock.now()
    shipment.estimated_delivery_at = dispatch.estimated_delivery_at or shipment.estimated_delivery_at
    await session.flush()
    if shipment.fulfilment_id is not None:
        parts = await ship_parcels(session, shipment.fulfilment_id, shipment_id=shipment.id, by=by)
        await _take_out(session, shipment, parts, by=by)
    record(session, ShipmentDispatched(**facts_of(shipment, before=ShipmentStatus.CREATED)), by=by)
    return ShipmentId(shipment.id)


@allows(STAFF)
@refuses(UnknownShipment, ShipmentStatusForbids)
async def cancel_shipment(session: AsyncSession, cancelling: CancelShipment, *, by: Principal) -> ShipmentId:
    """Call a shipment off before it leaves; its parcels may be given to another one."""
    shipment = await lock_shipment(session, cancelling.shipment_id, ShipmentAction.CANCEL, by=by)
    await _call_off(session, shipment, by=by)
    return ShipmentId(shipment.id)


async def cancel_shipments_of(session: AsyncSession, fulfilment_id: int, *, by: Principal) -> int:
    """Call off the shipments of a cancelled fulfilment that did not leave; answers how many there were."""
    keys = await session.scalars(select(Shipment.id).where(Shipment.fulfilment_id == fulfilment_id))
    found = (await lock(session, Shipment, keys)).values()
    waiting = [shipment for shipment in found if rules.may(ShipmentAction.CANCEL, shipment.status)]
    for shipment in waiting:
        await _call_off(session, shipment, by=by)
    return len(waiting)


async def _call_off(session: AsyncSession, shipment: Shipment, *, by: Principal) -> None:
    """Bring a locked shipment to its end before it left."""
    before, shipment.status = shipment.status, ShipmentStatus.CANCELLED
    await session.flush()
    if shipment.fulfilment_id is not None:
        await take_parcels_back(session, shipment.fulfilment_id, shipment_id=shipment.id, by=by)
    record(session, ShipmentCancelled(**facts_of(shipment, before=before)), by=by)


async def _take_out(
    session: AsyncSession, shipment: Shipment, parts: tuple[ShippedPart, ...], *, by: Principal
) -> None:
    """Count the pieces as shipped with their order, and consume what the order held of them."""
    lines = tuple(LineQuantity(order_line_id=part.order_line_id, quantity=part.quantity) for part in parts)
    await mark_shipped(session, OrderProgress(order_id=shipment.order_id, lines=lines), by=by)
    placements = tuple(
        Placement(
            order_line_id=part.order_line_id,
            product_id=part.product_id,
            location_id=part.location_id,
            quantity=part.quantity,
        )
        for part in parts
    )
    consumed = ConsumeHolds(order_id=shipment.order_id, parts=placements, reference=shipment.number)
    await consume_holds(session, consumed, by=by)


def _conflicts() -> dict[str, Refusal]:
    """What the table's own constraints mean."""
    return {
        "uq_shipments_carrier_id_tracking_number": TrackingNumberTaken(field="tracking_number"),
        "fk_shipments_carrier_id": UnknownCarrier(field="carrier_id"),
    }
