"""Stages: how the records of each kind become rows, a batch at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import Product
from app.importing.records import Kind
from app.importing.stages.books import Books, Written
from app.importing.stages.orders import write_orders
from app.importing.stages.parties import write_customers, write_locations, write_suppliers
from app.importing.stages.products import write_products
from app.importing.stages.stock import write_stock
from app.locations.tables import Location
from app.parties.tables import Customer, Supplier

Write = Callable[[AsyncSession, Books, Sequence[Any]], Awaitable[Written]]


@dataclass(frozen=True)
class Stage:
    """How records of one kind are written, and the column of ours that their own names must be free in."""

    kind: Kind
    write: Write
    named_in: ColumnElement[str] | None = None


STAGES = (
    Stage(Kind.SUPPLIER, write_suppliers, Supplier.__table__.c.code),
    Stage(Kind.LOCATION, write_locations, Location.__table__.c.code),
    Stage(Kind.CUSTOMER, write_customers, Customer.__table__.c.number),
    Stage(Kind.PRODUCT, write_products, Product.__table__.c.sku),
    Stage(Kind.STOCK, write_stock),
    Stage(Kind.ORDER, write_orders),
)
"""All stages in their order: each needs only what came before it."""
