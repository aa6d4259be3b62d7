"""What the stock Strawberry server is made of besides its types: a DataLoader a relation, ids, cursors and values."""

from __future__ import annotations

import base64
from collections import defaultdict
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker
from strawberry.dataloader import DataLoader

from app.catalog import tables as catalog
from app.inventory import tables as inventory
from app.locations import tables as places
from app.orders import tables as trade
from app.parties import tables as parties
from app.returns import tables as back
from app.shipments import tables as transport

Sessions = async_sessionmaker[Any]


async def load_rows(sessions: Sessions, table: Any, keys: list[int]) -> list[Any]:
    """The rows of a table by their keys."""
    async with sessions() as session:
        rows = {row.id: row for row in await session.scalars(select(table).where(table.id.in_(keys)))}
    return [rows.get(key) for key in keys]


async def load_children(sessions: Sessions, column: Any, order: Any, keys: list[int]) -> list[list[Any]]:
    """The rows that name each key in `column`, in order."""
    found: dict[int, list[Any]] = defaultdict(list)
    async with sessions() as session:
        for row in await session.scalars(select(column.class_).where(column.in_(keys)).order_by(order)):
            found[getattr(row, column.key)].append(row)
    return [found[key] for key in keys]


ROWS: dict[str, Any] = {
    "customers": parties.Customer,
    "products": catalog.Product,
    "locations": places.Location,
    "carriers": parties.Carrier,
}
CHILDREN: dict[str, tuple[Any, Any]] = {
    "orders": (trade.Order.customer_id, trade.Order.created_at),
    "lines": (trade.OrderLine.order_id, trade.OrderLine.position),
    "shipments": (transport.Shipment.order_id, transport.Shipment.id),
    "returns": (back.Return.order_id, back.Return.id),
    "return_lines": (back.ReturnLine.return_id, back.ReturnLine.id),
    "stock_levels": (inventory.StockLevel.product_id, inventory.StockLevel.location_id),
    "tracking_events": (transport.TrackingEvent.shipment_id, transport.TrackingEvent.occurred_at),
}


def loaders_of(sessions: Sessions) -> dict[str, Any]:
    """The loaders of one request, by what they load."""
    rows: dict[str, Any] = {name: partial(load_rows, sessions, table) for name, table in ROWS.items()}
    children = {name: partial(load_children, sessions, *told) for name, told in CHILDREN.items()}
    return {name: DataLoader(load_fn=load) for name, load in (rows | children).items()}


def global_id(kind: str, key: int) -> strawberry.ID:
    """An opaque id."""
    return strawberry.ID(base64.b64encode(f"{kind}:{key}".encode()).decode())


def cursor_of(value: str) -> str:
    """An opaque cursor."""
    return base64.b64encode(value.encode()).decode()


def place_of(cursor: str) -> str:
    """What a cursor says."""
    return base64.b64decode(cursor).decode()


@strawberry.type
class Money:
    """An amount in a currency."""

    amount: Decimal
    currency: str


@strawberry.enum
class OrderSort(Enum):
    """The orders in which a list of orders is offered."""

    CREATED_AT_DESC = "CREATED_AT_DESC"
