"""Warehouse work in the graph: which location serves what of an order, and the parcels it packs."""

from __future__ import annotations

from datetime import datetime

from app.fulfilment import commands, events, measures, questions, tables
from app.kernel.principal import STAFF
from app.shipments import measures as shipment_measures
from schema import catalog, locations, orders, shipments
from schema.language import (
    Connection,
    alert,
    ask,
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
    part,
)


@node(
    tables.Fulfilment,
    visibility=measures.fulfilment_visibility,
    sorts=("created_at", "number"),
    groups=groups("status", "location", "created_at", "shipped_at"),
    search=("number",),
)
class Fulfilment:
    """The part of an order that one location serves."""

    number: str
    order: orders.Order | None = one(tables.Fulfilment.order_id)
    location: locations.Location | None = one(tables.Fulfilment.location_id)
    status: tables.FulfilmentStatus
    allowed_actions: list[tables.FulfilmentAction] = measure(measures.allowed_actions)
    picked_at: datetime | None
    packed_at: datetime | None
    shipped_at: datetime | None
    cancelled_at: datetime | None
    lines: Connection[FulfilmentLine] = many(
        tables.FulfilmentLine.fulfilment_id, order_by=tables.FulfilmentLine.id, doc="What it serves."
    )
    parcels: Connection[Parcel] = many(
        tables.Parcel.fulfilment_id, order_by=tables.Parcel.id, doc="What its goods are packed into."
    )


@node(
    tables.FulfilmentLine,
    visibility=measures.fulfilment_line_visibility,
    sorts=("quantity",),
    groups=groups("product", sums=("quantity", "quantity_picked", "quantity_short", "quantity_packed")),
)
class FulfilmentLine:
    """How much of one order line a location serves, and how much of that was picked and packed."""

    fulfilment: Fulfilment = one(tables.FulfilmentLine.fulfilment_id)
    order_line: orders.OrderLine | None = one(tables.FulfilmentLine.order_line_id)
    product: catalog.Product | None = one(tables.FulfilmentLine.product_id)
    quantity: int
    quantity_picked: int
    quantity_short: int = column(roles=STAFF)
    quantity_packed: int


@node(
    tables.Parcel,
    visibility=shipment_measures.parcel_visibility,
    sorts=("number", "packed_at"),
    groups=groups("shipment", "packed_at", sums=("weight_grams", "pieces")),
    search=("number",),
)
class Parcel:
    """One package: what is in it, what it weighs, and the shipment that carries it."""

    number: str
    fulfilment: Fulfilment | None = one(tables.Parcel.fulfilment_id)
    shipment: shipments.Shipment | None = one(tables.Parcel.shipment_id)
    weight_grams: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    packed_at: datetime
    shipped_at: datetime | None
    pieces: int = measure(measures.pieces)
    lines: Connection[ParcelLine] = many(
        tables.ParcelLine.parcel_id, order_by=tables.ParcelLine.id, doc="What is in it."
    )


@node(
    tables.ParcelLine,
    visibility=shipment_measures.parcel_line_visibility,
    sorts=("quantity",),
    groups=groups("product", sums=("quantity",)),
)
class ParcelLine:
    """How much of one product is in a parcel, and for which fulfilment line."""

    parcel: Parcel = one(tables.ParcelLine.parcel_id)
    fulfilment_line: FulfilmentLine | None = one(tables.ParcelLine.fulfilment_line_id)
    product: catalog.Product | None = one(tables.ParcelLine.product_id)
    quantity: int


class FulfilmentQueries:
    """What may be read about warehouse work."""

    fulfilment: Fulfilment | None = lookup(tables.Fulfilment.number)
    fulfilments: Connection[Fulfilment] = listing(Fulfilment, "Fulfilments that you may see.")
    parcel: Parcel | None = lookup(tables.Parcel.number)
    parcels: Connection[Parcel] = listing(Parcel, "Parcels that you may see.")
    sourcing_plan = ask(questions.sourcing_plan)


class FulfilmentMutations:
    """What may be done in the warehouse."""

    order_allocate = command(commands.allocate_order, returns="Order", moves=True)
    pick_confirm = command(commands.confirm_pick, returns=Fulfilment, moves=True)
    parcel_pack = command(commands.pack_parcel, returns=Parcel)
    fulfilment_cancel = command(commands.cancel_fulfilment, returns=Fulfilment)


class FulfilmentSubscriptions:
    """What may be followed about warehouse work."""

    fulfilment_changed = follow(
        events.FULFILMENT_CHANGES,
        shows=Fulfilment,
        key="fulfilment_id",
        by=("fulfilment_id", "order_id", "location_id"),
        tells=("status_before", "status_after"),
        doc="A fulfilment was allocated, picked, packed, shipped or cancelled.",
    )


class FulfilmentEvents:
    """What the feed tells of warehouse work, beside what is followed."""

    lines = part(FulfilmentLine, of=Fulfilment)
    short = alert(
        events.FulfilmentPicked,
        kind="SHORT_PICK",
        when=lambda facts: bool(facts.get("pieces_short")),
        doc="Pieces that the books have were not found on the shelf: the order lacks them, and the count was wrong.",
    )
    parcels = part(Parcel, of=(Fulfilment, "Shipment"))
    contents = part(ParcelLine, of=(Fulfilment, "Shipment"))
