"""Named SQL expressions of transport, and who sees which of its rows, parcels among them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, case, func, select

from app.fulfilment import measures as fulfilment_measures
from app.fulfilment import tables as fulfilment_tables
from app.kernel.principal import STAFF, Role
from app.kernel.transitions import allowed_in
from app.kernel.visibility import Own, Visibility, visible_through, visible_to
from app.shipments import rules, tables

shipment_visibility = visible_to(
    STAFF,
    customer=Own("customer_id"),
    carrier=Own("carrier_id"),
)
"""Staff see all; a customer its own; a carrier those given to it."""
tracking_event_visibility = visible_through(tables.TrackingEvent.shipment_id, tables.Shipment, shipment_visibility)
_carried = visible_through(fulfilment_tables.Parcel.shipment_id, tables.Shipment, shipment_visibility)
parcel_visibility = Visibility(
    {**fulfilment_measures.parcel_visibility.rules, Role.CARRIER: _carried.rules[Role.CARRIER]}
)
"""Parcels as fulfilment shows them, and to carriers those of the shipments given to them."""
parcel_line_visibility = visible_through(
    fulfilment_tables.ParcelLine.parcel_id, fulfilment_tables.Parcel, parcel_visibility
)


def allowed_actions(row: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it now."""
    return allowed_in(row.c.status, rules.ALLOWED)


def delivered_late(row: FromClause) -> ColumnElement[bool]:
    """Whether it was delivered after the instant that was last estimated."""
    return func.coalesce(row.c.delivered_at > row.c.estimated_delivery_at, False)


def parcel_count(row: FromClause) -> ColumnElement[int]:
    """How many parcels it has."""
    parcel = fulfilment_tables.Parcel.__table__.alias("parcel_carried")
    count = select(func.count()).select_from(parcel).where(parcel.c.shipment_id == row.c.id)
    return count.correlate(row).scalar_subquery()


def weight_grams(row: FromClause) -> ColumnElement[int | None]:
    """What its parcels weigh together, in grams; null where one of them was not weighed."""
    parcel = fulfilment_tables.Parcel.__table__.alias("parcel_weighed")
    whole = func.count(parcel.c.weight_grams) == func.count()
    weight = select(case((whole, func.sum(parcel.c.weight_grams)))).where(parcel.c.shipment_id == row.c.id)
    return weight.correlate(row).scalar_subquery()
