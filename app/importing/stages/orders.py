"""Orders with all that hangs on them: lines, fulfilments, shipments, tracking events, movements and holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.tables import Fulfilment, FulfilmentLine, FulfilmentStatus
from app.importing.copying import copy_rows, take_ids
from app.importing.records import Kind, LineRecord, OrderRecord
from app.importing.stages.books import Books, Written, address_columns
from app.importing.stages.stock import Change, change_stock
from app.inventory.rules import LevelKey
from app.inventory.tables import HoldKind, HoldStatus, MovementReason, StockHold, StockMovement
from app.kernel.identity import unguessable_token
from app.kernel.money import rounded
from app.orders.tables import Order, OrderLine, OrderStatus
from app.shipments.rules import STATUS_BY_REPORT
from app.shipments.tables import Shipment, ShipmentStatus, TrackingEvent


@dataclass(frozen=True)
class Line:
    """A line of an order with our keys."""

    id: int
    record: LineRecord
    product_id: int
    location_id: int

    @property
    def level(self) -> LevelKey:
        """The stock level that serves it."""
        return (self.product_id, self.location_id)


@dataclass(frozen=True)
class Part:
    """The lines of an order that one location serves: a fulfilment and, once they left, a shipment."""

    fulfilment_id: int
    shipment_id: int
    location_id: int
    lines: Sequence[Line]


@dataclass
class Whole:
    """One order with our keys."""

    id: int
    customer_id: int
    record: OrderRecord
    lines: list[Line] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


async def write_orders(session: AsyncSession, books: Books, records: Sequence[OrderRecord]) -> Written:
    """Add orders as far as they have come; their pieces leave the stock that was opened for them, or are held."""
    orders = await _keyed(session, books, records)
    rows: Counter[str] = Counter()
    rows["orders"] = await copy_rows(session, Order, [_order(order, books) for order in orders])
    rows["order_lines"] = await copy_rows(session, OrderLine, [row for order in orders for row in _lines(order, books)])
    await _write_fulfilments(session, orders, rows)
    numbers = await _write_shipments(session, books, orders, rows)
    await _write_stock(session, books, orders, numbers, rows)
    return Written({order.record.key: order.id for order in orders}, rows)


async def _keyed(session: AsyncSession, books: Books, records: Sequence[OrderRecord]) -> list[Whole]:
    """The orders under keys of ours, their lines by the locations that serve them."""
    keys = await take_ids(session, Order, len(records))
    line_keys = iter(await take_ids(session, OrderLine, sum(len(record.lines) for record in records)))
    orders = []
    for key, record in zip(keys, records, strict=True):
        order = Whole(key, books.id_of(Kind.CUSTOMER, record.customer), record)
        order.lines = [_line(next(line_keys), line, books) for line in record.lines]
        orders.append(order)
    shares = [(order, location, lines) for order in orders for location, lines in _shares(order)]
    fulfilments = await take_ids(session, Fulfilment, len(shares))
    shipments = await take_ids(session, Shipment, len(shares))
    for (order, location, lines), fulfilment, shipment in zip(shares, fulfilments, shipments, strict=True):
        order.parts.append(Part(fulfilment, shipment, location, lines))
    return orders


def _line(key: int, record: LineRecord, books: Books) -> Line:
    """A line under its key of ours."""
    return Line(key, record, books.id_of(Kind.PRODUCT, record.product), books.id_of(Kind.LOCATION, record.location))


def _shares(order: Whole) -> Iterator[tuple[int, list[Line]]]:
    """The lines of an allocated order by the location that serves them."""
    by_location: dict[int, list[Line]] = defaultdict(list)
    for line in order.lines if order.record.is_allocated else ():
        by_location[line.location_id].append(line)
    yield from by_location.items()


def _order(order: Whole, books: Books) -> dict[str, Any]:
    """The row of one order."""
    record = order.record
    subtotal = sum((line.unit_price * line.quantity for line in record.lines), Decimal(0))
    subtotal = rounded(subtotal, record.currency)
    shipping = sum((line.freight or Decimal(0) for line in record.lines), Decimal(0))
    return {
        "id": order.id,
        "status": record.status,
        "payment_status": record.payment_status,
        "channel_id": books.channel_id,
        "currency": record.currency,
        "customer_id": order.customer_id,
        "subtotal_amount": subtotal,
        "shipping_amount": shipping,
        "total_amount": subtotal + shipping,
        "placed_at": record.placed_at,
        "estimated_delivery_at": record.estimated_delivery_at,
        "shipped_at": record.shipped_at,
        "delivered_at": record.delivered_at,
        "cancellation_reason": record.cancellation_reason,
        "external_references": books.references(record),
        **address_columns(record.address, "shipping_"),
    }


def _lines(order: Whole, books: Books) -> Iterator[dict[str, Any]]:
    """The rows of an order's lines."""
    record = order.record
    for position, line in enumerate(order.lines, 1):
        pieces = line.record.quantity
        yield {
            "id": line.id,
            "order_id": order.id,
            "position": position,
            "product_id": line.product_id,
            "quantity": pieces,
            "quantity_allocated": pieces if record.is_allocated else 0,
            "quantity_shipped": pieces if record.has_left else 0,
            "quantity_cancelled": pieces if record.status is OrderStatus.CANCELLED else 0,
            "unit_price_amount": line.record.unit_price,
            "currency": record.currency,
            "tax_included": record.tax_included,
            "freight_amount": line.record.freight,
            "external_references": books.references(line.record),
        }


