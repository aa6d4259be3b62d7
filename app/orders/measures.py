"""What is told about orders beyond their columns, and who may see them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Integer, cast, func, select

from app.kernel.principal import STAFF
from app.kernel.transitions import allowed_in
from app.kernel.visibility import Own, visible_through, visible_to
from app.orders import rules
from app.orders.tables import Order, OrderLine

TOLD_MAX = 2_147_483_647
"""The largest number that the graph's Int can tell; a larger sum is told as this."""


def allowed_actions(order: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it in its present state."""
    return allowed_in(order.c.status, rules.ALLOWED)


def pieces(order: FromClause) -> ColumnElement[int]:
    """How many pieces were ordered, over all its lines."""
    line = OrderLine.__table__.alias("counted_line")
    told = cast(func.least(func.coalesce(func.sum(line.c.quantity), 0), TOLD_MAX), Integer)
    return select(told).where(line.c.order_id == order.c.id).correlate(order).scalar_subquery()


def quantity_to_ship(line: FromClause) -> ColumnElement[int]:
    """Pieces that are still to be shipped."""
    return line.c.quantity - line.c.quantity_cancelled - line.c.quantity_shipped


def quantity_returnable(line: FromClause) -> ColumnElement[int]:
    """Pieces that were shipped and did not come back."""
    return line.c.quantity_shipped - line.c.quantity_returned


order_visibility = visible_to(STAFF, customer=Own("customer_id"))
order_line_visibility = visible_through(OrderLine.order_id, Order, order_visibility)
