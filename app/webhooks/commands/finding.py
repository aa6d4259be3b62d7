"""What every command of webhooks needs: finding and locking endpoints and deliveries, and whom they act for."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.questions import caller_now
from app.access.tables import ApiKey, User
from app.kernel.limits import in_force
from app.kernel.locks import lock_one
from app.kernel.principal import EVERYONE, Principal, Role
from app.kernel.refusal import Refusal
from app.webhooks import rules
from app.webhooks.measures import delivery_visibility, endpoint_visibility
from app.webhooks.ports import Unfollowable, Wish, followable
from app.webhooks.tables import (
    EndpointAction,
    EndpointStatus,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookEndpoint,
    WebhookEndpointId,
)

CALLERS = EVERYONE - {Role.ANONYMOUS}
"""Who may have webhooks: everybody whom we know."""


class UnknownWebhookEndpoint(Refusal):
    """There is no such webhook endpoint, or you may not see it."""


class UnknownWebhookDelivery(Refusal):
    """There is no such webhook delivery, or you may not see it."""


class EndpointStatusForbids(Refusal):
    """The endpoint's status does not allow this; `allowedActions` of the endpoint tells what it allows."""

    status: Annotated[str, "The status that forbids it."]


class CallerEnded(Refusal):
    """The user or API key that the endpoint acts for may no longer call; make the endpoint anew as somebody else."""


class InvalidSubscription(Refusal):
    """This cannot be followed; the message says why."""


class TooManyEndpoints(Refusal):
    """You have as many active webhook endpoints as one caller may have; disable or change one of them instead."""

    limit: Annotated[int, "How many there may be."]


async def lock_endpoint(
    session: AsyncSession, endpoint_id: WebhookEndpointId, action: EndpointAction, *, by: Principal
) -> WebhookEndpoint:
    """The endpoint, locked for `action`; refused where it is unknown or its status forbids the action."""
    found = await lock_one(session, WebhookEndpoint, endpoint_id, by=by, visibility=endpoint_visibility)
    if found is None:
        raise UnknownWebhookEndpoint(field="webhook_endpoint_id")
    if action not in rules.ENDPOINT_ALLOWED[found.status]:
        raise EndpointStatusForbids(field="webhook_endpoint_id", status=found.status.value)
    return found


async def lock_delivery(
    session: AsyncSession, delivery_id: WebhookDeliveryId, *, by: Principal
) -> tuple[WebhookEndpoint, WebhookDelivery]:
    """A delivery and its endpoint, which is locked first, as everywhere; refused where it is unknown."""
    endpoint_id = await session.scalar(select(WebhookDelivery.endpoint_id).where(WebhookDelivery.id == delivery_id))
    endpoint = await lock_one(session, WebhookEndpoint, endpoint_id or 0, by=by, visibility=endpoint_visibility)
    found = await lock_one(session, WebhookDelivery, delivery_id, by=by, visibility=delivery_visibility)
    if endpoint is None or found is None:
        raise UnknownWebhookDelivery(field="webhook_delivery_id")
    return endpoint, found


async def require_followable(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Check that the caller for whom an endpoint acts may follow what it asks for."""
    caller = await caller_now(session, user_id=endpoint.user_id, api_key_id=endpoint.api_key_id)
    if caller is None:
        raise CallerEnded
    try:
        followable.part(wish_of(endpoint), caller)
    except Unfollowable as refused:
        raise InvalidSubscription(str(refused), field="document") from None


async def require_room(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Check that the caller for whom an endpoint acts may have one more that is active.

    The caller is locked, so that two at once are not both the last.
    """
    if endpoint.user_id is not None:
        await lock_one(session, User, endpoint.user_id)
        own = WebhookEndpoint.user_id == endpoint.user_id
    else:
        await lock_one(session, ApiKey, endpoint.api_key_id or 0)
        own = WebhookEndpoint.api_key_id == endpoint.api_key_id
    active = select(func.count()).where(own, WebhookEndpoint.status == EndpointStatus.ACTIVE)
    found, limit = await session.scalar(active) or 0, in_force().webhook_endpoints_per_caller_max
    if found >= limit:
        raise TooManyEndpoints(f"There are {found} active webhook endpoints; the limit is {limit}.", limit=limit)


def wish_of(endpoint: WebhookEndpoint) -> Wish:
    """What an endpoint asks to be told."""
    return Wish(endpoint.document, endpoint.operation_name, endpoint.variables)
