"""What happened to carts and orders. All tell the order, its customer, and its state before and after."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.kernel.outbox import Event
from app.orders.tables import OrderStatus

KEYS = ("order_id", "customer_id")


@dataclass(frozen=True, kw_only=True)
class OrderEvent(Event, name="orders.order_event", keys=KEYS):
    """Something happened to an order; this is the shape that all its events share, and is never recorded itself."""

    order_id: int
    number: str
    customer_id: int | None
    channel_id: int
    status_before: OrderStatus | None
    status_after: OrderStatus


@dataclass(frozen=True, kw_only=True)
class CartCreated(OrderEvent, name="orders.cart_created", keys=KEYS):
    """Somebody began a cart."""


@dataclass(frozen=True, kw_only=True)
class CartLineSet(OrderEvent, name="orders.cart_line_set", keys=KEYS):
    """Somebody put a product into a cart, said how many there are, or took it out; the cart lives on from now."""

    product_id: int
    quantity_before: int
    quantity_after: int


@dataclass(frozen=True, kw_only=True)
class CartAbandoned(OrderEvent, name="orders.cart_abandoned", keys=KEYS):
    """A cart was given up, or not touched for too long."""


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(OrderEvent, name="orders.order_placed", keys=KEYS):
    """A customer placed an order; its stock is held."""

    total_amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderAllocated(OrderEvent, name="orders.order_allocated", keys=KEYS):
    """Lines of an order were given locations to ship from, or lost them again where the quantity is negative."""

    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrderShipped(OrderEvent, name="orders.order_shipped", keys=KEYS):
    """Pieces of an order left for the customer."""

    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrderDelivered(OrderEvent, name="orders.order_delivered", keys=KEYS):
    """The last piece of an order arrived."""


@dataclass(frozen=True, kw_only=True)
class OrderReturned(OrderEvent, name="orders.order_returned", keys=KEYS):
    """Pieces of an order came back."""

    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(OrderEvent, name="orders.order_cancelled", keys=KEYS):
    """An order was called off before anything was shipped."""

    reason: str | None
    by_staff: bool


ORDER_EVENTS: tuple[type[OrderEvent], ...] = (
    OrderPlaced,
    OrderAllocated,
    OrderShipped,
    OrderDelivered,
    OrderReturned,
    OrderCancelled,
    CartCreated,
    CartLineSet,
    CartAbandoned,
)
"""Everything that changes an order, to follow it as a whole."""
