"""Olist: the orders of a Brazilian marketplace, in the form in which they were published.

One line per source row. What happened to the goods decides over the label: an order that was handed to its carrier is
SHIPPED and one that arrived is DELIVERED, whatever else it is called. For the others `created` and `approved` are
PLACED, `invoiced` and `processing` are ALLOCATED (PLACED where the order has no lines), `canceled` and `unavailable`
are CANCELLED. The label itself is kept as an external reference. An order is PAID where its payment was approved and
is listed. An order comes in whole or not at all. Review scores and instalments have no place in our graph and stay out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.importing import values
from app.importing.records import (
    CustomerRecord,
    Kind,
    LineRecord,
    LocationRecord,
    OrderRecord,
    ProductRecord,
    Record,
    Refused,
    StepRecord,
    StockRecord,
    SupplierRecord,
)
from app.importing.sources import Files, RowRefused, Values
from app.importing.values import Coordinates
from app.kernel.address import Address
from app.kernel.money import CurrencyCode
from app.locations.tables import LocationKind
from app.orders.tables import OrderStatus, PaymentStatus
from app.shipments.tables import TrackingStatus

TIME_ZONE = ZoneInfo("America/Sao_Paulo")
COUNTRY = "BR"
POSTAL_PREFIX_DIGITS = 5
SHOWN = 8
"""Characters of a source's key that make a name which people can tell apart."""
LABELS = {
    "created": OrderStatus.PLACED,
    "approved": OrderStatus.PLACED,
    "invoiced": OrderStatus.ALLOCATED,
    "processing": OrderStatus.ALLOCATED,
    "shipped": OrderStatus.SHIPPED,
    "delivered": OrderStatus.SHIPPED,
    "canceled": OrderStatus.CANCELLED,
    "unavailable": OrderStatus.CANCELLED,
}
"""What each label means where no time tells more."""
CANCELLATIONS = {
    "canceled": "The marketplace cancelled it; why is not told.",
    "unavailable": "The marketplace reports that the goods were not available.",
}
ORDERS = (
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
)
ITEMS = ("order_id", "order_item_id", "product_id", "seller_id", "price", "freight_value")
CUSTOMERS = ("customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state")
PRODUCTS = (
    "product_id",
    "product_category_name",
    "product_weight_g",
    "product_length_cm",
    "product_height_cm",
    "product_width_cm",
)
SELLERS = ("seller_id", "seller_zip_code_prefix", "seller_city", "seller_state")
CITIES = ("customer_city", "customer_state", "latitude", "longitude")
NEEDED = ("orders", "order_items", "order_payments", "customers", "products")
OPTIONAL = ("category_translation", "city_coords_derived", "sellers_partial", "sellers")


class Item(NamedTuple):
    """One row of an order's items, as it is written."""

    number: str
    product: str
    seller: str
    price: str
    freight: str


class Buyer(NamedTuple):
    """Who placed an order, and where it goes."""

    key: str
    address: Address


