"""What may be done with an order in each of its states, and what its lines come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from app.kernel.choice import Choice
from app.kernel.money import AMOUNT_MAX, CurrencyCode, rounded
from app.orders.tables import OrderLine, OrderStatus


class OrderAction(Choice):
    """What may be done with an order."""

    SET_LINE = "SET_LINE", "Put products in, change how many there are, or take them out."
    PLACE = "PLACE", "Ask for what the cart holds."
    ABANDON = "ABANDON", "Give the cart up."
    ALLOCATE = "ALLOCATE", "Give its lines the locations to ship from."
    SHIP = "SHIP", "Send pieces to the customer."
    DELIVER = "DELIVER", "Say that the last piece arrived."
    RETURN = "RETURN", "Take pieces back."
    CANCEL = "CANCEL", "Call the order off."


ALLOWED: Mapping[OrderStatus, frozenset[OrderAction]] = {
    OrderStatus.CART: frozenset({OrderAction.SET_LINE, OrderAction.PLACE, OrderAction.ABANDON}),
    OrderStatus.PLACED: frozenset({OrderAction.ALLOCATE, OrderAction.CANCEL}),
    OrderStatus.PARTIALLY_ALLOCATED: frozenset({OrderAction.ALLOCATE, OrderAction.SHIP, OrderAction.CANCEL}),
    OrderStatus.ALLOCATED: frozenset({OrderAction.ALLOCATE, OrderAction.SHIP, OrderAction.CANCEL}),
    OrderStatus.PARTIALLY_SHIPPED: frozenset({OrderAction.ALLOCATE, OrderAction.SHIP, OrderAction.RETURN}),
    OrderStatus.SHIPPED: frozenset({OrderAction.DELIVER, OrderAction.RETURN}),
    OrderStatus.DELIVERED: frozenset({OrderAction.RETURN}),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.ABANDONED: frozenset(),
}
"""What may be done with an order in each of its states."""


def subtotal(lines: Iterable[OrderLine], currency: CurrencyCode) -> Decimal:
    """What the lines come to, rounded once to what the currency can pay."""
    return rounded(sum((line.unit_price_amount * line.quantity for line in lines), Decimal(0)), currency)


def is_payable(amount: Decimal) -> bool:
    """Whether an amount is small enough to be kept."""
    return amount < AMOUNT_MAX


def progress(lines: Iterable[OrderLine]) -> OrderStatus:
    """How far a placed order has come by what its lines were allocated and shipped."""
    wanted = allocated = shipped = 0
    for line in lines:
        wanted += line.quantity - line.quantity_cancelled
        allocated += line.quantity_allocated
        shipped += line.quantity_shipped
    if shipped:
        return OrderStatus.SHIPPED if shipped == wanted else OrderStatus.PARTIALLY_SHIPPED
    if allocated == wanted:
        return OrderStatus.ALLOCATED
    return OrderStatus.PARTIALLY_ALLOCATED if allocated else OrderStatus.PLACED
