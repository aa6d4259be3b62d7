"""Rows of warehouse work: fulfilments, their lines, the parcels they are packed into and what is in each."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index

FulfilmentId = NewType("FulfilmentId", int)
FulfilmentLineId = NewType("FulfilmentLineId", int)
ParcelId = NewType("ParcelId", int)
ParcelLineId = NewType("ParcelLineId", int)

SSCC_PREFIX = "00400000"
"""Extension digit 0 and a prefix of the range (040 to 049) that GS1 keeps for numbers used inside one company."""
SSCC_SERIAL_DIGITS = 9


class FulfilmentStatus(Choice):
    """How far a location is with its part of an order."""

    ALLOCATED = "ALLOCATED", "The location was chosen and its stock is held; nobody has picked anything yet."
    PICKING = "PICKING", "Some of the goods were picked."
    PICKED = "PICKED", "Everything was picked, or what is missing was recorded as a short pick."
    PACKED = "PACKED", "All that was picked is in parcels."
    SHIPPED = "SHIPPED", "All its parcels left the location."
    CANCELLED = "CANCELLED", "It will not be done; the stock it held is free again."


class FulfilmentAction(Choice):
    """What may be done with a fulfilment."""

    PICK = "PICK", "Record what was picked."
    PACK = "PACK", "Pack what was picked into a parcel."
    SHIP = "SHIP", "Hand its parcels to a carrier."
    CANCEL = "CANCEL", "Call it off."


class SourcingVerdict(Choice):
    """Why a location was chosen to serve an order, or was not."""

    CHOSEN = "CHOSEN", "It serves the order, or a part of it."
    NO_STOCK = "NO_STOCK", "It has nothing available of what is needed."
    WOULD_SPLIT = "WOULD_SPLIT", "It has not all that is needed, and one location alone has."
    NOT_NEARER = "NOT_NEARER", "It could serve the order, from no nearer than the chosen locations."
    DISTANCE_UNKNOWN = "DISTANCE_UNKNOWN", "It could serve the order, but how far it is from the customer is not known."


class Fulfilment(Row):
    """The part of an order that one location serves."""

    __tablename__ = "fulfilments"
    __table_args__ = (
        search_index("fulfilments", "number"),
        Index("ix_fulfilments_created_at_id", "created_at", "id"),
        Index("ix_fulfilments_location_id_status_id", "location_id", "status", "id"),
        Index("ix_fulfilments_customer_id_id", "customer_id", "id"),
    )

    number: Mapped[str] = mapped_column(
        SORTED,
        Computed("'F-'::text || (id + 10000000)::text", persisted=True),
        unique=True,
        doc="The number that people in the warehouse say and scan, such as `F-10000042`.",
    )
    order_id: Mapped[int] = reference("orders.id", doc="The order it serves.")
    customer_id: Mapped[int | None] = reference("customers.id", index=False, doc="Who ordered, where that is known.")
    location_id: Mapped[int] = reference("locations.id", index=False, doc="The location that picks and packs it.")
    status: Mapped[FulfilmentStatus] = choice(
        FulfilmentStatus, default=FulfilmentStatus.ALLOCATED, doc="How far the location is with it."
    )
    picked_at: Mapped[datetime | None] = mapped_column(doc="When picking ended.")
    packed_at: Mapped[datetime | None] = mapped_column(doc="When all that was picked was in parcels.")
    shipped_at: Mapped[datetime | None] = mapped_column(doc="When its last parcel left the location.")
    cancelled_at: Mapped[datetime | None] = mapped_column(doc="When it was cancelled.")


class FulfilmentLine(Row):
    """How much of one order line a location serves, and how much of that was picked and packed."""

    __tablename__ = "fulfilment_lines"
    __table_args__ = (
        UniqueConstraint("fulfilment_id", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("quantity_picked >= 0", name="picked_not_negative"),
        CheckConstraint("quantity_short >= 0", name="short_not_negative"),
        CheckConstraint("quantity_picked + quantity_short <= quantity", name="picked_and_short_within_quantity"),
        CheckConstraint("quantity_packed between 0 and quantity_picked", name="packed_within_picked"),
    )

    fulfilment_id: Mapped[int] = reference("fulfilments.id", index=False, doc="The fulfilment it belongs to.")
    order_line_id: Mapped[int] = reference("order_lines.id", doc="The order line it serves.")
    product_id: Mapped[int] = reference("products.id", doc="What is picked.")
    quantity: Mapped[int] = mapped_column(doc="Pieces to pick.")
    quantity_picked: Mapped[int] = mapped_column(default=0, server_default="0", doc="Pieces picked so far.")
    quantity_short: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that were not found when picking ended."
    )
    quantity_packed: Mapped[int] = mapped_column(default=0, server_default="0", doc="Pieces packed into parcels.")


def _sscc() -> str:
    """The SQL of an 18-digit SSCC of the row's id, its check digit by GS1's weights of 3 and 1 from the right."""
    digits = "".join(["'", SSCC_PREFIX, "' || lpad(id::text, ", str(SSCC_SERIAL_DIGITS), ", '0')"])
    prefix_sum = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(SSCC_PREFIX))
    serial_sum = " + ".join(
        f"{3 if power % 2 == 0 else 1} * (id / {10**power} % 10)" for power in range(SSCC_SERIAL_DIGITS)
    )
    return f"{digits} || ((10 - ({prefix_sum} + {serial_sum}) % 10) % 10)::text"


class Parcel(Row):
    """One package: what is in it, what it weighs, and the shipment that carries it."""

    __tablename__ = "parcels"
    __table_args__ = (
        search_index("parcels", "number"),
        CheckConstraint("weight_grams > 0", name="weight_positive"),
        CheckConstraint("length_mm > 0 and width_mm > 0 and height_mm > 0", name="size_positive"),
        Index(None, "packed_at", "id"),
    )

    number: Mapped[str] = mapped_column(
        SORTED,
        Computed(_sscc(), persisted=True),
        unique=True,
        doc="The 18 digits on its label, formed as a GS1 SSCC of the range for use inside one company.",
    )
    fulfilment_id: Mapped[int] = reference("fulfilments.id", doc="The fulfilment it was packed for.")
    shipment_id: Mapped[int | None] = reference("shipments.id", doc="The shipment that carries it, once there is one.")
    weight_grams: Mapped[int | None] = mapped_column(doc="Its weight with packaging, in grams, where it was weighed.")
    length_mm: Mapped[int | None] = mapped_column(doc="Its longest side, in millimetres, where it was measured.")
    width_mm: Mapped[int | None] = mapped_column(doc="Its second side, in millimetres, where it was measured.")
    height_mm: Mapped[int | None] = mapped_column(doc="Its shortest side, in millimetres, where it was measured.")
    packed_at: Mapped[datetime] = mapped_column(default=clock.now, doc="When it was packed.")
    shipped_at: Mapped[datetime | None] = mapped_column(doc="When it left the location.")


class ParcelLine(Row):
    """How much of one product is in a parcel, and for which fulfilment line."""

    __tablename__ = "parcel_lines"
    __table_args__ = (
        UniqueConstraint("parcel_id", "fulfilment_line_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    parcel_id: Mapped[int] = reference("parcels.id", index=False, doc="The parcel that it is in.")
    fulfilment_line_id: Mapped[int] = reference("fulfilment_lines.id", doc="The fulfilment line it was picked for.")
    product_id: Mapped[int] = reference("products.id", doc="What it is.")
    quantity: Mapped[int] = mapped_column(doc="Pieces of it in the parcel.")
