"""Who sees which webhooks, and what may be done with them now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, or_

from app.kernel.principal import Role
from app.kernel.transitions import allowed_in
from app.kernel.visibility import viewer, visible_through, visible_to
from app.webhooks import rules, tables


def own_endpoint(endpoint: FromClause) -> ColumnElement[bool]:
    """Whether the caller made it."""
    return or_(endpoint.c.user_id == viewer("user_id"), endpoint.c.api_key_id == viewer("api_key_id"))


endpoint_visibility = visible_to(
    Role.ADMIN, operator=own_endpoint, customer=own_endpoint, supplier=own_endpoint, carrier=own_endpoint
)
"""Administrators see all; everybody else their own."""
delivery_visibility = visible_through(tables.WebhookDelivery.endpoint_id, tables.WebhookEndpoint, endpoint_visibility)
attempt_visibility = visible_through(tables.WebhookAttempt.delivery_id, tables.WebhookDelivery, delivery_visibility)


def endpoint_actions(endpoint: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it now."""
    return allowed_in(endpoint.c.status, rules.ENDPOINT_ALLOWED)


def secret_before_until(endpoint: FromClause) -> ColumnElement[datetime | None]:
    """Until when the secret before the last rotation signs beside the present one, if there was a rotation."""
    return endpoint.c.seed_before_until


def delivery_actions(delivery: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it now."""
    return allowed_in(delivery.c.status, rules.DELIVERY_ALLOWED)
