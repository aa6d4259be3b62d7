"""Rows of transport: shipments and the tracking events of their journey."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NewType

from sqlalchemy import CheckConstraint, Computed, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.choice import Choice
from app.kernel.identity import unguessable_token
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index

ShipmentId = NewType("ShipmentId", int)
TrackingEventId = NewType("TrackingEventId", int)

DEGREES = Numeric(9, 6)
"""Degrees to about a tenth of a metre."""


class ShipmentStatus(Choice):
    """Where a shipment is in its journey, in the same words for every carrier."""

    CREATED = "CREATED", "It is announced to the carrier and has not left its origin."
    DISPATCHED = "DISPATCHED", "It left its origin and is with the carrier."
    IN_TRANSIT = "IN_TRANSIT", "It is moving between the carrier's places."
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", "It is on the vehicle that brings it to the door."
    READY_FOR_PICKUP = "READY_FOR_PICKUP", "It waits for the recipient at a shop, locker or depot."
    EXCEPTION = "EXCEPTION", "Something keeps it from going on: the reason says what."
    DELIVERED = "DELIVERED", "The recipient has it."
    RETURNED = "RETURNED", "The carrier brought it back to the sender."
    CANCELLED = "CANCELLED", "It never left and will not."


class ShipmentAction(Choice):
    """What may be done with a shipment."""

    DISPATCH = "DISPATCH", "Hand it to the carrier."
    CANCEL = "CANCEL", "Call it off before it leaves."
    TRACK = "TRACK", "Record a report of its journey."
    DELIVER = "DELIVER", "Record that the recipient has it."


class TrackingStatus(Choice):
    """What one report of a carrier says, in the same words for every carrier."""

    INFO_RECEIVED = "INFO_RECEIVED", "The carrier knows of the shipment and does not have it yet."
    PICKED_UP = "PICKED_UP", "The carrier took it over."
    IN_TRANSIT = "IN_TRANSIT", "It arrived at, or left, a place on its way."
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", "It is on the vehicle that brings it to the door."
    READY_FOR_PICKUP = "READY_FOR_PICKUP", "It waits for the recipient at a shop, locker or depot."
    DELIVERY_FAILED = "DELIVERY_FAILED", "The carrier was at the door and could not deliver."
    ON_HOLD = "ON_HOLD", "It is held up, by customs or the carrier."
    DELIVERED = "DELIVERED", "The recipient has it."
    RETURNED = "RETURNED", "The carrier brought it back to the sender."
    UNKNOWN = "UNKNOWN", "The carrier's own words match none of ours; they are kept beside it."


class Shipment(Row):
    """Goods of an order on their way from a location to a customer, with one carrier."""

    __tablename__ = "shipments"
    __table_args__ = (
        search_index("shipments", "number", "tracking_number"),
        UniqueConstraint("carrier_id", "tracking_number"),
        Index("ix_shipments_created_at_id", "created_at", "id"),
        Index("ix_shipments_dispatched_at_id", "dispatched_at", "id"),
        Index("ix_shipments_estimated_delivery_at_id", "estimated_delivery_at", "id"),
        Index("ix_shipments_delivered_at_id", "delivered_at", "id"),
        Index("ix_shipments_status_id", "status", "id"),
        Index("ix_shipments_customer_id_id", "customer_id", "id"),
        Index("ix_shipments_carrier_id_id", "carrier_id", "id"),
        Index("ix_shipments_tracking_number", "tracking_number"),
        CheckConstraint("delivered_at is not null or status <> 'DELIVERED'", name="delivered_at_when_delivered"),
    )

    number: Mapped[str] = mapped_column(
        SORTED,
        Computed("'S-'::text || (id + 10000000)::text", persisted=True),
        unique=True,
        doc="Our number for it, such as `S-10000042`.",
    )
    order_id: Mapped[int] = reference("orders.id", doc="The order whose goods it carries.")
    customer_id: Mapped[int | None] = reference("customers.id", index=False, doc="Who ordered, where that is known.")
    fulfilment_id: Mapped[int | None] = reference("fulfilments.id", doc="The fulfilment whose parcels it carries.")
    carrier_id: Mapped[int | None] = reference("carriers.id", index=False, doc="Who carries it, where that is known.")
    tracking_number: Mapped[str | None] = mapped_column(
        SORTED, doc="The carrier's number for it, unique with that carrier."
    )
    tracking_token: Mapped[str] = mapped_column(
        default=unguessable_token,
        unique=True,
        doc="The secret of its public tracking page; share it to let others look.",
    )
    status: Mapped[ShipmentStatus] = choice(
        ShipmentStatus, default=ShipmentStatus.CREATED, doc="Where it is in its journey."
    )
    origin_location_id: Mapped[int | None] = reference("locations.id", doc="The location it leaves from.")
    destination_recipient: Mapped[str | None] = mapped_column(doc="Whose name stands on it.")
    destination_line1: Mapped[str | None] = mapped_column(doc="Street and number of the destination.")
    destination_line2: Mapped[str | None] = mapped_column(doc="What else helps to find the destination's door.")
    destination_city: Mapped[str | None] = mapped_column(doc="City or town of the destination.")
    destination_region: Mapped[str | None] = mapped_column(doc="State, province or region of the destination.")
    destination_postal_code: Mapped[str | None] = mapped_column(doc="Postal code of the destination.")
    destination_country_code: Mapped[str | None] = mapped_column(
        doc="Country of the destination by ISO 3166-1 alpha-2."
    )
    destination_latitude: Mapped[Decimal | None] = mapped_column(DEGREES, doc="Degrees north of the destination.")
    destination_longitude: Mapped[Decimal | None] = mapped_column(DEGREES, doc="Degrees east of the destination.")
    dispatched_at: Mapped[datetime | None] = mapped_column(doc="When it left its origin.")
    estimated_delivery_at: Mapped[datetime | None] = mapped_column(doc="When it should arrive, as last estimated.")
    last_event_at: Mapped[datetime | None] = mapped_column(doc="When the tracking event that set its status occurred.")
    delivered_at: Mapped[datetime | None] = mapped_column(doc="When the recipient had it.")


class TrackingEvent(Row):
    """One step of a shipment's journey, as it was reported. Events are only ever added."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        UniqueConstraint("shipment_id", "source_reference"),
        Index("ix_tracking_events_shipment_id_occurred_at_id", "shipment_id", "occurred_at", "id"),
        Index("ix_tracking_events_occurred_at_id", "occurred_at", "id"),
    )

    shipment_id: Mapped[int] = reference("shipments.id", index=False, doc="The shipment it is about.")
    parcel_id: Mapped[int | None] = reference("parcels.id", doc="The one parcel it is about, where it is about one.")
    status: Mapped[TrackingStatus] = choice(TrackingStatus, doc="What it says, in the same words for every carrier.")
    carrier_status: Mapped[str | None] = mapped_column(doc="The carrier's own code or words for it.")
    reason_code: Mapped[str | None] = mapped_column(doc="Why, where the carrier told a reason.")
    description: Mapped[str | None] = mapped_column(doc="What happened, in a sentence.")
    occurred_at: Mapped[datetime] = mapped_column(doc="When it happened, which may be long before it was reported.")
    place: Mapped[str | None] = mapped_column(doc="Where it happened, as it was reported.")
    latitude: Mapped[Decimal | None] = mapped_column(DEGREES, doc="Degrees north of where it happened.")
    longitude: Mapped[Decimal | None] = mapped_column(DEGREES, doc="Degrees east of where it happened.")
    source_reference: Mapped[str | None] = mapped_column(
        SORTED, doc="The reporter's own key of it; a report repeated under it counts once."
    )
    is_simulated: Mapped[bool] = mapped_column(
        default=False, server_default="false", doc="Whether a simulation made it up."
    )
