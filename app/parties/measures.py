"""Who sees which customers, suppliers and carriers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause

from app.kernel.principal import STAFF
from app.kernel.visibility import TO_EVERYONE, viewer, visible_to


def own_customer(customer: FromClause) -> ColumnElement[bool]:
    """Whether it is the customer that the caller acts for."""
    return customer.c.id == viewer("customer_id")


def own_supplier(supplier: FromClause) -> ColumnElement[bool]:
    """Whether it is the supplier that the caller acts for."""
    return supplier.c.id == viewer("supplier_id")


customer_visibility = visible_to(STAFF, customer=own_customer)
supplier_visibility = visible_to(STAFF, supplier=own_supplier)
carrier_visibility = TO_EVERYONE
