"""Shipping: parcels are given to a shipment and leave with it. Shipments call these inside their own transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands.fulfilments import FulfilmentStatusForbids, facts_of, lines_of, progress_of
from app.fulfilment.commands.served_orders import lock_served_order
from app.fulfilment.events import FulfilmentShipped, ParcelsGiven, ParcelsShipped, ParcelsTakenBack
from app.fulfilment.rules import may
from app.fulfilment.tables import Fulfilment, FulfilmentAction, FulfilmentLine, FulfilmentStatus, Parcel, ParcelLine
from app.kernel import clock
from app.kernel.locks import lock, lock_one
from app.kernel.outbox import record
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal
from app.orders.rules import OrderAction


class UnknownParcel(Refusal):
    """There is no such parcel there, or you may not see it."""


class ParcelTaken(Refusal):
    """The parcel is given to another shipment already."""


class NoParcels(Refusal):
    """The fulfilment has no parcel that is not given to a shipment yet; pack one first."""


@dataclass(frozen=True, kw_only=True)
class ShippedPart:
    """Pieces of an order line that left a location in a parcel."""

    order_line_id: int
    product_id: int
    location_id: int
    quantity: int


async def give_parcels(
    session: AsyncSession, fulfilment: Fulfilment, wanted: Collection[int], *, shipment_id: int, by: Principal
) -> None:
    """Give parcels of a locked fulfilment to a shipment: those `wanted`, or all that no shipment has."""
    if not may(FulfilmentAction.SHIP, fulfilment.status):
        raise FulfilmentStatusForbids(field="fulfilment_id", status=fulfilment.status.value)
    keys = await session.scalars(select(Parcel.id).where(Parcel.fulfilment_id == fulfilment.id))
    parcels = await lock(session, Parcel, keys)
    for index, key in enumerate(wanted):
        if key not in parcels:
            raise UnknownParcel(field=f"parcel_ids.{index}")
        if parcels[key].shipment_id is not None:
            raise ParcelTaken(field=f"parcel_ids.{index}")
    given = [parcel for key, parcel in parcels.items() if parcel.shipment_id is None and (not wanted or key in wanted)]
    if not given:
        raise NoParcels(field="fulfilment_id")
    for parcel in given:
        parcel.shipment_id = shipment_id
    await session.flush()
    _tell(session, ParcelsGiven, fulfilment, (shipment_id, len(given)), by=by)


async def take_parcels_back(session: AsyncSession, fulfilment_id: int, *, shipment_id: int, by: Principal) -> None:
    """Free the parcels of a shipment that will not leave."""
    fulfilment = await lock_one(session, Fulfilment, fulfilment_id)
    keys = await session.scalars(select(Parcel.id).where(Parcel.shipment_id == shipment_id))
    parcels = await lock(session, Parcel, keys)
    for parcel in parcels.values():
        parcel.shipment_id = None
    await session.flush()
    if fulfilment and parcels:
        _tell(session, ParcelsTakenBack, fulfilment, (shipment_id, len(parcels)), by=by)


async def ship_parcels(
    session: AsyncSession, fulfilment_id: int, *, shipment_id: int, by: Principal
) -> tuple[ShippedPart, ...]:
    """Record that a shipment's parcels left; answers what was in them, by order line."""
    fulfilment = await lock_one(session, Fulfilment, fulfilment_id)
    if fulfilment is None or not may(FulfilmentAction.SHIP, fulfilment.status):
        status = fulfilment.status.value if fulfilment else ""
        raise FulfilmentStatusForbids(field="shipment_id", status=status)
    await lock_served_order(session, fulfilment, action=OrderAction.SHIP)
    keys = await session.scalars(select(Parcel.id).where(Parcel.fulfilment_id == fulfilment.id))
    parcels = await lock(session, Parcel, keys)
    left = [parcel for parcel in parcels.values() if parcel.shipment_id == shipment_id]
    for parcel in left:
        parcel.shipped_at = clock.now()
    await session.flush()
    all_left = all(parcel.shipped_at for parcel in parcels.values())
    if all_left and progress_of(await lines_of(session, fulfilment.id)) is FulfilmentStatus.PACKED:
        await _end(session, fulfilment, by=by)
    else:
        _tell(session, ParcelsShipped, fulfilment, (shipment_id, len(left)), by=by)
    return await _contents(session, fulfilment, shipment_id)


async def _end(session: AsyncSession, fulfilment: Fulfilment, *, by: Principal) -> None:
    """End a fulfilment whose parcels all left, and of which no goods are still to be packed."""
    before, fulfilment.status = fulfilment.status, FulfilmentStatus.SHIPPED
    fulfilment.shipped_at = clock.now()
    await session.flush()
    record(session, FulfilmentShipped(**facts_of(fulfilment, before=before)), by=by)


def _tell(
    session: AsyncSession,
    event: type[ParcelsGiven | ParcelsTakenBack | ParcelsShipped],
    fulfilment: Fulfilment,
    of_shipment: tuple[int, int],
    *,
    by: Principal,
) -> None:
    """Record what happened to so many parcels of a fulfilment with a shipment; the fulfilment's status stays."""
    shipment_id, parcels = of_shipment
    facts = facts_of(fulfilment, before=fulfilment.status)
    record(session, event(**facts, shipment_id=shipment_id, parcels=parcels), by=by)


async def _contents(session: AsyncSession, fulfilment: Fulfilment, shipment_id: int) -> tuple[ShippedPart, ...]:
    """What is in the parcels of a shipment, one part for each order line."""
    statement = (
        select(FulfilmentLine.order_line_id, FulfilmentLine.product_id, ParcelLine.quantity)
        .join(FulfilmentLine, FulfilmentLine.id == ParcelLine.fulfilment_line_id)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(Parcel.shipment_id == shipment_id)
        .order_by(FulfilmentLine.order_line_id)
    )
    pieces: dict[tuple[int, int], int] = {}
    for line, product, quantity in await session.execute(statement):
        pieces[line, product] = pieces.get((line, product), 0) + quantity
    return tuple(
        ShippedPart(order_line_id=line, product_id=product, location_id=fulfilment.location_id, quantity=quantity)
        for (line, product), quantity in pieces.items()
    )
