"""Shipments for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.tables import FulfilmentId
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal
from app.parties.tables import CarrierId
from app.shipments import commands
from app.shipments.tables import Shipment, ShipmentId, TrackingEventId, TrackingStatus
from tests.factories import fulfilment as fulfilments

_numbers = count(1)


async def created(
    session: AsyncSession, pieces: int = 2, *, by: Principal = ANONYMOUS, carrier_id: int | None = None
) -> Shipment:
    """A shipment that waits to be dispatched, with one parcel."""
    fulfilment = await fulfilments.packed(session, pieces, by=by)
    request = commands.CreateShipment(
        fulfilment_id=FulfilmentId(fulfilment.id),
        carrier_id=None if carrier_id is None else CarrierId(carrier_id),
        tracking_number=f"TRACK-{next(_numbers)}",
    )
    return await fresh(session, await commands.create_shipment(session, request, by=SYSTEM))


async def dispatched(
    session: AsyncSession, pieces: int = 2, *, by: Principal = ANONYMOUS, carrier_id: int | None = None
) -> Shipment:
    """A shipment that left its origin."""
    shipment = await created(session, pieces, by=by, carrier_id=carrier_id)
    await dispatch(session, shipment.id)
    return await fresh(session, shipment.id)


async def delivered(session: AsyncSession, pieces: int = 2, *, by: Principal = ANONYMOUS) -> Shipment:
    """A shipment that arrived, and with it its order."""
    shipment = await dispatched(session, pieces, by=by)
    await commands.deliver_shipment(session, commands.DeliverShipment(shipment_id=ShipmentId(shipment.id)), by=SYSTEM)
    return await fresh(session, shipment.id)


async def dispatch(session: AsyncSession, shipment_id: int) -> None:
    """Dispatch a shipment."""
    request = commands.DispatchShipment(shipment_id=ShipmentId(shipment_id))
    await commands.dispatch_shipment(session, request, by=SYSTEM)


async def report(
    session: AsyncSession, shipment_id: int, status: TrackingStatus, *, by: Principal = SYSTEM, **details: Any
) -> TrackingEventId:
    """A step of a shipment's journey, reported."""
    reported = commands.AddTrackingEvent(shipment_id=ShipmentId(shipment_id), status=status, **details)
    return await commands.add_tracking_event(session, reported, by=by)


async def fresh(session: AsyncSession, shipment_id: int) -> Shipment:
    """The shipment as the database has it now."""
    return await session.get_one(Shipment, shipment_id, populate_existing=True)