class Olist:
    """The files of the set. Orders are streamed; what they refer to is kept in memory."""

    name = "olist"
    channel_code = "OLIST"
    channel_name = "Olist marketplace"
    currency = CurrencyCode("BRL")

    def __init__(self, folder: Path) -> None:
        """Read the set in `folder`."""
        self.files = Files(folder)

    def fingerprint(self) -> str:
        """What tells this set from any other."""
        return self.files.fingerprint([*NEEDED, *(name for name in OPTIONAL if self.files.has(name))])

    def records(self, kind: Kind) -> Iterable[Record | Refused]:
        """The records of a kind, in the order of the files."""
        readers = {
            Kind.SUPPLIER: self._suppliers,
            Kind.LOCATION: self._locations,
            Kind.CUSTOMER: self._customers,
            Kind.PRODUCT: self._products,
            Kind.STOCK: self._stock,
            Kind.ORDER: self._orders,
        }
        return readers[kind]()

    def total(self, kind: Kind) -> int:
        """How many records of a kind there are, roughly."""
        counts = {
            Kind.SUPPLIER: len(self._sellers),
            Kind.LOCATION: len(self._sellers),
            Kind.CUSTOMER: len(self._latest_addresses),
            Kind.PRODUCT: self._product_count,
            Kind.STOCK: len(self._openings[1]),
            Kind.ORDER: self._order_count,
        }
        return counts[kind]

    @cached_property
    def _items(self) -> dict[str, list[Item]]:
        """The items by their orders."""
        items: dict[str, list[Item]] = defaultdict(list)
        for row in self.files.rows("order_items", ITEMS):
            items[row["order_id"]].append(Item(*(row[name] for name in ITEMS[1:])))
        return dict(items)

    @cached_property
    def _buyers(self) -> dict[str, Buyer]:
        """Who placed each order: the set's `customer_id` is one order's, its `customer_unique_id` a person's."""
        rows = self.files.rows("customers", CUSTOMERS)
        return {row["customer_id"]: Buyer(row["customer_unique_id"], self._place(row, "customer")) for row in rows}

    @cached_property
    def _latest_addresses(self) -> dict[str, Address]:
        """Where each person's latest order went."""
        placed: dict[str, tuple[str, Address]] = {}
        for row in self.files.rows("orders", ORDERS):
            buyer = self._buyers.get(row["customer_id"])
            if buyer and row["order_purchase_timestamp"] >= placed.get(buyer.key, ("",))[0]:
                placed[buyer.key] = (row["order_purchase_timestamp"], buyer.address)
        return {key: address for key, (_, address) in placed.items()}

    @cached_property
    def _cities(self) -> dict[tuple[str, str], Coordinates]:
        """Where cities are, by their names and states."""
        if not self.files.has("city_coords_derived"):
            return {}
        rows = self.files.rows("city_coords_derived", CITIES)
        return {(row["customer_city"], row["customer_state"]): values.coordinates(row) for row in rows}

    @cached_property
    def _sellers(self) -> dict[str, Address | None]:
        """Every seller that an item names, with its place where that is known."""
        known: dict[str, Address | None] = {}
        for name in ("sellers", "sellers_partial"):
            if self.files.has(name):
                known |= {row["seller_id"]: self._place(row, "seller") for row in self.files.rows(name, SELLERS)}
        named = dict.fromkeys(item.seller for items in self._items.values() for item in items)
        return {seller: known.get(seller) for seller in named}

    @cached_property
    def _payments(self) -> set[str]:
        """The orders of which a payment is listed."""
        return {row["order_id"] for row in self.files.rows("order_payments", ("order_id",))}

    @cached_property
    def _order_count(self) -> int:
        return sum(1 for _ in self.files.rows("orders", ORDERS))

    @cached_property
    def _product_count(self) -> int:
        return sum(1 for _ in self.files.rows("products", PRODUCTS))

    def _place(self, row: Values, of: str) -> Address:
        """The place that a row tells, with its city's coordinates where those are known."""
        city, state = row[f"{of}_city"], row[f"{of}_state"]
        latitude, longitude = self._cities.get((city, state), (None, None))
        prefix = row[f"{of}_zip_code_prefix"]
        return Address(
            city=values.title(city),
            region=state or None,
            postal_code=prefix.zfill(POSTAL_PREFIX_DIGITS) if prefix else None,
            country_code=COUNTRY,
            latitude=latitude,
            longitude=longitude,
        )

    def _suppliers(self) -> Iterator[SupplierRecord]:
        for key, address in self._sellers.items():
            yield SupplierRecord(key=key, code=f"OLIST-{key}", name=f"Seller {key[:SHOWN]}", address=address)

    def _locations(self) -> Iterator[LocationRecord]:
        for key, address in self._sellers.items():
            yield LocationRecord(
                key=key,
                code=f"OLIST-{key}",
                name=f"Seller {key[:SHOWN]}",
                kind=LocationKind.SUPPLIER,
                time_zone=TIME_ZONE.key,
                supplier=key,
                address=address,
            )

    def _customers(self) -> Iterator[CustomerRecord]:
        for key, address in self._latest_addresses.items():
            yield CustomerRecord(key=key, number=f"OLIST-{key}", name=f"Customer {key[:SHOWN]}", address=address)

    def _products(self) -> Iterator[ProductRecord | Refused]:
        """Products; one that several sellers sell has no supplier of its own, only stock with each of them."""
        english = self._categories()
        sellers: dict[str, set[str]] = defaultdict(set)
        latest: dict[str, str] = {}
        for items in self._items.values():
            for item in items:
                sellers[item.product].add(item.seller)
                latest[item.product] = item.price
        for row in self.files.rows("products", PRODUCTS):
            key = row["product_id"]
            only = next(iter(sellers[key])) if len(sellers[key]) == 1 else None
            category = english.get(row["product_category_name"], row["product_category_name"])
            try:
                yield _product(row, values.title(category.replace("_", " ")), only, latest.get(key))
            except RowRefused as refused:
                yield Refused(key, str(refused))

    def _categories(self) -> dict[str, str]:
        """The English names of categories."""
        if not self.files.has("category_translation"):
            return {}
        columns = ("product_category_name", "product_category_name_english")
        return {row[columns[0]]: row[columns[1]] for row in self.files.rows("category_translation", columns)}

    @cached_property
    def _openings(self) -> tuple[datetime | None, Counter[tuple[str, str]]]:
        """When the first order was placed, and how many pieces of what the orders take from where."""
        first: datetime | None = None
        pieces: Counter[tuple[str, str]] = Counter()
        for order in self._orders():
            if isinstance(order, OrderRecord):
                first = min(first or order.placed_at, order.placed_at)
                for line in order.lines if order.has_left or order.is_held else ():
                    pieces[line.product, line.location] += line.quantity
        return first, pieces

    def _stock(self) -> Iterator[StockRecord]:
        """What must have been there before the first order: the set tells no stock, only what was sold of it."""
        first, pieces = self._openings
        if first is None:
            return
        for (product, location), quantity in pieces.items():
            yield StockRecord(
                key=f"{product}@{location}",
                product=product,
                location=location,
                quantity=quantity,
                occurred_at=first,
                note="What the orders of the set take; its source tells no stock.",
            )

    def _orders(self) -> Iterator[OrderRecord | Refused]:
        """Orders as they were placed, and last the items of orders that there are not."""
        seen: set[str] = set()
        for row in self.files.rows("orders", ORDERS):
            seen.add(row["order_id"])
            try:
                yield self._order(row)
            except RowRefused as refused:
                yield Refused(row["order_id"], str(refused))
        for order, items in self._items.items():
            if order not in seen:
                yield Refused(order, f"the set has {len(items)} items of this order and not the order itself")

    def _order(self, row: Values) -> OrderRecord:
        """One order; RowRefused where a part of it cannot be read."""
        key, label = row["order_id"], row["order_status"]
        if label not in LABELS:
            raise RowRefused(f"its status {label!r} is none of Olist's")
        buyer = self._buyers.get(row["customer_id"])
        if buyer is None:
            raise RowRefused(f"it names the customer {row['customer_id']}, whom the set does not have")
        placed_at = _instant(row, "order_purchase_timestamp")
        if placed_at is None:
            raise RowRefused("it does not tell when it was placed")
        lines = tuple(_line(key, item) for item in self._items.get(key, ()))
        shipped_at = _instant(row, "order_delivered_carrier_date")
        delivered_at = _instant(row, "order_delivered_customer_date")
        status = _status(label, shipped_at, delivered_at, has_lines=bool(lines))
        is_paid = bool(row["order_approved_at"]) and key in self._payments
        return OrderRecord(
            key=key,
            references=(("olist.order_status", label),),
            status=status,
            payment_status=PaymentStatus.PAID if is_paid else PaymentStatus.PENDING,
            customer=buyer.key,
            placed_at=placed_at,
            address=buyer.address,
            currency=self.currency,
            lines=lines,
            steps=tuple(_steps(shipped_at, delivered_at)),
            tax_included=True,
            estimated_delivery_at=_instant(row, "order_estimated_delivery_date"),
            shipped_at=shipped_at,
            delivered_at=delivered_at,
            cancellation_reason=CANCELLATIONS.get(label) if status is OrderStatus.CANCELLED else None,
        )


