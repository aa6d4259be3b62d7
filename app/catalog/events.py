"""What happens in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.catalog.tables import ProductStatus
from app.kernel.outbox import Event


@dataclass(frozen=True, kw_only=True)
class ProductCreated(Event, name="catalog.product_created", keys=("product_id", "supplier_id")):
    """A product was added."""

    product_id: int
    supplier_id: int | None
    sku: str
    status: ProductStatus


@dataclass(frozen=True, kw_only=True)
class ProductUpdated(Event, name="catalog.product_updated", keys=("product_id", "supplier_id")):
    """What is said about a product was corrected."""

    product_id: int
    supplier_id: int | None
    supplier_id_before: int | None
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ProductPublished(Event, name="catalog.product_published", keys=("product_id", "supplier_id")):
    """A product was offered to everyone."""

    product_id: int
    supplier_id: int | None
    status_before: ProductStatus


@dataclass(frozen=True, kw_only=True)
class ProductArchived(Event, name="catalog.product_archived", keys=("product_id", "supplier_id")):
    """A product is no longer offered."""

    product_id: int
    supplier_id: int | None
    status_before: ProductStatus


@dataclass(frozen=True, kw_only=True)
class ChannelCreated(Event, name="catalog.channel_created", keys=("channel_id",)):
    """A channel was added."""

    channel_id: int
    code: str


@dataclass(frozen=True, kw_only=True)
class ProductPriceSet(Event, name="catalog.product_price_set", keys=("price_id", "product_id", "channel_id")):
    """A product got a price in a channel, its first or another."""

    price_id: int
    product_id: int
    channel_id: int
    currency: str
    amount_before: Decimal | None
    amount: Decimal
    tax_included: bool
