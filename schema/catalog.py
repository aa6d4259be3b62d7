"""The catalogue in the graph: products, channels and prices."""

from __future__ import annotations

from app.catalog import commands, events, measures, rules, tables
from app.inventory.measures import product_available
from app.inventory.tables import StockLevel
from app.kernel.money import CurrencyCode, Money
from schema import inventory, parties
from schema.language import (
    Connection,
    command,
    follow,
    groups,
    listing,
    lookup,
    many,
    measure,
    money,
    node,
    one,
    part,
    subject,
)


@node(
    tables.Product,
    visibility=measures.product_visibility,
    sorts=("sku", "name", "category", "created_at"),
    groups=groups("status", "category", "supplier", sums=("available",)),
    search=("sku", "gtin", "name"),
)
class Product:
    """What is bought and sold, identified by its SKU."""

    sku: str
    name: str
    description: str | None
    gtin: str | None
    category: str | None
    status: tables.ProductStatus
    weight_grams: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    supplier: parties.Supplier | None = one(tables.Product.supplier_id)
    prices: Connection[Price] = many(
        tables.Price.product_id, order_by=tables.Price.channel_id, doc="What it costs, in each channel and currency."
    )
    stock_levels: Connection[inventory.StockLevel] = many(
        StockLevel.product_id, order_by=StockLevel.location_id, doc="How many pieces there are, at each location."
    )
    available: int = measure(product_available, filterable=True)
    allowed_actions: list[rules.ProductAction] = measure(measures.allowed_actions)


@node(tables.Channel, visibility=measures.channel_visibility, sorts=("code", "name", "created_at"))
class Channel:
    """A way of selling, such as a web shop, a marketplace or a counter; each has prices of its own."""

    code: str
    name: str
    currency: CurrencyCode
    sells: bool
    prices: Connection[Price] = many(
        tables.Price.channel_id, order_by=tables.Price.product_id, doc="What products cost in it."
    )


@node(
    tables.Price,
    visibility=measures.price_visibility,
    sorts=("amount",),
    groups=groups("channel", "currency", averages=("amount",)),
)
class Price:
    """What one piece of a product costs in a channel, in one currency."""

    product: Product = one(tables.Price.product_id)
    channel: Channel = one(tables.Price.channel_id)
    currency: CurrencyCode
    amount: Money = money(tables.Price.amount, tables.Price.currency)
    tax_included: bool


class CatalogQueries:
    """What may be asked of the catalogue."""

    product: Product | None = lookup(tables.Product.sku, tables.Product.gtin)
    products: Connection[Product] = listing(Product, "Products that you may see.")
    channel: Channel | None = lookup(tables.Channel.code)
    channels: Connection[Channel] = listing(Channel, "The ways of selling.")


class CatalogMutations:
    """What may be done in the catalogue."""

    product_create = command(commands.create_product, returns=Product)
    product_update = command(commands.update_product, returns=Product)
    product_publish = command(commands.publish_product, returns=Product)
    product_archive = command(commands.archive_product, returns=Product)
    product_price_set = command(commands.set_product_price, returns=Product)
    channel_create = command(commands.create_channel, returns=Channel)


class CatalogSubscriptions:
    """What may be followed in the catalogue."""

    product_changed = follow(
        (
            events.ProductCreated,
            events.ProductUpdated,
            events.ProductPublished,
            events.ProductArchived,
            events.ProductPriceSet,
        ),
        shows=Product,
        key="product_id",
        by=("product_id",),
        conflates=True,
        doc="Products as they are added, corrected, priced, published and archived.",
    )


class CatalogEvents:
    """What the feed tells of the catalogue, beside what is followed."""

    channels = subject(events.ChannelCreated, shows=Channel, key="channel_id")
    offered = subject(
        (events.ProductPublished, events.ProductArchived),
        shows=Product,
        key="product_id",
        before={"status": "status_before"},
        around={"status": ("StockLevel",)},
    )
    supplied = subject(
        events.ProductUpdated,
        shows=Product,
        key="product_id",
        before={"supplier_id": "supplier_id_before"},
        around={"supplier_id": ("StockLevel", "StockMovement", "StockHold")},
    )
    prices = part(Price, of=Product)
