"""Endpoints are disabled, by hand or where nothing can be delivered any more, and enabled again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.outbox import record
from app.kernel.principal import SYSTEM, Principal
from app.kernel.refusal import allows, refuses
from app.webhooks import events
from app.webhooks.commands.beginning import CursorExpired, begin, leave
from app.webhooks.commands.endpoints import CURSOR
from app.webhooks.commands.finding import (
    CALLERS,
    CallerEnded,
    EndpointStatusForbids,
    InvalidSubscription,
    TooManyEndpoints,
    UnknownWebhookEndpoint,
    lock_endpoint,
    require_followable,
    require_room,
)
from app.webhooks.tables import DisabledReason, EndpointAction, EndpointStatus, WebhookEndpoint, WebhookEndpointId


@dataclass(frozen=True, kw_only=True)
class DisableEndpoint:
    """Which endpoint is sent nothing more for now."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]


@dataclass(frozen=True, kw_only=True)
class EnableEndpoint:
    """Which endpoint is sent to again."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]
    start_after: Annotated[
        str | None,
        "Go on after this cursor, such as the last message that arrived has; else what happened meanwhile is left out.",
        CURSOR,
    ] = None


@allows(CALLERS)
@refuses(UnknownWebhookEndpoint, EndpointStatusForbids)
async def disable_endpoint(session: AsyncSession, disabling: DisableEndpoint, *, by: Principal) -> WebhookEndpointId:
    """Send nothing more to an endpoint until it is enabled; what waits is kept."""
    row = await lock_endpoint(session, disabling.webhook_endpoint_id, EndpointAction.DISABLE, by=by)
    await disable(session, row, DisabledReason.ASKED, by=by)
    return WebhookEndpointId(row.id)


@allows(CALLERS)
@refuses(
    UnknownWebhookEndpoint, EndpointStatusForbids, InvalidSubscription, CallerEnded, CursorExpired, TooManyEndpoints
)
async def enable_endpoint(session: AsyncSession, enabling: EnableEndpoint, *, by: Principal) -> WebhookEndpointId:
    """Send to an endpoint again: first what waits, then what happens from now on or after a cursor."""
    row = await lock_endpoint(session, enabling.webhook_endpoint_id, EndpointAction.ENABLE, by=by)
    await require_room(session, row)
    await require_followable(session, row)
    row.status, row.disabled_reason, row.disabled_at = EndpointStatus.ACTIVE, None, None
    row.failing_since = None
    await begin(session, row, enabling.start_after)
    await session.flush()
    record(session, events.WebhookEndpointEnabled(webhook_endpoint_id=row.id), by=by)
    return WebhookEndpointId(row.id)


async def disable(
    session: AsyncSession, endpoint: WebhookEndpoint, reason: DisabledReason, *, by: Principal = SYSTEM
) -> None:
    """Send nothing more to an endpoint, which is locked; one that is disabled already keeps its reason."""
    if endpoint.status is EndpointStatus.DISABLED:
        return
    endpoint.status, endpoint.disabled_reason, endpoint.disabled_at = EndpointStatus.DISABLED, reason, clock.now()
    await leave(session, endpoint.id)
    await session.flush()
    event = events.WebhookEndpointDisabled(webhook_endpoint_id=endpoint.id, reason=reason)
    record(session, event, by=by)
