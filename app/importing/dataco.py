"""DataCo: the orders of the demo, a cut of a published set; `demo/README.md` tells its licence and what it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from pathlib import Path
from random import Random
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
)
from app.importing.sources import Files, RowRefused, Values
from app.kernel import clock
from app.kernel.address import Address
from app.kernel.money import STORED_PLACES, CurrencyCode, rounded
from app.locations.tables import LocationKind
from app.orders.tables import OrderStatus, PaymentStatus
from app.parties.tables import CustomerKind
from app.shipments.tables import TrackingStatus

FOLDER = Path(__file__).parent / "demo"
FILE = "dataco_cut"
SIMULATED = "lading.simulated"
"""The source of external references that name what is made up."""
ZONE = ZoneInfo("UTC")
TIME_FORM = "%m/%d/%Y %H:%M"
SPARE_PIECES = 60
"""Pieces of every product that each warehouse has besides what the orders take."""
STATUSES = {
    "COMPLETE": OrderStatus.DELIVERED,
    "CLOSED": OrderStatus.DELIVERED,
    "PROCESSING": OrderStatus.ALLOCATED,
    "PENDING": OrderStatus.PLACED,
    "PENDING_PAYMENT": OrderStatus.PLACED,
    "PAYMENT_REVIEW": OrderStatus.PLACED,
    "ON_HOLD": OrderStatus.PLACED,
    "CANCELED": OrderStatus.CANCELLED,
    "SUSPECTED_FRAUD": OrderStatus.CANCELLED,
}
CANCELLATIONS = {
    "CANCELED": "The source tells that it was cancelled, and not why.",
    "SUSPECTED_FRAUD": "The source suspects fraud and called the shipping off.",
}
COUNTRIES = {"EE. UU.": "US", "Puerto Rico": "PR"}
WESTERN = frozenset({"AZ", "CA", "CO", "HI", "ID", "MT", "NM", "NV", "OR", "UT", "WA", "WY"})
COLUMNS = (
    "Order Id",
    "Order Item Id",
    "Order Status",
    "order date (DateOrders)",
    "shipping date (DateOrders)",
    "Customer Id",
    "Customer Segment",
    "Customer City",
    "Customer State",
    "Customer Country",
    "Customer Zipcode",
    "Order City",
    "Order State",
    "Order Zipcode",
    "Order Country Code",
    "Product Card Id",
    "Product Name",
    "Category Name",
    "Product Price",
    "Order Item Quantity",
    "Order Item Total",
)


def _warehouse(code: str, city: str, zone: str, address: Address) -> LocationRecord:
    """A warehouse that is made up, in a city that is not."""
    return LocationRecord(
        key=code,
        references=((SIMULATED, "location"),),
        code=f"WH-{code}",
        name=f"{city} warehouse",
        kind=LocationKind.WAREHOUSE,
        time_zone=zone,
        address=address,
    )


def _at(city: str, region: str, country: str, place: tuple[str, str]) -> Address:
    """The address of a city."""
    latitude, longitude = (Decimal(degrees) for degrees in place)
    return Address(city=city, region=region, country_code=country, latitude=latitude, longitude=longitude)


WAREHOUSES = {
    "CAGUAS": _warehouse(
        "CAGUAS", "Caguas", "America/Puerto_Rico", _at("Caguas", "Puerto Rico", "PR", ("18.2341", "-66.0485"))
    ),
    "CHICAGO": _warehouse("CHICAGO", "Chicago", "America/Chicago", _at("Chicago", "IL", "US", ("41.8781", "-87.6298"))),
    "LOS-ANGELES": _warehouse(
        "LOS-ANGELES",
        "Los Angeles",
        "America/Los_Angeles",
        _at("Los Angeles", "CA", "US", ("34.0522", "-118.2437")),
    ),
}


class DataCo:
    """The file of the demo's orders, which are few and kept in memory."""

    name = "dataco"
    channel_code = "DATACO"
    channel_name = "DataCo web shop"
    currency = CurrencyCode("USD")

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the file in `folder`."""
        self.files = Files(folder)

    def fingerprint(self) -> str:
        """What tells this file from any other."""
        return self.files.fingerprint([FILE])

    def records(self, kind: Kind) -> Iterable[Record | Refused]:
        """The records of a kind, in the order of the file."""
        match kind:
            case Kind.SUPPLIER:
                return ()
            case Kind.LOCATION:
                return WAREHOUSES.values()
            case Kind.CUSTOMER:
                return self._customers()
            case Kind.PRODUCT:
                return self._products()
            case Kind.STOCK:
                return self._stock()
            case Kind.ORDER:
                return self._orders()

    def total(self, kind: Kind) -> int:
        """How many records of a kind there are."""
        return sum(1 for _ in self.records(kind))

    @cached_property
    def _rows(self) -> list[Values]:
        return list(self.files.rows(FILE, COLUMNS))

    def _customers(self) -> Iterator[CustomerRecord]:
        for key, row in {row["Customer Id"]: row for row in self._rows}.items():
            is_person = row["Customer Segment"] == "Consumer"
            yield CustomerRecord(
                key=key,
                number=f"C-{key}",
                name=f"Customer {key}",
                kind=CustomerKind.PERSON if is_person else CustomerKind.BUSINESS,
                address=Address(
                    city=row["Customer City"],
                    region=row["Customer State"],
                    postal_code=_postal_code(row["Customer Zipcode"]),
                    country_code=COUNTRIES.get(row["Customer Country"]),
                ),
            )

    def _products(self) -> Iterator[ProductRecord | Refused]:
        for key, row in {row["Product Card Id"]: row for row in self._rows}.items():
            try:
                price = _dollars(row["Product Price"], "the price")
            except RowRefused as refused:
                yield Refused(key, str(refused))
                continue
            yield ProductRecord(
                key=key, sku=f"DC-{key}", name=row["Product Name"], category=row["Category Name"], price=price
            )

    def _stock(self) -> Iterator[StockRecord]:
        """What the orders take, and as much again as there is to be traded with."""
        orders = [order for order in self._orders() if isinstance(order, OrderRecord)]
        pieces = Counter(
            dict.fromkeys(((row["Product Card Id"], place) for row in self._rows for place in WAREHOUSES), SPARE_PIECES)
        )
        for order in orders:
            for line in order.lines if order.has_left or order.is_held else ():
                pieces[line.product, line.location] += line.quantity
        opened_at = min((order.placed_at for order in orders), default=clock.now())
        for (product, location), quantity in pieces.items():
            yield StockRecord(
                key=f"{product}@{location}",
                product=product,
                location=location,
                quantity=quantity,
                occurred_at=opened_at,
                note=f"Simulated: what the orders take, and {SPARE_PIECES} pieces to trade with.",
            )

    def _orders(self) -> Iterator[OrderRecord | Refused]:
        for key, rows in groupby(self._rows, lambda row: row["Order Id"]):
            try:
                yield self._order(key, list(rows))
            except RowRefused as refused:
                yield Refused(key, str(refused))

    def _order(self, key: str, rows: list[Values]) -> OrderRecord:
        """One order of one or more rows; RowRefused where one of them cannot be read."""
        row, label = rows[0], rows[0]["Order Status"]
        if label not in STATUSES:
            raise RowRefused(f"its status {label!r} is unknown")
        placed_at = _instant(row, "order date (DateOrders)")
        status = STATUSES[label]
        has_left = status is OrderStatus.DELIVERED
        shipped_at = _instant(row, "shipping date (DateOrders)") if has_left else None
        steps = tuple(_steps(key, shipped_at)) if shipped_at else ()
        made_up = ((SIMULATED, "deliveredAt"),) if steps else ()
        return OrderRecord(
            key=key,
            references=(("dataco.order_status", label), *made_up),
            status=status,
            payment_status=PaymentStatus.PAID if has_left else PaymentStatus.PENDING,
            customer=row["Customer Id"],
            placed_at=placed_at,
            address=_destination(row),
            currency=self.currency,
            lines=tuple(_line(row) for row in rows),
            steps=steps,
            shipped_at=shipped_at,
            delivered_at=steps[-1].occurred_at if steps else None,
            cancellation_reason=CANCELLATIONS.get(label),
        )


def _line(row: Values) -> LineRecord:
    """One line: the price of a piece is what was paid for it, after discounts."""
    quantity = values.whole(row["Order Item Quantity"], "the quantity")
    total = _dollars(row["Order Item Total"], "the total")
    return LineRecord(
        key=row["Order Item Id"],
        product=row["Product Card Id"],
        location=_served_from(row),
        quantity=quantity,
        unit_price=(total / quantity).quantize(STORED_PLACES),
    )


def _served_from(row: Values) -> str:
    """The warehouse that serves a purchase: the one on its side of the country."""
    if row["Customer Country"] == "Puerto Rico":
        return "CAGUAS"
    return "LOS-ANGELES" if row["Customer State"] in WESTERN else "CHICAGO"


def _destination(row: Values) -> Address:
    """Where an order went."""
    return Address(
        city=row["Order City"] or None,
        region=row["Order State"] or None,
        postal_code=_postal_code(row["Order Zipcode"]),
        country_code=row["Order Country Code"] or None,
    )


def _steps(key: str, shipped_at: datetime) -> Iterator[StepRecord]:
    """The journey of an order: its beginning is told, the rest is made up from the order's number, always alike."""
    chance, then = Random(f"journey of {key}"), shipped_at  # noqa: S311 — nothing secret hangs on it.
    told = "The goods left the warehouse."
    yield StepRecord(status=TrackingStatus.PICKED_UP, occurred_at=then, description=told)
    for status, hours, told in (
        (TrackingStatus.IN_TRANSIT, 20, "They arrived at the carrier's depot."),
        (TrackingStatus.OUT_FOR_DELIVERY, 70, "They are on the vehicle that brings them to the door."),
        (TrackingStatus.DELIVERED, 8, "The customer has them."),
    ):
        then += timedelta(minutes=chance.randint(60, hours * 60))
        yield StepRecord(status=status, occurred_at=then, description=told, is_simulated=True)


def _instant(row: Values, column: str) -> datetime:
    """The instant of a row, which must have one."""
    told = values.instant(row[column], ZONE, column, form=TIME_FORM)
    if told is None:
        raise RowRefused(f"it does not tell its {column}")
    return told


def _dollars(text: str, what: str) -> Decimal:
    """An amount, of which the set has more digits than were paid."""
    return rounded(values.number(text, what), DataCo.currency)


def _postal_code(text: str) -> str | None:
    """A postal code of five digits, which the set wrote as a number."""
    return text.removesuffix(".0").zfill(5) if text else None
