"""What was given up, or arrived and was lost there, is sent again, under the same id; and a test may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.limits import in_force
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.webhooks import rules
from app.webhooks.commands.enqueuing import new_message_id
from app.webhooks.commands.finding import (
    CALLERS,
    EndpointStatusForbids,
    UnknownWebhookDelivery,
    UnknownWebhookEndpoint,
    lock_delivery,
    lock_endpoint,
)
from app.webhooks.tables import (
    DeliveryAction,
    DeliveryStatus,
    EndpointAction,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookEndpoint,
    WebhookEndpointId,
)

TEST_EVENT = "webhooks.test"
"""The type of a message that tells nothing but that it arrived."""
AGAIN = """
WITH chosen AS (
    SELECT delivery.id, row_number() OVER (PARTITION BY delivery.order_key ORDER BY delivery.id) AS turn, EXISTS (
        SELECT FROM webhook_deliveries AS ahead
        WHERE ahead.endpoint_id = delivery.endpoint_id AND ahead.order_key = delivery.order_key
            AND ahead.status = 'WAITING'
    ) AS waits
    FROM webhook_deliveries AS delivery
    WHERE delivery.id = ANY (CAST(:ids AS bigint[])) AND delivery.status <> 'WAITING'
)
UPDATE webhook_deliveries AS delivery
SET status = 'WAITING', settled_at = NULL, tried = 0, version = version + 1, updated_at = :now,
    due_at = CASE WHEN chosen.turn = 1 AND NOT chosen.waits THEN CAST(:now AS timestamptz) END
FROM chosen WHERE chosen.id = delivery.id
"""
"""Whoever gives this has the endpoint locked, so nothing that waits is settled meanwhile."""


class DeliveryStatusForbids(Refusal):
    """The delivery waits to be sent already."""

    status: Annotated[str, "The status that forbids it."]


@dataclass(frozen=True, kw_only=True)
class RedeliverDelivery:
    """Which delivery is sent again."""

    webhook_delivery_id: Annotated[WebhookDeliveryId, "The delivery."]


@dataclass(frozen=True, kw_only=True)
class RedeliverDead:
    """The endpoint whose dead deliveries are tried again."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]


@dataclass(frozen=True, kw_only=True)
class TestEndpoint:
    """Which endpoint is tried out."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]


@dataclass(frozen=True, kw_only=True)
class Redelivered:
    """An endpoint, and how many of its deliveries are sent again."""

    id: Annotated[WebhookEndpointId, "The endpoint."]
    redelivered: Annotated[int, "How many dead deliveries wait again; ask once more while it is as many as at once."]


@allows(CALLERS)
@refuses(UnknownWebhookDelivery, DeliveryStatusForbids)
async def redeliver_delivery(session: AsyncSession, again: RedeliverDelivery, *, by: Principal) -> WebhookDeliveryId:
    """Send one delivery again under the same `webhook-id`, showing the object as it is then."""
    _, delivery = await lock_delivery(session, again.webhook_delivery_id, by=by)
    if DeliveryAction.REDELIVER not in rules.DELIVERY_ALLOWED[delivery.status]:
        raise DeliveryStatusForbids(field="webhook_delivery_id", status=delivery.status.value)
    await _send_again(session, [delivery.id])
    return WebhookDeliveryId(delivery.id)


@allows(CALLERS)
@refuses(UnknownWebhookEndpoint, EndpointStatusForbids)
async def redeliver_dead(session: AsyncSession, again: RedeliverDead, *, by: Principal) -> Redelivered:
    """Try all dead deliveries of an endpoint again, the oldest first."""
    endpoint = await lock_endpoint(session, again.webhook_endpoint_id, EndpointAction.REDELIVER, by=by)
    dead = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.status == DeliveryStatus.DEAD)
        .order_by(WebhookDelivery.id)
        .limit(in_force().webhook_redelivered_at_once_max)
    )
    ids = list(await session.scalars(dead))
    await _send_again(session, ids)
    return Redelivered(id=WebhookEndpointId(endpoint.id), redelivered=len(ids))


@allows(CALLERS)
@refuses(UnknownWebhookEndpoint, EndpointStatusForbids)
async def test_endpoint(session: AsyncSession, trying: TestEndpoint, *, by: Principal) -> WebhookDeliveryId:
    """Send a message of the type `webhooks.test`, signed as every other, to see whether it arrives."""
    endpoint = await lock_endpoint(session, trying.webhook_endpoint_id, EndpointAction.TEST, by=by)
    return WebhookDeliveryId((await _test_delivery(session, endpoint)).id)


async def _test_delivery(session: AsyncSession, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """A delivery that is due at once and waits for no other."""
    message_id, now = new_message_id(), clock.now()
    row = WebhookDelivery(
        endpoint_id=endpoint.id,
        message_id=message_id,
        event=TEST_EVENT,
        order_key=message_id,
        occurred_at=now,
        due_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def _send_again(session: AsyncSession, ids: Sequence[int]) -> None:
    """Have deliveries of one endpoint, which is locked, wait once more, each in turn with others of its key."""
    await session.execute(text(AGAIN), {"ids": list(ids), "now": clock.now()})
