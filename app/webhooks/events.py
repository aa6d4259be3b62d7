"""What happens to webhooks themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from app.kernel.outbox import Event
from app.webhooks.tables import DisabledReason

KEYS = ("webhook_endpoint_id",)


@dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """What every event of an endpoint tells."""

    webhook_endpoint_id: int
    reason: Annotated[DisabledReason | None, "Why it was disabled, where it was."] = None


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointCreated(EndpointFacts, Event, name="webhooks.endpoint_created", keys=KEYS):
    """An endpoint was made, and follows from now on."""


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointUpdated(EndpointFacts, Event, name="webhooks.endpoint_updated", keys=KEYS):
    """An endpoint has another name, address or subscription."""


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointDisabled(EndpointFacts, Event, name="webhooks.endpoint_disabled", keys=KEYS):
    """Nothing is sent to an endpoint any more."""


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointEnabled(EndpointFacts, Event, name="webhooks.endpoint_enabled", keys=KEYS):
    """An endpoint is sent to again."""


@dataclass(frozen=True, kw_only=True)
class WebhookSecretRotated(EndpointFacts, Event, name="webhooks.secret_rotated", keys=KEYS):
    """An endpoint has another secret."""


ENDPOINT_CHANGES = (
    WebhookEndpointCreated,
    WebhookEndpointUpdated,
    WebhookEndpointDisabled,
    WebhookEndpointEnabled,
    WebhookSecretRotated,
)
"""Every event of an endpoint itself."""
