"""Secrets are rotated: for a while messages are signed by the new one and the one before, so that nobody must hurry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.identity import random_bytes
from app.kernel.limits import in_force
from app.kernel.outbox import record
from app.kernel.principal import Principal
from app.kernel.refusal import allows, refuses
from app.webhooks import events, ports, rules
from app.webhooks.commands.finding import CALLERS, EndpointStatusForbids, UnknownWebhookEndpoint, lock_endpoint
from app.webhooks.tables import EndpointAction, WebhookEndpoint, WebhookEndpointId


@dataclass(frozen=True, kw_only=True)
class RotateSecret:
    """Which endpoint gets another secret."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]


@dataclass(frozen=True, kw_only=True)
class RotatedSecret:
    """An endpoint with its new secret, which is told once."""

    id: Annotated[WebhookEndpointId, "The endpoint."]
    secret: Annotated[
        str, "What signs its messages from now on; the one before signs beside it until `secretBeforeUntil`."
    ] = field(repr=False)


@allows(CALLERS)
@refuses(UnknownWebhookEndpoint, EndpointStatusForbids)
async def rotate_secret(session: AsyncSession, rotating: RotateSecret, *, by: Principal) -> RotatedSecret:
    """Give an endpoint another secret; messages have both signatures for a day, and one from before is good no more."""
    row = await lock_endpoint(session, rotating.webhook_endpoint_id, EndpointAction.ROTATE_SECRET, by=by)
    row.seed_before, row.seed = row.seed, random_bytes(rules.SEED_BYTES)
    row.seed_before_until = clock.now() + timedelta(hours=in_force().webhook_secret_overlap_hours)
    await session.flush()
    record(session, events.WebhookSecretRotated(webhook_endpoint_id=row.id), by=by)
    return RotatedSecret(id=WebhookEndpointId(row.id), secret=ports.secrets.part.shown(row.seed))


def seeds_of(endpoint: WebhookEndpoint) -> list[bytes]:
    """The random bytes of the secrets that sign an endpoint's messages now, the present one first."""
    before, until = endpoint.seed_before, endpoint.seed_before_until
    overlaps = before is not None and until is not None and clock.now() < until
    return [endpoint.seed, *([before] if before is not None and overlaps else [])]
