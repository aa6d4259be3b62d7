"""What may be done with shipments: they are announced, leave, are tracked and arrive."""

from app.shipments.commands.finding import REPORTERS, ShipmentStatusForbids, UnknownShipment
from app.shipments.commands.shipping import (
    CancelShipment,
    CreateShipment,
    DispatchShipment,
    TrackingNumberTaken,
    cancel_shipment,
    cancel_shipments_of,
    create_shipment,
    dispatch_shipment,
)
from app.shipments.commands.tracking import (
    AddTrackingEvent,
    DeliverShipment,
    OccursInTheFuture,
    add_tracking_event,
    deliver_shipment,
)

__all__ = [
    "REPORTERS",
    "AddTrackingEvent",
    "CancelShipment",
    "CreateShipment",
    "DeliverShipment",
    "DispatchShipment",
    "OccursInTheFuture",
    "ShipmentStatusForbids",
    "TrackingNumberTaken",
    "UnknownShipment",
    "add_tracking_event",
    "cancel_shipment",
    "cancel_shipments_of",
    "create_shipment",
    "deliver_shipment",
    "dispatch_shipment",
]
