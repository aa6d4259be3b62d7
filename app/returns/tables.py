"""Rows of what comes back: returns, their lines and the refunds for them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NewType

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index

ReturnId = NewType("ReturnId", int)
ReturnLineId = NewType("ReturnLineId", int)
RefundId = NewType("RefundId", int)


class ReturnStatus(Choice):
    """How far a return is."""

    REQUESTED = "REQUESTED", "The customer wants to send goods back and waits for our answer."
    APPROVED = "APPROVED", "We agreed; the goods may be sent."
    REJECTED = "REJECTED", "We did not agree; the reason is told."
    RECEIVED = "RECEIVED", "The goods are with us and wait for inspection."
    DISPOSED = "DISPOSED", "It was decided what becomes of each piece."
    REFUNDED = "REFUNDED", "Money went back to the customer."
    CLOSED = "CLOSED", "It ended without a refund."


class ReturnAction(Choice):
    """What may be done with a return."""

    APPROVE = "APPROVE", "Agree to it."
    REJECT = "REJECT", "Refuse it, with the reason."
    RECEIVE = "RECEIVE", "Record that the goods arrived."
    DISPOSE = "DISPOSE", "Decide what becomes of the goods."
    REFUND = "REFUND", "Record that money went back."
    CLOSE = "CLOSE", "End it without a refund."


class ReturnReason(Choice):
    """Why the customer sends goods back."""

    CHANGED_MIND = "CHANGED_MIND", "The customer does not want it any more."
    WRONG_SIZE = "WRONG_SIZE", "It does not fit."
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED", "It is not what the shop said it is."
    WRONG_ITEM = "WRONG_ITEM", "Another thing came than was ordered."
    DAMAGED = "DAMAGED", "It arrived damaged."
    DEFECTIVE = "DEFECTIVE", "It does not work."
    ARRIVED_LATE = "ARRIVED_LATE", "It came too late to be of use."
    OTHER = "OTHER", "Another reason, told in the note."


class ReturnCondition(Choice):
    """What inspection found."""

    NEW = "NEW", "As sold: unopened and complete."
    OPENED = "OPENED", "Opened, and good to sell."
    USED = "USED", "Used."
    DAMAGED = "DAMAGED", "Damaged."
    DEFECTIVE = "DEFECTIVE", "It does not work."


class Disposition(Choice):
    """What becomes of returned goods."""

    RESTOCK = "RESTOCK", "They go back on sale where they were received."
    QUARANTINE = "QUARANTINE", "They are kept apart until somebody decides."
    REPAIR = "REPAIR", "They are repaired before anything else is decided."
    RETURN_TO_SUPPLIER = "RETURN_TO_SUPPLIER", "They go back to who supplied them."
    SCRAP = "SCRAP", "They are destroyed."


class RefundMethod(Choice):
    """How money went back."""

    ORIGINAL_PAYMENT = "ORIGINAL_PAYMENT", "By the way it was paid."
    BANK_TRANSFER = "BANK_TRANSFER", "To a bank account that the customer named."
    STORE_CREDIT = "STORE_CREDIT", "As credit for later purchases."
    CASH = "CASH", "In cash, at a counter."


class Return(Row):
    """Goods of an order that a customer sends back. People call its number the RMA."""

    __tablename__ = "returns"
    __table_args__ = (
        search_index("returns", "number"),
        Index("ix_returns_created_at_id", "created_at", "id"),
        Index("ix_returns_received_at_id", "received_at", "id"),
        Index("ix_returns_status_id", "status", "id"),
        Index("ix_returns_customer_id_id", "customer_id", "id"),
    )

    number: Mapped[str] = mapped_column(
        SORTED,
        Computed("'RMA-'::text || (id + 10000000)::text", persisted=True),
        unique=True,
        doc="The number the customer writes on the parcel, such as `RMA-10000042`.",
    )
    order_id: Mapped[int] = reference("orders.id", doc="The order the goods were bought with.")
    customer_id: Mapped[int | None] = reference("customers.id", index=False, doc="Who sends them, where that is known.")
    status: Mapped[ReturnStatus] = choice(ReturnStatus, default=ReturnStatus.REQUESTED, doc="How far it is.")
    reason: Mapped[ReturnReason] = choice(ReturnReason, doc="Why the customer sends the goods back.")
    note: Mapped[str | None] = mapped_column(doc="What the customer wrote.")
    rejection_reason: Mapped[str | None] = mapped_column(doc="Why we did not agree, as the customer is told.")
    location_id: Mapped[int | None] = reference("locations.id", doc="Where the goods arrived.")
    approved_at: Mapped[datetime | None] = mapped_column(doc="When we agreed.")
    received_at: Mapped[datetime | None] = mapped_column(doc="When the goods arrived.")
    disposed_at: Mapped[datetime | None] = mapped_column(doc="When it was decided what becomes of the last piece.")
    closed_at: Mapped[datetime | None] = mapped_column(doc="When it ended: refunded, rejected or closed.")


class ReturnLine(Row):
    """How much of one order line comes back, and what becomes of it."""

    __tablename__ = "return_lines"
    __table_args__ = (
        UniqueConstraint("return_id", "order_line_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("quantity_received between 0 and quantity", name="received_within_quantity"),
    )

    return_id: Mapped[int] = reference("returns.id", index=False, doc="The return it belongs to.")
    order_line_id: Mapped[int] = reference("order_lines.id", doc="The order line it was bought with.")
    product_id: Mapped[int] = reference("products.id", doc="What comes back.")
    quantity: Mapped[int] = mapped_column(doc="Pieces that the customer wants to send back.")
    quantity_received: Mapped[int] = mapped_column(default=0, server_default="0", doc="Pieces that arrived.")
    condition: Mapped[ReturnCondition | None] = choice(ReturnCondition, doc="What inspection found.", nullable=True)
    disposition: Mapped[Disposition | None] = choice(Disposition, doc="What becomes of the pieces.", nullable=True)


class Refund(Row):
    """Money that went back to a customer for a return. Refunds are only ever added."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        Index("ix_refunds_recorded_at_id", "recorded_at", "id"),
        Index("ix_refunds_amount_id", "amount", "id"),
    )

    return_id: Mapped[int] = reference("returns.id", doc="The return it pays for.")
    order_id: Mapped[int] = reference("orders.id", doc="The order the goods were bought with.")
    amount: Mapped[Decimal] = mapped_column(doc="How much went back.")
    currency: Mapped[str] = mapped_column(doc="The currency of the amount, by ISO 4217.")
    method: Mapped[RefundMethod] = choice(
        RefundMethod, default=RefundMethod.ORIGINAL_PAYMENT, doc="How the money went back."
    )
    reference: Mapped[str | None] = mapped_column(doc="What the bank or payment provider calls it.")
    recorded_at: Mapped[datetime] = mapped_column(default=clock.now, doc="When the money went back.")
