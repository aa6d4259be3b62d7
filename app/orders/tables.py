"""Orders and their lines; a cart is an order that was not placed yet."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NewType

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.addressed import DEGREES, address_column
from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index


class OrderStatus(Choice):
    """How far an order has come."""

    CART = "CART", "Being filled; nothing was promised yet."
    PLACED = "PLACED", "The customer asked for it; its stock is held."
    PARTIALLY_ALLOCATED = "PARTIALLY_ALLOCATED", "Some pieces have a location to ship from, others do not yet."
    ALLOCATED = "ALLOCATED", "Every line was given a location to ship from."
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED", "Some pieces are on their way."
    SHIPPED = "SHIPPED", "All pieces are on their way."
    DELIVERED = "DELIVERED", "All pieces arrived."
    CANCELLED = "CANCELLED", "It was called off before anything was shipped."
    ABANDONED = "ABANDONED", "A cart that was given up or forgotten."


class PaymentStatus(Choice):
    """How far an order is paid."""

    PENDING = "PENDING", "Nothing was paid yet."
    AUTHORISED = "AUTHORISED", "The payment was promised by the payer's bank."
    PAID = "PAID", "The payment arrived."
    REFUNDED = "REFUNDED", "The payment was given back."


class ShippingAddress:
    """Where an order goes: a copy of the address as it was when the order was placed."""

    shipping_recipient: Mapped[str | None] = address_column("recipient")
    shipping_line1: Mapped[str | None] = address_column("line1")
    shipping_line2: Mapped[str | None] = address_column("line2")
    shipping_city: Mapped[str | None] = address_column("city")
    shipping_region: Mapped[str | None] = address_column("region")
    shipping_postal_code: Mapped[str | None] = address_column("postal_code")
    shipping_country_code: Mapped[str | None] = address_column("country_code")
    shipping_latitude: Mapped[Decimal | None] = address_column("latitude", DEGREES)
    shipping_longitude: Mapped[Decimal | None] = address_column("longitude", DEGREES)


class Order(ShippingAddress, Row):
    """A customer's request for goods, and what we promised about it."""

    __tablename__ = "orders"
    __table_args__ = (
        search_index("orders", "number", "customer_name", "customer_email"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("subtotal_amount >= 0", name="subtotal_not_negative"),
        CheckConstraint("shipping_amount >= 0", name="shipping_not_negative"),
        CheckConstraint("tax_amount >= 0", name="tax_not_negative"),
        CheckConstraint("total_amount = subtotal_amount + shipping_amount + tax_amount", name="total_adds_up"),
        CheckConstraint("status IN ('CART', 'ABANDONED') OR placed_at IS NOT NULL", name="placed_at_known"),
        Index(None, "channel_id", "status", "currency", postgresql_include=["total_amount"]),
        Index(None, "status", "id"),
        Index(None, "placed_at", "id"),
        Index(None, "created_at", "id"),
        Index(None, "total_amount", "id"),
        Index(None, "customer_id", "id"),
        Index(None, "estimated_delivery_at", "id"),
        Index(None, "delivered_at", "id"),
        Index("ix_orders_expires_at_cart", "expires_at", "id", postgresql_where=text("status = 'CART'")),
    )

    number: Mapped[str] = mapped_column(
        SORTED,
        Computed("'O-'::text || (id + 10000000)::text", persisted=True),
        unique=True,
        doc="The number that people call the order by, such as `O-10000042`.",
    )
    status: Mapped[OrderStatus] = choice(OrderStatus, default=OrderStatus.CART, doc="How far the order has come.")
    payment_status: Mapped[PaymentStatus] = choice(
        PaymentStatus,
        default=PaymentStatus.PENDING,
        server_default=PaymentStatus.PENDING.value,
        doc="How far it is paid; it stays `PENDING` until somebody records a payment.",
    )
    channel_id: Mapped[int] = reference("channels.id", index=False, doc="The channel it was ordered through.")
    currency: Mapped[str] = mapped_column(doc="The currency of all its amounts, by ISO 4217.")
    customer_id: Mapped[int | None] = reference(
        "customers.id", index=False, doc="Who ordered; null where a stranger did."
    )
    customer_name: Mapped[str | None] = mapped_column(doc="The name of whoever ordered, as given with the order.")
    customer_email: Mapped[str | None] = mapped_column(doc="Where whoever ordered reads mail.")
    cart_token_hash: Mapped[bytes | None] = mapped_column(
        unique=True, doc="The hash of the secret that opens the cart; the secret itself is not kept."
    )
    subtotal_amount: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default="0", doc="The sum of its lines, without shipping."
    )
    shipping_amount: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default="0", doc="What the customer pays for shipping."
    )
    tax_amount: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default="0", doc="Tax on top of prices that do not include it."
    )
    total_amount: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default="0", doc="What the customer pays in all: subtotal, shipping and tax."
    )
    placed_at: Mapped[datetime | None] = mapped_column(doc="When the customer placed it; null while it is a cart.")
    estimated_delivery_at: Mapped[datetime | None] = mapped_column(
        doc="When we told the customer it would arrive; null where we told nothing."
    )
    shipped_at: Mapped[datetime | None] = mapped_column(doc="When its last piece left; null before that.")
    delivered_at: Mapped[datetime | None] = mapped_column(doc="When its last piece arrived; null before that.")
    cancelled_at: Mapped[datetime | None] = mapped_column(doc="When it was cancelled; null where it was not.")
    cancellation_reason: Mapped[str | None] = mapped_column(doc="Why it was cancelled, in words.")
    expires_at: Mapped[datetime | None] = mapped_column(
        doc="When the cart counts as abandoned unless it is touched before; null once it is no cart."
    )


