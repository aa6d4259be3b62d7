"""What happened in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from app.fulfilment.tables import FulfilmentStatus
from app.kernel.outbox import Event

KEYS = ("fulfilment_id", "order_id", "customer_id", "location_id")


@dataclass(frozen=True, kw_only=True)
class FulfilmentFacts:
    """What every event of a fulfilment tells."""

    fulfilment_id: int
    order_id: int
    customer_id: int | None
    location_id: int
    status_before: Annotated[FulfilmentStatus | None, "The fulfilment's status before; null where it began."]
    status_after: Annotated[FulfilmentStatus, "The fulfilment's status after."]


@dataclass(frozen=True, kw_only=True)
class FulfilmentAllocated(FulfilmentFacts, Event, name="fulfilment.fulfilment_allocated", keys=KEYS):
    """A location was chosen to serve an order, or a part of it, and holds the stock for it."""

    pieces: int


@dataclass(frozen=True, kw_only=True)
class FulfilmentPicked(FulfilmentFacts, Event, name="fulfilment.fulfilment_picked", keys=KEYS):
    """Goods of a fulfilment were picked; once picking ended, what is missing is told as short pieces."""

    pieces: int
    pieces_short: int


@dataclass(frozen=True, kw_only=True)
class ParcelPacked(FulfilmentFacts, Event, name="fulfilment.parcel_packed", keys=(*KEYS, "parcel_id")):
    """Picked goods of a fulfilment were packed into a parcel."""

    parcel_id: int
    pieces: int


@dataclass(frozen=True, kw_only=True)
class ParcelsGiven(FulfilmentFacts, Event, name="fulfilment.parcels_given", keys=(*KEYS, "shipment_id")):
    """Parcels of a fulfilment were given to a shipment."""

    shipment_id: int
    parcels: int


@dataclass(frozen=True, kw_only=True)
class ParcelsTakenBack(FulfilmentFacts, Event, name="fulfilment.parcels_taken_back", keys=(*KEYS, "shipment_id")):
    """Parcels of a fulfilment were taken back from a shipment that will not leave."""

    shipment_id: int
    parcels: int


@dataclass(frozen=True, kw_only=True)
class ParcelsShipped(FulfilmentFacts, Event, name="fulfilment.parcels_shipped", keys=(*KEYS, "shipment_id")):
    """Parcels of a fulfilment left its location, but not the last of its goods."""

    shipment_id: int
    parcels: int


@dataclass(frozen=True, kw_only=True)
class FulfilmentShipped(FulfilmentFacts, Event, name="fulfilment.fulfilment_shipped", keys=KEYS):
    """The last parcel of a fulfilment left its location."""


@dataclass(frozen=True, kw_only=True)
class FulfilmentCancelled(FulfilmentFacts, Event, name="fulfilment.fulfilment_cancelled", keys=KEYS):
    """A fulfilment was called off."""


FULFILMENT_CHANGES = (
    FulfilmentAllocated,
    FulfilmentPicked,
    ParcelPacked,
    ParcelsGiven,
    ParcelsTakenBack,
    ParcelsShipped,
    FulfilmentShipped,
    FulfilmentCancelled,
)
"""Every event that changes a fulfilment."""
