"""Named SQL expressions of fulfilment, and who sees which of its rows."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, func, select

from app.fulfilment import rules, tables
from app.kernel.principal import STAFF
from app.kernel.transitions import allowed_in
from app.kernel.visibility import Own, visible_through, visible_to

fulfilment_visibility = visible_to(STAFF, customer=Own("customer_id"))
"""Staff see all; a customer sees the fulfilments of its own orders."""
fulfilment_line_visibility = visible_through(
    tables.FulfilmentLine.fulfilment_id, tables.Fulfilment, fulfilment_visibility
)
parcel_visibility = visible_through(tables.Parcel.fulfilment_id, tables.Fulfilment, fulfilment_visibility)
"""As the fulfilment; `app.shipments.measures` adds the carriers, whom this floor does not know."""
parcel_line_visibility = visible_through(tables.ParcelLine.parcel_id, tables.Parcel, parcel_visibility)


def allowed_actions(row: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it now."""
    return allowed_in(row.c.status, rules.ALLOWED)


def pieces(row: FromClause) -> ColumnElement[int]:
    """How many pieces are in the parcel."""
    line = tables.ParcelLine.__table__.alias("parcel_content")
    counted = select(func.sum(line.c.quantity)).where(line.c.parcel_id == row.c.id)
    return func.coalesce(counted.correlate(row).scalar_subquery(), 0)
