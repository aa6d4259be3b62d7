"""Records: what a source tells, in our words and checked, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.catalog.tables import ProductStatus
from app.kernel.address import Address
from app.kernel.money import CurrencyCode
from app.locations.tables import LocationKind
from app.orders.tables import OrderStatus, PaymentStatus
from app.parties.tables import CustomerKind
from app.shipments.tables import TrackingStatus


class Kind(StrEnum):
    """What a record is, in the order in which they come in."""

    SUPPLIER = "supplier"
    LOCATION = "location"
    CUSTOMER = "customer"
    PRODUCT = "product"
    STOCK = "stock"
    ORDER = "order"


References = tuple[tuple[str, str], ...]
"""What else is known of a record, as pairs of a source and a value."""
Needs = tuple[tuple[Kind, str], ...]
"""Other records, by their kinds and keys."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Anything that comes in; `key` is the source's own name of it, unique among its kind."""

    key: str
    references: References = ()

    @property
    def natural_key(self) -> str | None:
        """Our own name of it that must be free, where it has one."""
        return None

    @property
    def needs(self) -> Needs:
        """What must have come in before it, as pairs of a kind and a key."""
        return ()


@dataclass(frozen=True)
class Refused:
    """A row of the source that does not come in, and why."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SupplierRecord(Record):
    """Someone who sells."""

    code: str
    name: str
    address: Address | None = None

    @property
    def natural_key(self) -> str:
        """The supplier's code."""
        return self.code


@dataclass(frozen=True, kw_only=True)
class LocationRecord(Record):
    """A site from which goods leave."""

    code: str
    name: str
    kind: LocationKind
    time_zone: str
    supplier: str | None = None
    address: Address | None = None

    @property
    def natural_key(self) -> str:
        """The location's code."""
        return self.code

    @property
    def needs(self) -> Needs:
        """Its supplier, where it has one."""
        return ((Kind.SUPPLIER, self.supplier),) if self.supplier else ()


@dataclass(frozen=True, kw_only=True)
class CustomerRecord(Record):
    """Someone who bought."""

    number: str
    name: str
    kind: CustomerKind = CustomerKind.PERSON
    address: Address | None = None

    @property
    def natural_key(self) -> str:
        """The customer's number."""
        return self.number


@dataclass(frozen=True, kw_only=True)
class ProductRecord(Record):
    """What was bought, and what it costs now where that is known."""

    sku: str
    name: str
    status: ProductStatus = ProductStatus.PUBLISHED
    category: str | None = None
    weight_grams: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    supplier: str | None = None
    price: Decimal | None = None
    tax_included: bool = False

    @property
    def natural_key(self) -> str:
        """The product's SKU."""
        return self.sku

    @property
    def needs(self) -> Needs:
        """Its supplier, where it has one."""
        return ((Kind.SUPPLIER, self.supplier),) if self.supplier else ()


@dataclass(frozen=True, kw_only=True)
class StockRecord(Record):
    """Pieces that were at a location when the books were opened."""

    product: str
    location: str
    quantity: int
    occurred_at: datetime
    note: str | None = None

    @property
    def needs(self) -> Needs:
        """Its product and its location."""
        return ((Kind.PRODUCT, self.product), (Kind.LOCATION, self.location))


@dataclass(frozen=True, kw_only=True)
class LineRecord(Record):
    """Pieces of one product that were ordered, and the location that serves them."""

    product: str
    location: str
    quantity: int
    unit_price: Decimal
    freight: Decimal | None = None

    @property
    def needs(self) -> Needs:
        """Its product and its location."""
        return ((Kind.PRODUCT, self.product), (Kind.LOCATION, self.location))


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A step of the journey of an order's goods."""

    status: TrackingStatus
    occurred_at: datetime
    description: str
    is_simulated: bool = False


@dataclass(frozen=True, kw_only=True)
class OrderRecord(Record):
    """An order as far as it has come, its lines, and what is known of its goods' journey."""

    status: OrderStatus
    payment_status: PaymentStatus
    customer: str
    placed_at: datetime
    address: Address
    currency: CurrencyCode
    lines: tuple[LineRecord, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    tax_included: bool = False
    estimated_delivery_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancellation_reason: str | None = None

    @property
    def has_left(self) -> bool:
        """Whether its goods left for the customer."""
        return self.status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}

    @property
    def is_allocated(self) -> bool:
        """Whether its goods were given the locations that ship them."""
        return self.has_left or self.status is OrderStatus.ALLOCATED

    @property
    def is_held(self) -> bool:
        """Whether its goods are held and have not left."""
        return self.status in {OrderStatus.PLACED, OrderStatus.ALLOCATED}

    @property
    def left_at(self) -> datetime:
        """When its goods left the stock: as told, else by when they had left."""
        return self.shipped_at or self.delivered_at or self.placed_at

    @property
    def needs(self) -> Needs:
        """Its customer, and the products and locations of its lines."""
        of_lines = ((kind, key) for line in self.lines for kind, key in line.needs)
        return ((Kind.CUSTOMER, self.customer), *of_lines)