async def _write_fulfilments(session: AsyncSession, orders: Sequence[Whole], rows: Counter[str]) -> None:
    """Add the fulfilments of allocated orders; when they were picked and packed nobody told."""
    fulfilments = [
        {
            "id": part.fulfilment_id,
            "order_id": order.id,
            "customer_id": order.customer_id,
            "location_id": part.location_id,
            "status": FulfilmentStatus.SHIPPED if order.record.has_left else FulfilmentStatus.ALLOCATED,
            "shipped_at": order.record.shipped_at,
        }
        for order in orders
        for part in order.parts
    ]
    lines = [
        {
            "fulfilment_id": part.fulfilment_id,
            "order_line_id": line.id,
            "product_id": line.product_id,
            "quantity": line.record.quantity,
            "quantity_picked": line.record.quantity if order.record.has_left else 0,
            "quantity_packed": line.record.quantity if order.record.has_left else 0,
        }
        for order in orders
        for part in order.parts
        for line in part.lines
    ]
    rows["fulfilments"] = await copy_rows(session, Fulfilment, fulfilments)
    rows["fulfilment_lines"] = await copy_rows(session, FulfilmentLine, lines)


async def _write_shipments(
    session: AsyncSession, books: Books, orders: Sequence[Whole], rows: Counter[str]
) -> dict[int, str]:
    """Add the shipments of orders that left, with the steps of their journeys; answers the shipments' numbers."""
    left = [(order, part) for order in orders if order.record.has_left for part in order.parts]
    rows["shipments"] = await copy_rows(session, Shipment, [_shipment(order, part, books) for order, part in left])
    events = [row for order, part in left for row in _events(order, part, books)]
    rows["tracking_events"] = await copy_rows(session, TrackingEvent, events)
    if not left:
        return {}
    keys = [part.shipment_id for _, part in left]
    numbers = select(Shipment.id, Shipment.number).where(Shipment.id.between(min(keys), max(keys)))
    return {row.id: row.number for row in await session.execute(numbers)}


def _shipment(order: Whole, part: Part, books: Books) -> dict[str, Any]:
    """The row of one shipment."""
    record = order.record
    told = [STATUS_BY_REPORT.get(step.status) for step in record.steps]
    return {
        "id": part.shipment_id,
        "order_id": order.id,
        "customer_id": order.customer_id,
        "fulfilment_id": part.fulfilment_id,
        "tracking_token": unguessable_token(),
        "status": next((status for status in reversed(told) if status), ShipmentStatus.DISPATCHED),
        "origin_location_id": part.location_id,
        "dispatched_at": record.shipped_at,
        "estimated_delivery_at": record.estimated_delivery_at,
        "last_event_at": max((step.occurred_at for step in record.steps), default=None),
        "delivered_at": record.delivered_at,
        "external_references": books.references(record),
        **address_columns(record.address, "destination_"),
    }


def _events(order: Whole, part: Part, books: Books) -> Iterator[dict[str, Any]]:
    """The rows of a shipment's journey."""
    for number, step in enumerate(order.record.steps, 1):
        yield {
            "shipment_id": part.shipment_id,
            "status": step.status,
            "description": step.description,
            "occurred_at": step.occurred_at,
            "source_reference": f"{books.source}:{order.record.key}:{number}",
            "is_simulated": step.is_simulated,
        }


async def _write_stock(
    session: AsyncSession, books: Books, orders: Sequence[Whole], numbers: dict[int, str], rows: Counter[str]
) -> None:
    """Take out of stock what left, and hold what has not left yet."""
    changes: dict[LevelKey, Change] = defaultdict(Change)
    for order in orders:
        for line in order.lines:
            change = changes[line.level]
            change.on_hand -= line.record.quantity if order.record.has_left else 0
            change.held += line.record.quantity if order.record.is_held else 0
    due = {key: change for key, change in sorted(changes.items()) if change.on_hand or change.held}
    levels = await change_stock(session, due)
    rows["stock_levels"] = len(due)
    left = [
        (order, part, line) for order in orders if order.record.has_left for part in order.parts for line in part.lines
    ]
    movements = [_movement(order, line, numbers[part.shipment_id], books) for order, part, line in left]
    held = [(order, line) for order in orders if order.record.is_held for line in order.lines]
    rows["stock_movements"] = await copy_rows(session, StockMovement, movements)
    rows["stock_holds"] = await copy_rows(
        session, StockHold, [_hold(order, line, levels[line.level]) for order, line in held]
    )


def _movement(order: Whole, line: Line, shipment_number: str, books: Books) -> dict[str, Any]:
    """The line of the ledger for pieces that left."""
    return {
        "product_id": line.product_id,
        "from_location_id": line.location_id,
        "quantity": line.record.quantity,
        "reason": MovementReason.SHIPPED,
        "reference": shipment_number,
        "actor": books.by.name,
        "occurred_at": order.record.left_at,
    }


def _hold(order: Whole, line: Line, stock_level_id: int) -> dict[str, Any]:
    """The hold of a line that has not left."""
    return {
        "stock_level_id": stock_level_id,
        "product_id": line.product_id,
        "location_id": line.location_id,
        "quantity": line.record.quantity,
        "order_id": order.id,
        "order_line_id": line.id,
        "kind": HoldKind.ORDER,
        "status": HoldStatus.ACTIVE,
    }
