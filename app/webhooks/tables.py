"""Rows of webhooks: endpoints, what is to be delivered to them, and every attempt to."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference

WebhookEndpointId = NewType("WebhookEndpointId", int)
WebhookDeliveryId = NewType("WebhookDeliveryId", int)


class EndpointStatus(Choice):
    """Whether anything is delivered to a webhook's endpoint."""

    ACTIVE = "ACTIVE", "It is told what happens."
    DISABLED = "DISABLED", "Nothing is sent to it; what waits is kept, and what happens meanwhile is not noted."


class DisabledReason(Choice):
    """Why a webhook's endpoint is disabled."""

    ASKED = "ASKED", "Somebody disabled it."
    GONE = "GONE", "Its receiver answered 410 Gone."
    FAILING = "FAILING", "Every attempt failed for days."
    CALLER_ENDED = "CALLER_ENDED", "Its user was disabled, or its API key was revoked or expired."
    FORBIDDEN = "FORBIDDEN", "Its caller may no longer follow what it asks for, or nobody can."
    MISSED = "MISSED", "Events that it was to begin with are no longer kept."


class EndpointAction(Choice):
    """What may be done with a webhook's endpoint."""

    UPDATE = "UPDATE", "Change its name, address or subscription."
    DISABLE = "DISABLE", "Send it nothing more for now."
    ENABLE = "ENABLE", "Send to it again."
    TEST = "TEST", "Send it a message to try it out."
    ROTATE_SECRET = "ROTATE_SECRET", "Give it another secret; the one before is good for a while."
    REDELIVER = "REDELIVER", "Try its dead deliveries again."


class DeliveryStatus(Choice):
    """What became of one event for one endpoint."""

    WAITING = "WAITING", "It is to be sent, or sent again."
    DELIVERED = "DELIVERED", "The receiver took it."
    DEAD = "DEAD", "The last attempt failed, and nothing more is tried by itself."
    WITHDRAWN = (
        "WITHDRAWN",
        "It was not sent, for what it shows was hidden from its caller by then, or unasked.",
    )


class DeliveryAction(Choice):
    """What may be done with a delivery."""

    REDELIVER = "REDELIVER", "Send it again."


class WebhookEndpoint(Row):
    """Where a partner's program is told what happens, what of it, and in which words."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, api_key_id) = 1", name="acts_for_one"),
        CheckConstraint("(status = 'DISABLED') = (disabled_reason IS NOT NULL)", name="disabled_for_a_reason"),
    )
    few = True

    name: Mapped[str] = mapped_column(SORTED, doc="What it is for.")
    url: Mapped[str] = mapped_column(doc="The address that is called.")
    document: Mapped[str] = mapped_column(
        doc="The GraphQL subscription: its arguments are the filter, its selection is the body."
    )
    operation_name: Mapped[str | None] = mapped_column(doc="Which operation of the document, where it has several.")
    variables: Mapped[str | None] = mapped_column(doc="The values of the document's variables, as a JSON object.")
    user_id: Mapped[int | None] = reference("users.id", doc="The user for whom it sees.")
    api_key_id: Mapped[int | None] = reference("api_keys.id", doc="The API key for which it sees.")
    status: Mapped[EndpointStatus] = choice(
        EndpointStatus, default=EndpointStatus.ACTIVE, doc="Whether anything is delivered."
    )
    disabled_reason: Mapped[DisabledReason | None] = choice(DisabledReason, doc="Why it is disabled, if it is.")
    disabled_at: Mapped[datetime | None] = mapped_column(doc="When it was disabled, if it is.")
    failing_since: Mapped[datetime | None] = mapped_column(
        doc="When the first of all the attempts failed that were made since one succeeded."
    )
    delivered_at: Mapped[datetime | None] = mapped_column(doc="When something was delivered to it last.")
    begins_after: Mapped[str | None] = mapped_column(doc="The cursor after which it was asked to begin.")
    seed: Mapped[bytes] = mapped_column(LargeBinary, doc="Random bytes of which its secret is made.")
    seed_before: Mapped[bytes | None] = mapped_column(LargeBinary, doc="Those of the secret before, while it is good.")
    seed_before_until: Mapped[datetime | None] = mapped_column(
        doc="Until when the secret before the last rotation signs too, if there was one."
    )


class WebhookDelivery(Row):
    """One event that is told, or was, to one endpoint."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        CheckConstraint("(status = 'WAITING') = (settled_at IS NULL)", name="settled_unless_waiting"),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'WAITING' AND due_at IS NOT NULL"),
        ),
        Index(
            "ix_webhook_deliveries_order",
            "endpoint_id",
            "order_key",
            "id",
            postgresql_where=text("status = 'WAITING'"),
        ),
        Index(None, "endpoint_id", "id"),
        Index(None, "endpoint_id", "status", "id"),
        Index(None, "status", "settled_at", "id"),
    )

    endpoint_id: Mapped[int] = reference("webhook_endpoints.id", index=False, doc="The endpoint that it is for.")
    message_id: Mapped[str] = mapped_column(
        SORTED,
        unique=True,
        doc="What the header `webhook-id` tells: the same in every attempt, and in no other.",
    )
    event: Mapped[str] = mapped_column(SORTED, doc="What kind of event it tells, such as `orders.order_placed`.")
    event_id: Mapped[int | None] = mapped_column(BigInteger, doc="The event in the outbox; a test has none.")
    position: Mapped[int | None] = mapped_column(BigInteger, doc="Where the event stands in the log.")
    order_key: Mapped[str] = mapped_column(SORTED, doc="Deliveries of one endpoint with the same are sent in turn.")
    occurred_at: Mapped[datetime] = mapped_column(doc="When the event happened.")
    status: Mapped[DeliveryStatus] = choice(
        DeliveryStatus, default=DeliveryStatus.WAITING, doc="What became of it so far."
    )
    due_at: Mapped[datetime | None] = mapped_column(
        doc="When it is tried next; null while it waits for another before it, and once it is settled."
    )
    attempt_count: Mapped[int] = mapped_column(default=0, server_default="0", doc="How often it was tried in all.")
    tried: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="How often it was tried since it was first or last to be sent."
    )
    settled_at: Mapped[datetime | None] = mapped_column(
        doc="When it was delivered, withdrawn, or given up for dead; null while it waits."
    )


class WebhookAttempt(Row):
    """One attempt to deliver, and what came of it."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)

    delivery_id: Mapped[int] = reference("webhook_deliveries.id", index=False, doc="What was to be delivered.")
    number: Mapped[int] = mapped_column(doc="The how-manieth attempt it was, from 1 on.")
    attempted_at: Mapped[datetime] = mapped_column(doc="When it began.")
    http_status: Mapped[int | None] = mapped_column(doc="The status that the receiver answered with, if it answered.")
    milliseconds: Mapped[int | None] = mapped_column(
        doc="How long it took; null while it is under way, and for good where its worker ended with it."
    )
    error: Mapped[str | None] = mapped_column(doc="Why it failed, in words; null where it succeeded or is under way.")