def _product(row: Values, category: str | None, supplier: str | None, price: str | None) -> ProductRecord:
    """One product; RowRefused where its measures are no numbers."""
    key = row["product_id"]
    if not key:
        raise RowRefused("it has no key")
    return ProductRecord(
        key=key,
        sku=f"OLIST-{key.upper()}",
        name=f"{category or 'Product'} {key[:SHOWN]}",
        category=category,
        weight_grams=values.measure(row["product_weight_g"]),
        length_mm=values.measure(row["product_length_cm"], times=10),
        width_mm=values.measure(row["product_width_cm"], times=10),
        height_mm=values.measure(row["product_height_cm"], times=10),
        supplier=supplier,
        price=values.amount(price, "the price") if price else None,
        tax_included=True,
    )


def _line(order: str, item: Item) -> LineRecord:
    """One line: a row of the set is one piece."""
    return LineRecord(
        key=f"{order}:{item.number}",
        product=item.product,
        location=item.seller,
        quantity=1,
        unit_price=values.amount(item.price, f"the price of item {item.number}"),
        freight=values.amount(item.freight, f"the freight of item {item.number}"),
    )


def _status(label: str, shipped_at: datetime | None, delivered_at: datetime | None, *, has_lines: bool) -> OrderStatus:
    """How far an order has come: by what happened to its goods, else by its label."""
    status = LABELS[label]
    if not has_lines:
        return status if status is OrderStatus.CANCELLED else OrderStatus.PLACED
    if delivered_at:
        return OrderStatus.DELIVERED
    return OrderStatus.SHIPPED if shipped_at else status


def _steps(shipped_at: datetime | None, delivered_at: datetime | None) -> Iterator[StepRecord]:
    """What the set tells of a journey."""
    if shipped_at:
        told = "The seller handed the goods to the carrier."
        yield StepRecord(status=TrackingStatus.PICKED_UP, occurred_at=shipped_at, description=told)
    if delivered_at:
        told = "The customer has the goods."
        yield StepRecord(status=TrackingStatus.DELIVERED, occurred_at=delivered_at, description=told)


def _instant(row: Values, column: str) -> datetime | None:
    """The instant that a local time of the set means."""
    return values.instant(row[column], TIME_ZONE, column)
