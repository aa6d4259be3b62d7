"""Orders in the graph: carts, what was ordered, how far it has come, and what it costs."""

from __future__ import annotations

from datetime import datetime

from app.fulfilment.tables import Fulfilment
from app.inventory.tables import StockHold
from app.kernel.address import Address
from app.kernel.money import CurrencyCode, Money
from app.orders import commands, events, measures, rules, tables
from app.returns.tables import Return
from app.shipments.tables import Shipment
from schema import catalog, fulfilment, inventory, parties, returns, shipments
from schema.language import (
    Connection,
    address,
    alert,
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
    untold,
)


@node(
    tables.Order,
    visibility=measures.order_visibility,
    sorts=("created_at", "number", "placed_at", "estimated_delivery_at", "delivered_at", "total"),
    groups=groups(
        "status",
        "payment_status",
        "channel",
        "customer",
        "currency",
        "placed_at",
        "delivered_at",
        sums=("subtotal", "shipping", "tax", "total", "pieces"),
        averages=("total",),
        spans=("placed_at",),
    ),
    search=("number", "customer_name", "customer_email"),
)
class Order:
    """A customer's request for goods, and what we promised about it; a cart is an order that was not placed yet."""

    number: str
    status: tables.OrderStatus
    payment_status: tables.PaymentStatus
    channel: catalog.Channel = one(tables.Order.channel_id)
    currency: CurrencyCode
    customer: parties.Customer | None = one(tables.Order.customer_id)
    customer_name: str | None
    customer_email: str | None
    ship_to: Address | None = address(tables.Order, prefix="shipping_", doc="Where it goes.")
    subtotal: Money = money(tables.Order.subtotal_amount, tables.Order.currency)
    shipping: Money = money(tables.Order.shipping_amount, tables.Order.currency)
    tax: Money = money(tables.Order.tax_amount, tables.Order.currency)
    total: Money = money(tables.Order.total_amount, tables.Order.currency)
    pieces: int = measure(measures.pieces)
    placed_at: datetime | None
    estimated_delivery_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    cancellation_reason: str | None
    expires_at: datetime | None
    allowed_actions: list[rules.OrderAction] = measure(measures.allowed_actions)
    lines: Connection[OrderLine] = many(
        tables.OrderLine.order_id, order_by=tables.OrderLine.position, doc="What was ordered."
    )
    holds: Connection[inventory.StockHold] = many(
        StockHold.order_id, order_by=StockHold.id, doc="The stock that is and was held for it."
    )
    fulfilments: Connection[fulfilment.Fulfilment] = many(
        Fulfilment.order_id, order_by=Fulfilment.id, doc="The locations that serve it, each with its part of the work."
    )
    shipments: Connection[shipments.Shipment] = many(
        Shipment.order_id, order_by=Shipment.id, doc="What was sent for it."
    )
    returns: Connection[returns.Return] = many(Return.order_id, order_by=Return.id, doc="What comes back of it.")


@node(
    tables.OrderLine,
    visibility=measures.order_line_visibility,
    sorts=("position", "quantity", "total"),
    groups=groups(
        "product",
        "tax_included",
        sums=(
            "quantity",
            "quantity_shipped",
            "quantity_returned",
            "quantity_cancelled",
            "quantity_to_ship",
            "total",
            "freight",
        ),
        averages=("unit_price",),
    ),
)
class OrderLine:
    """One product of an order: how many, at what price, and how many of them are allocated, shipped or returned."""

    order: Order = one(tables.OrderLine.order_id)
    position: int
    product: catalog.Product | None = one(tables.OrderLine.product_id)
    quantity: int
    quantity_allocated: int
    quantity_shipped: int
    quantity_returned: int
    quantity_cancelled: int
    quantity_to_ship: int = measure(measures.quantity_to_ship, filterable=True)
    quantity_returnable: int = measure(measures.quantity_returnable, filterable=True)
    unit_price: Money = money(tables.OrderLine.unit_price_amount, tables.OrderLine.currency)
    tax_included: bool
    total: Money = money(tables.OrderLine.total_amount, tables.OrderLine.currency)
    freight: Money | None = money(tables.OrderLine.freight_amount, tables.OrderLine.currency)


class OrdersQueries:
    """What may be read about orders."""

    order: Order | None = lookup(tables.Order.number)
    orders: Connection[Order] = listing(Order, "Orders and carts that you may see.")
    cart: Order | None = lookup(
        token=tables.Order.cart_token_hash, doc="The cart, or the order that became of it, which a token opens."
    )


class OrdersMutations:
    """What may be done with carts and orders."""

    cart_create = command(commands.create_cart, returns=Order)
    cart_line_set = command(commands.set_cart_line, returns=Order)
    cart_abandon = command(commands.abandon_cart, returns=Order)
    order_place = command(commands.place_order, returns=Order, moves=True)
    order_cancel = command(commands.cancel_order, returns=Order, moves=True)


class OrdersSubscriptions:
    """What may be followed about orders."""

    order_changed = follow(
        events.ORDER_EVENTS,
        shows=Order,
        key="order_id",
        by=("order_id", "customer_id", "channel_id"),
        tells=("status_before", "status_after"),
        doc="Something happened to a cart or an order: it was filled, placed, allocated, shipped, delivered or ended.",
    )


class OrdersEvents:
    """What the feed tells of orders, beside what is followed."""

    lines = part(OrderLine, of=Order)
    abandoned = alert(
        events.CartAbandoned, kind="CART_ABANDONED", doc="A cart was given up, or not touched for too long."
    )
    cancelled = alert(
        events.OrderCancelled,
        kind="CUSTOMER_CANCELLED",
        when=lambda facts: facts.get("by_staff") is False,
        doc="Whoever ordered called the order off.",
    )
    shape = untold(events.OrderEvent, because="it is the shape of the events of orders, and never happens itself")
