"""Webhooks in the graph: endpoints, what is delivered to them, and every attempt to."""

from __future__ import annotations

from datetime import datetime

from app.webhooks import commands, events, measures, tables
from schema import access
from schema.language import Connection, command, follow, groups, listing, lookup, many, measure, node, one


@node(
    tables.WebhookEndpoint,
    visibility=measures.endpoint_visibility,
    sorts=("name", "created_at"),
    groups=groups("status", "disabled_reason"),
)
class WebhookEndpoint:
    """Where a partner's program is told what happens, what of it, and in which words."""

    name: str
    url: str
    document: str
    operation_name: str | None
    variables: str | None
    status: tables.EndpointStatus
    allowed_actions: list[tables.EndpointAction] = measure(measures.endpoint_actions)
    disabled_reason: tables.DisabledReason | None
    disabled_at: datetime | None
    failing_since: datetime | None
    delivered_at: datetime | None
    begins_after: str | None
    secret_before_until: datetime | None = measure(measures.secret_before_until)
    user: access.User | None = one(tables.WebhookEndpoint.user_id)
    api_key: access.ApiKey | None = one(tables.WebhookEndpoint.api_key_id)
    deliveries: Connection[WebhookDelivery] = many(
        tables.WebhookDelivery.endpoint_id, order_by=tables.WebhookDelivery.id, doc="What it was told, or is to be."
    )


@node(
    tables.WebhookDelivery,
    visibility=measures.delivery_visibility,
    groups=groups("status", "event", "endpoint", "created_at", spans=("settled_at",)),
)
class WebhookDelivery:
    """One event that is told, or was, to one endpoint."""

    endpoint: WebhookEndpoint = one(tables.WebhookDelivery.endpoint_id)
    message_id: str
    event: str
    occurred_at: datetime
    status: tables.DeliveryStatus
    allowed_actions: list[tables.DeliveryAction] = measure(measures.delivery_actions)
    due_at: datetime | None
    attempt_count: int
    settled_at: datetime | None
    attempts: Connection[WebhookAttempt] = many(
        tables.WebhookAttempt.delivery_id, order_by=tables.WebhookAttempt.id, doc="How often it was tried, and how."
    )


@node(tables.WebhookAttempt, visibility=measures.attempt_visibility)
class WebhookAttempt:
    """One attempt to deliver, and what came of it."""

    delivery: WebhookDelivery = one(tables.WebhookAttempt.delivery_id)
    number: int
    attempted_at: datetime
    http_status: int | None
    milliseconds: int | None
    error: str | None


class WebhooksQueries:
    """What may be read about webhooks."""

    webhook_endpoint: WebhookEndpoint | None = lookup()
    webhook_endpoints: Connection[WebhookEndpoint] = listing(
        WebhookEndpoint, "Webhook endpoints that you may see: your own, and all of them as an administrator."
    )
    webhook_delivery: WebhookDelivery | None = lookup(tables.WebhookDelivery.message_id)
    webhook_deliveries: Connection[WebhookDelivery] = listing(
        WebhookDelivery, "What your webhook endpoints were told, or are to be."
    )


class WebhooksMutations:
    """What may be done with webhooks."""

    webhook_endpoint_create = command(commands.create_endpoint, returns=WebhookEndpoint)
    webhook_endpoint_update = command(commands.update_endpoint, returns=WebhookEndpoint)
    webhook_endpoint_disable = command(commands.disable_endpoint, returns=WebhookEndpoint)
    webhook_endpoint_enable = command(commands.enable_endpoint, returns=WebhookEndpoint)
    webhook_endpoint_rotate_secret = command(commands.rotate_secret, returns=WebhookEndpoint)
    webhook_endpoint_test = command(commands.test_endpoint, returns=WebhookDelivery)
    webhook_endpoint_redeliver = command(commands.redeliver_dead, returns=WebhookEndpoint)
    webhook_delivery_redeliver = command(commands.redeliver_delivery, returns=WebhookDelivery)


class WebhooksSubscriptions:
    """What may be followed about webhooks."""

    webhook_endpoint_changed = follow(
        events.ENDPOINT_CHANGES,
        shows=WebhookEndpoint,
        key="webhook_endpoint_id",
        by=("webhook_endpoint_id",),
        tells=("reason",),
        doc="A webhook endpoint was made, changed, disabled or enabled, or has another secret.",
    )
