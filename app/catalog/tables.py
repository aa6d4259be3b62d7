"""The tables of the catalogue: products, the channels they are sold through, and their prices."""

from __future__ import annotations

from decimal import Decimal
from typing import NewType

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index

ProductId = NewType("ProductId", int)
ChannelId = NewType("ChannelId", int)
PriceId = NewType("PriceId", int)
SupplierId = NewType("SupplierId", int)
"""A supplier's id, by the name that it has in the graph; suppliers themselves belong to the parties."""


class ProductStatus(Choice):
    """Whether a product is offered."""

    DRAFT = "DRAFT", "Not yet offered; only staff and its supplier see it."
    PUBLISHED = "PUBLISHED", "Offered to everyone."
    ARCHIVED = "ARCHIVED", "No longer offered; kept because orders name it."


class Product(Row):
    """What is bought and sold, identified by its SKU."""

    __tablename__ = "products"
    __table_args__ = (
        search_index("products", "sku", "gtin", "name"),
        CheckConstraint("gtin ~ '^([0-9]{8}|[0-9]{12,14})$'", name="gtin_is_digits"),
        CheckConstraint("weight_grams > 0", name="weight_positive"),
        CheckConstraint("length_mm > 0 AND width_mm > 0 AND height_mm > 0", name="size_positive"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
        Index(None, "category", "id"),
    )

    sku: Mapped[str] = mapped_column(SORTED, unique=True, doc="The stock keeping unit: our name for it, never reused.")
    name: Mapped[str] = mapped_column(SORTED, doc="What people call it.")
    description: Mapped[str | None] = mapped_column(doc="What it is, in whole sentences.")
    gtin: Mapped[str | None] = mapped_column(
        SORTED, unique=True, doc="The number in its barcode (GS1 GTIN), in its shortest form of 8, 12, 13 or 14 digits."
    )
    category: Mapped[str | None] = mapped_column(SORTED, doc="The kind of product, as the shop groups it.")
    status: Mapped[ProductStatus] = choice(
        ProductStatus,
        doc="Whether it is offered.",
        default=ProductStatus.DRAFT,
        server_default=ProductStatus.DRAFT.value,
    )
    weight_grams: Mapped[int | None] = mapped_column(doc="Weight of one piece as it is shipped, in grams.")
    length_mm: Mapped[int | None] = mapped_column(doc="Length of one piece as it is shipped, in millimetres.")
    width_mm: Mapped[int | None] = mapped_column(doc="Width of one piece as it is shipped, in millimetres.")
    height_mm: Mapped[int | None] = mapped_column(doc="Height of one piece as it is shipped, in millimetres.")
    supplier_id: Mapped[int | None] = reference("suppliers.id", doc="Who supplies it, where we do not make it.")


class Channel(Row):
    """A way of selling, such as a web shop, a marketplace or a counter; each has prices of its own."""

    __tablename__ = "channels"
    few = True
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_a_code"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
    )

    code: Mapped[str] = mapped_column(SORTED, unique=True, doc="Its short name, never reused.")
    name: Mapped[str] = mapped_column(SORTED, doc="What people call it.")
    currency: Mapped[str] = mapped_column(doc="The currency it sells in unless another is asked for (ISO 4217).")
    sells: Mapped[bool] = mapped_column(default=True, server_default="true", doc="Whether it takes orders now.")


class Price(Row):
    """What one piece of a product costs in a channel, in one currency."""

    __tablename__ = "prices"
    __table_args__ = (
        UniqueConstraint("product_id", "channel_id", "currency"),
        Index(None, "channel_id", "amount", "id"),
        Index(None, "channel_id", "product_id", "id"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_a_code"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )

    product_id: Mapped[int] = reference("products.id", doc="What is priced.", index=False)
    channel_id: Mapped[int] = reference("channels.id", doc="Where it is sold at this price.", index=False)
    currency: Mapped[str] = mapped_column(doc="The currency of the amount (ISO 4217).")
    amount: Mapped[Decimal] = mapped_column(doc="The price of one piece.")
    tax_included: Mapped[bool] = mapped_column(
        default=False, server_default="false", doc="Whether the amount already contains the sales tax."
    )
