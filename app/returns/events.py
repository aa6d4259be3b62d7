"""What happened to returns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from app.kernel.outbox import Event
from app.returns.tables import ReturnStatus

KEYS = ("return_id", "order_id", "customer_id")


@dataclass(frozen=True, kw_only=True)
class ReturnFacts:
    """What every event of a return tells."""

    return_id: int
    order_id: int
    customer_id: int | None
    status_before: Annotated[ReturnStatus | None, "The return's status before; null where it began."]
    status_after: Annotated[ReturnStatus, "The return's status after."]


@dataclass(frozen=True, kw_only=True)
class ReturnRequested(ReturnFacts, Event, name="returns.return_requested", keys=KEYS):
    """A customer asked to send goods back."""


@dataclass(frozen=True, kw_only=True)
class ReturnApproved(ReturnFacts, Event, name="returns.return_approved", keys=KEYS):
    """A return was agreed to."""


@dataclass(frozen=True, kw_only=True)
class ReturnRejected(ReturnFacts, Event, name="returns.return_rejected", keys=KEYS):
    """A return was not agreed to."""


@dataclass(frozen=True, kw_only=True)
class ReturnReceived(ReturnFacts, Event, name="returns.return_received", keys=(*KEYS, "location_id")):
    """The goods of a return arrived."""

    location_id: int
    pieces: int


@dataclass(frozen=True, kw_only=True)
class ReturnDisposed(ReturnFacts, Event, name="returns.return_disposed", keys=KEYS):
    """It was decided what becomes of goods that came back."""

    pieces: int


@dataclass(frozen=True, kw_only=True)
class RefundRecorded(ReturnFacts, Event, name="returns.refund_recorded", keys=(*KEYS, "refund_id")):
    """Money went back for a return."""

    refund_id: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class ReturnClosed(ReturnFacts, Event, name="returns.return_closed", keys=KEYS):
    """A return ended without a refund."""


RETURN_CHANGES = (
    ReturnRequested,
    ReturnApproved,
    ReturnRejected,
    ReturnReceived,
    ReturnDisposed,
    RefundRecorded,
    ReturnClosed,
)
"""Every event that changes a return."""
