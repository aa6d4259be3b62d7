"""Named SQL of the catalogue: what may be done with a product, and who sees products, channels and prices."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, or_

from app.catalog import rules, tables
from app.kernel.principal import STAFF
from app.kernel.transitions import allowed_in
from app.kernel.visibility import TO_EVERYONE, viewer, visible_through, visible_to


def allowed_actions(product: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it in its present state."""
    return allowed_in(product.c.status, rules.ALLOWED)


def published(product: FromClause) -> ColumnElement[bool]:
    """Whether everyone may see it."""
    return product.c.status == tables.ProductStatus.PUBLISHED


def published_or_supplied(product: FromClause) -> ColumnElement[bool]:
    """Whether everyone may see it, or the caller supplies it."""
    return or_(published(product), product.c.supplier_id == viewer("supplier_id"))


product_visibility = visible_to(
    STAFF, customer=published, carrier=published, anonymous=published, supplier=published_or_supplied
)
channel_visibility = TO_EVERYONE
price_visibility = visible_through(tables.Price.product_id, tables.Product, product_visibility)
