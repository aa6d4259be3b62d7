"""Transport in the graph: shipments on their way, and the journey that their carriers report."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from app.fulfilment import tables as warehouse_tables
from app.kernel.address import Address
from app.kernel.principal import STAFF, Role
from app.shipments import commands, events, measures, tables
from app.shipments.rules import is_at_risk
from schema import fulfilment as warehouse
from schema import locations, orders, parties
from schema.language import (
    Connection,
    address,
    alert,
    column,
    command,
    follow,
    groups,
    listing,
    lookup,
    many,
    measure,
    node,
    one,
    only,
    opened_by,
)

OWNERS = STAFF | {Role.CUSTOMER}
"""Who may pass a shipment's tracking token on: staff, and the customer whose shipment it is."""
ADDRESSEES = OWNERS | {Role.CARRIER}
"""Who sees where a shipment goes: a tracking token, which is passed on, tells no stranger where somebody lives."""
TRACKED = opened_by(
    tables.Shipment,
    tables.Shipment.tracking_token.key,
    fact="shipment_id",
    doc="Only events of the shipment with this tracking token; whoever has it may follow, and sees what strangers may.",
)


@node(
    tables.Shipment,
    visibility=measures.shipment_visibility,
    sorts=("created_at", "number", "dispatched_at", "estimated_delivery_at", "delivered_at"),
    groups=groups(
        "status",
        "carrier",
        "origin",
        "delivered_late",
        "created_at",
        "dispatched_at",
        "delivered_at",
        sums=("parcel_count", "weight_grams"),
        spans=("estimated_delivery_at",),
    ),
    search=("number", "tracking_number"),
)
class Shipment:
    """Goods of an order on their way from a location to a customer, with one carrier."""

    number: str
    order: orders.Order | None = one(tables.Shipment.order_id)
    fulfilment: warehouse.Fulfilment | None = one(tables.Shipment.fulfilment_id)
    carrier: parties.Carrier | None = one(tables.Shipment.carrier_id)
    tracking_number: str | None
    tracking_token: str = column(roles=OWNERS)
    status: tables.ShipmentStatus
    allowed_actions: list[tables.ShipmentAction] = measure(measures.allowed_actions)
    origin: locations.Location | None = one(tables.Shipment.origin_location_id)
    destination: Address | None = address(
        tables.Shipment, prefix="destination_", doc="Where it goes.", roles=ADDRESSEES
    )
    dispatched_at: datetime | None
    estimated_delivery_at: datetime | None
    last_event_at: datetime | None
    delivered_at: datetime | None
    delivered_late: bool = measure(measures.delivered_late, filterable=True)
    parcel_count: int = measure(measures.parcel_count)
    weight_grams: int | None = measure(measures.weight_grams)
    parcels: Connection[warehouse.Parcel] = many(
        warehouse_tables.Parcel.shipment_id, order_by=warehouse_tables.Parcel.id, doc="The parcels that it consists of."
    )
    tracking_events: Connection[TrackingEvent] = many(
        tables.TrackingEvent.shipment_id,
        order_by=tables.TrackingEvent.occurred_at,
        doc="Its journey, as it was reported, in the order in which it happened.",
    )


@node(
    tables.TrackingEvent,
    visibility=measures.tracking_event_visibility,
    sorts=("occurred_at",),
    groups=groups("status", "reason_code", "place", "is_simulated", "occurred_at", spans=("occurred_at",)),
)
class TrackingEvent:
    """One step of a shipment's journey, as it was reported."""

    shipment: Shipment = one(tables.TrackingEvent.shipment_id)
    parcel: warehouse.Parcel | None = one(tables.TrackingEvent.parcel_id)
    status: tables.TrackingStatus
    carrier_status: str | None
    reason_code: str | None
    description: str | None
    occurred_at: datetime
    place: str | None
    latitude: Decimal | None
    longitude: Decimal | None
    source_reference: str | None
    is_simulated: bool


class ShipmentsQueries:
    """What may be read about transport."""

    shipment: Shipment | None = lookup(
        tables.Shipment.number,
        tables.Shipment.tracking_number,
        doc="One shipment by exactly one of its id, its number, or its carrier's tracking number (the newest with it).",
    )
    tracked_shipment: Shipment | None = lookup(
        token=tables.Shipment.tracking_token,
        doc="The shipment that a tracking token opens, for those without an account.",
    )
    shipments: Connection[Shipment] = listing(Shipment, "Shipments that you may see.")
    tracking_events: Connection[TrackingEvent] = listing(TrackingEvent, "Tracking events that you may see.")


class ShipmentsMutations:
    """What may be done with shipments."""

    shipment_create = command(commands.create_shipment, returns=Shipment)
    shipment_dispatch = command(commands.dispatch_shipment, returns=Shipment, moves=True)
    shipment_cancel = command(commands.cancel_shipment, returns=Shipment)
    tracking_event_add = command(commands.add_tracking_event, returns=TrackingEvent)
    shipment_deliver = command(commands.deliver_shipment, returns=Shipment)


class ShipmentsSubscriptions:
    """What may be followed about transport."""

    tracking_event_added = follow(
        events.TrackingEventAdded,
        shows=TrackingEvent,
        key="tracking_event_id",
        by=(
            "shipment_id",
            "order_id",
            "customer_id",
            "carrier_id",
            only("status", argument="statuses", doc="Only events that report one of these."),
        ),
        token=TRACKED,
        tells=("status", "happened_at", "status_before", "status_after"),
    )
    shipment_changed = follow(
        events.SHIPMENT_CHANGES,
        shows=Shipment,
        key="shipment_id",
        by=("shipment_id", "order_id", "customer_id", "carrier_id"),
        token=TRACKED,
        tells=("status_before", "status_after"),
        doc="A shipment was created, dispatched, delivered, returned or cancelled, or came along on its way.",
    )


class ShipmentsEvents:
    """What the feed tells of transport, beside what is followed."""

    at_risk = alert(
        events.ShipmentProgressed,
        kind="DELIVERY_AT_RISK",
        when=is_at_risk,
        doc="A delivery failed or is held up, or is expected later than before.",
    )
    returned = alert(
        events.ShipmentReturned, kind="SHIPMENT_RETURNED", doc="The carrier brought a shipment back to its sender."
    )
