"""What webhooks do when their caller ends, and when it is time to forget what was delivered long ago."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.events import ApiKeyRevoked, UserDisabled
from app.kernel import clock
from app.kernel.limits import in_force
from app.kernel.locks import lock
from app.kernel.outbox import Event
from app.kernel.reacting import Reaction, Timer
from app.webhooks.commands import disable
from app.webhooks.tables import DeliveryStatus, DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint

FORGOTTEN_AT_ONCE = 1_000
FORGET_INTERVAL_SECONDS = 60.0
"""How often the worker looks for deliveries that are kept no longer."""


async def end_with_key(session: AsyncSession, event: ApiKeyRevoked) -> None:
    """Send nothing more to the endpoints of a key that was revoked."""
    await _end(session, WebhookEndpoint.api_key_id == event.api_key_id)


async def end_with_user(session: AsyncSession, event: UserDisabled) -> None:
    """Send nothing more to the endpoints of a user who was disabled."""
    await _end(session, WebhookEndpoint.user_id == event.user_id)


async def _end(session: AsyncSession, own: Any) -> None:
    keys = list(await session.scalars(select(WebhookEndpoint.id).where(own)))
    for endpoint in (await lock(session, WebhookEndpoint, keys)).values():
        await disable(session, endpoint, DisabledReason.CALLER_ENDED)


async def forget_old_deliveries(session: AsyncSession) -> bool:
    """Forget deliveries that ended long ago, some at a time, with their attempts; whether there may be more."""
    now, limits = clock.now(), in_force()
    arrived = WebhookDelivery.status.in_((DeliveryStatus.DELIVERED, DeliveryStatus.WITHDRAWN))
    dead = WebhookDelivery.status == DeliveryStatus.DEAD
    old = or_(
        arrived & (WebhookDelivery.settled_at < now - timedelta(hours=limits.webhook_delivered_hours_max)),
        dead & (WebhookDelivery.settled_at < now - timedelta(hours=limits.webhook_dead_hours_max)),
    )
    chosen = select(WebhookDelivery.id).where(old).limit(FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
    ids = list(await session.scalars(chosen))
    await session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(ids)))
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(ids)))
    return len(ids) == FORGOTTEN_AT_ONCE


REACTIONS: Mapping[type[Event], Reaction] = {ApiKeyRevoked: end_with_key, UserDisabled: end_with_user}
"""What is done when an event arrives."""
TIMERS: dict[Timer, float] = {forget_old_deliveries: FORGET_INTERVAL_SECONDS}
"""What the worker does when a time comes, and how many seconds may pass between two looks."""
