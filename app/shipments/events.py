"""What happened to shipments on their way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from app.kernel.outbox import Event
from app.shipments.tables import ShipmentStatus, TrackingStatus

KEYS = ("shipment_id", "order_id", "customer_id", "carrier_id")


@dataclass(frozen=True, kw_only=True)
class ShipmentFacts:
    """What every event of a shipment tells."""

    shipment_id: int
    order_id: int
    customer_id: int | None
    carrier_id: int | None
    status_before: Annotated[ShipmentStatus | None, "The shipment's status before; null where it began."]
    status_after: Annotated[ShipmentStatus, "The shipment's status after."]


@dataclass(frozen=True, kw_only=True)
class ShipmentCreated(ShipmentFacts, Event, name="shipments.shipment_created", keys=KEYS):
    """A shipment was announced; it has not left its origin."""


@dataclass(frozen=True, kw_only=True)
class ShipmentDispatched(ShipmentFacts, Event, name="shipments.shipment_dispatched", keys=KEYS):
    """A shipment left its origin."""


@dataclass(frozen=True, kw_only=True)
class ShipmentProgressed(ShipmentFacts, Event, name="shipments.shipment_progressed", keys=KEYS):
    """A shipment came along: its status, its estimated arrival or its last report is another."""

    estimated_delivery_at_before: datetime | None
    estimated_delivery_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ShipmentDelivered(ShipmentFacts, Event, name="shipments.shipment_delivered", keys=KEYS):
    """The recipient has a shipment."""


@dataclass(frozen=True, kw_only=True)
class ShipmentReturned(ShipmentFacts, Event, name="shipments.shipment_returned", keys=KEYS):
    """The carrier brought a shipment back to its sender."""


@dataclass(frozen=True, kw_only=True)
class ShipmentCancelled(ShipmentFacts, Event, name="shipments.shipment_cancelled", keys=KEYS):
    """A shipment was called off before it left."""


@dataclass(frozen=True, kw_only=True)
class TrackingEventAdded(
    ShipmentFacts, Event, name="shipments.tracking_event_added", keys=(*KEYS, "tracking_event_id", "status")
):
    """A step of a shipment's journey was reported."""

    tracking_event_id: int
    status: Annotated[TrackingStatus, "What was reported."]
    happened_at: Annotated[datetime, "When the step happened, which may be long before it was reported."]


SHIPMENT_CHANGES = (
    ShipmentCreated,
    ShipmentDispatched,
    ShipmentProgressed,
    ShipmentDelivered,
    ShipmentReturned,
    ShipmentCancelled,
)
"""Every event that changes a shipment itself."""
