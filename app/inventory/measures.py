"""What is told about stock beyond its columns, and who may see it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Integer, and_, cast, func, literal, select

from app.catalog.measures import published as is_published
from app.catalog.tables import Product
from app.inventory.tables import StockLevel
from app.kernel.principal import STAFF
from app.kernel.visibility import viewer, visible_to
from app.locations.measures import sells_to_everyone
from app.locations.tables import Location

TOLD_MAX = 2_147_483_647
"""The largest number that the graph's Int can tell; a larger sum is told as this."""


def available(row: FromClause) -> ColumnElement[int]:
    """Pieces on hand that are not promised to anyone."""
    return row.c.on_hand - row.c.held


def below_reorder_point(row: FromClause) -> ColumnElement[bool]:
    """Whether no more pieces are available than the reorder point; false where there is no reorder point."""
    return func.coalesce(row.c.on_hand - row.c.held <= row.c.reorder_point, literal(value=False))


def product_available(row: FromClause) -> ColumnElement[int]:
    """Pieces that can be ordered now: those not promised to anyone, over all locations that sell and fulfil."""
    level = StockLevel.__table__.alias("available_level")
    place = Location.__table__.alias("available_place")
    joined = level.join(place, and_(place.c.id == level.c.location_id, place.c.sells, place.c.fulfils))
    return _total(level.c.on_hand - level.c.held, joined, level.c.product_id == row.c.id, row)


def product_on_hand(row: FromClause) -> ColumnElement[int]:
    """Pieces that are physically there, over all locations."""
    level = StockLevel.__table__.alias("on_hand_level")
    return _total(level.c.on_hand, level, level.c.product_id == row.c.id, row)


def product_incoming(row: FromClause) -> ColumnElement[int]:
    """Pieces that are under way to any location and not yet on hand."""
    level = StockLevel.__table__.alias("incoming_level")
    return _total(level.c.incoming, level, level.c.product_id == row.c.id, row)


def _total(
    counted: ColumnElement[int], source: FromClause, condition: ColumnElement[bool], row: FromClause
) -> ColumnElement[int]:
    """The sum of `counted` over `source`, as a number that the graph's Int can hold."""
    told = cast(func.least(func.coalesce(func.sum(counted), 0), TOLD_MAX), Integer)
    return select(told).select_from(source).where(condition).correlate(row).scalar_subquery()


def _supplied(row: FromClause) -> ColumnElement[bool]:
    """The rows about products of the supplier who asks."""
    product = Product.__table__.alias("supplied_product")
    return row.c.product_id.in_(select(product.c.id).where(product.c.supplier_id == viewer("supplier_id")))


def _offered(row: FromClause) -> ColumnElement[bool]:
    """The levels of published products at locations that sell."""
    product = Product.__table__.alias("offered_product")
    place = Location.__table__.alias("selling_place")
    published = select(product.c.id).where(product.c.id == row.c.product_id, is_published(product))
    selling = select(place.c.id).where(place.c.id == row.c.location_id, sells_to_everyone(place))
    return and_(published.correlate(row).exists(), selling.correlate(row).exists())


stock_level_visibility = visible_to(STAFF, supplier=_supplied, customer=_offered, carrier=_offered, anonymous=_offered)
stock_movement_visibility = visible_to(STAFF, supplier=_supplied)
stock_hold_visibility = visible_to(STAFF, supplier=_supplied)
