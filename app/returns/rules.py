"""Rules of returns: what may be done when, how many pieces may come back, and how much may be refunded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.kernel.money import CurrencyCode, rounded
from app.returns.tables import ReturnAction, ReturnStatus

ALLOWED: Mapping[ReturnStatus, frozenset[ReturnAction]] = {
    ReturnStatus.REQUESTED: frozenset({ReturnAction.APPROVE, ReturnAction.REJECT}),
    ReturnStatus.APPROVED: frozenset({ReturnAction.RECEIVE, ReturnAction.CLOSE}),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.RECEIVED: frozenset({ReturnAction.DISPOSE}),
    ReturnStatus.DISPOSED: frozenset({ReturnAction.REFUND, ReturnAction.CLOSE}),
    ReturnStatus.REFUNDED: frozenset({ReturnAction.REFUND}),
    ReturnStatus.CLOSED: frozenset(),
}
"""What may be done with a return, by its status. A refund may be paid in parts."""


@dataclass(frozen=True, kw_only=True)
class PaidLine:
    """What was paid for an order line, and how many of its pieces came back."""

    unit_price: Decimal
    quantity_received: int


def may(action: ReturnAction, status: ReturnStatus) -> bool:
    """Whether `action` may be done with a return in `status`."""
    return action in ALLOWED[status]


def returnable(delivered: int, claimed: int) -> int:
    """How many pieces of an order line may still be sent back: those delivered that no other return claims."""
    return max(0, delivered - claimed)


def refundable(lines: Iterable[PaidLine], *, tax_rate: Decimal, refunded: Decimal, currency: CurrencyCode) -> Decimal:
    """How much may still go back: what the received pieces cost with the order's tax on top, less earlier refunds."""
    paid = sum((line.unit_price * line.quantity_received for line in lines), Decimal(0))
    return max(Decimal(0), rounded(paid * (1 + tax_rate), currency) - refunded)


def tax_rate(*, subtotal: Decimal, tax: Decimal) -> Decimal:
    """The share of tax that an order added to its subtotal; nothing where it has no subtotal."""
    return tax / subtotal if subtotal else Decimal(0)