class OrderLine(Row):
    """One product of an order: how many, at what price, and how many of them are allocated, shipped or returned."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("position > 0", name="position_positive"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("quantity_cancelled >= 0", name="cancelled_not_negative"),
        CheckConstraint("quantity_allocated + quantity_cancelled <= quantity", name="allocated_within_ordered"),
        CheckConstraint("quantity_shipped <= quantity_allocated", name="shipped_within_allocated"),
        CheckConstraint("quantity_returned >= 0", name="returned_not_negative"),
        CheckConstraint("quantity_returned <= quantity_shipped", name="returned_within_shipped"),
        CheckConstraint("unit_price_amount >= 0", name="unit_price_not_negative"),
        CheckConstraint("freight_amount >= 0", name="freight_not_negative"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        Index(None, "product_id", "id"),
    )

    order_id: Mapped[int] = reference("orders.id", index=False, doc="The order that the line belongs to.")
    position: Mapped[int] = mapped_column(doc="Its place in the order, counted from 1.")
    product_id: Mapped[int] = reference("products.id", index=False, doc="What was ordered.")
    quantity: Mapped[int] = mapped_column(doc="How many pieces were ordered.")
    quantity_allocated: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that were given a location to ship from, those shipped among them."
    )
    quantity_shipped: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that left for the customer, those returned among them."
    )
    quantity_returned: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that came back from the customer."
    )
    quantity_cancelled: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that were called off before they were shipped."
    )
    unit_price_amount: Mapped[Decimal] = mapped_column(doc="The price of one piece when it was ordered.")
    currency: Mapped[str] = mapped_column(doc="The currency of the line's amounts: that of its order.")
    tax_included: Mapped[bool] = mapped_column(default=False, doc="Whether the price includes tax.")
    total_amount: Mapped[Decimal] = mapped_column(
        Computed("unit_price_amount * quantity::numeric", persisted=True), doc="The unit price times the quantity."
    )
    freight_amount: Mapped[Decimal | None] = mapped_column(
        doc="The share of the shipping that this line was charged; null where shipping is charged by order."
    )


OrderId = NewType("OrderId", int)
OrderLineId = NewType("OrderLineId", int)
