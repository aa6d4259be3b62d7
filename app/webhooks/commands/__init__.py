"""What is done with webhooks: endpoints are made, changed and switched, and what happens is delivered to them."""

from app.webhooks.commands.beginning import READER, CursorExpired, leave, reader_name
from app.webhooks.commands.claiming import Claimed, claim
from app.webhooks.commands.endpoints import (
    CreateEndpoint,
    NewEndpoint,
    UnreachableUrl,
    UpdateEndpoint,
    create_endpoint,
    update_endpoint,
)
from app.webhooks.commands.enqueuing import Due, enqueue
from app.webhooks.commands.finding import (
    CallerEnded,
    EndpointStatusForbids,
    InvalidSubscription,
    TooManyEndpoints,
    UnknownWebhookDelivery,
    UnknownWebhookEndpoint,
    wish_of,
)
from app.webhooks.commands.redelivering import (
    TEST_EVENT,
    DeliveryStatusForbids,
    RedeliverDead,
    RedeliverDelivery,
    Redelivered,
    TestEndpoint,
    redeliver_dead,
    redeliver_delivery,
    test_endpoint,
)
from app.webhooks.commands.secrets import RotatedSecret, RotateSecret, rotate_secret, seeds_of
from app.webhooks.commands.settling import Outcome, cut_off, settle, withdraw
from app.webhooks.commands.switching import (
    DisableEndpoint,
    EnableEndpoint,
    disable,
    disable_endpoint,
    enable_endpoint,
)

__all__ = [
    "READER",
    "TEST_EVENT",
    "CallerEnded",
    "Claimed",
    "CreateEndpoint",
    "CursorExpired",
    "DeliveryStatusForbids",
    "DisableEndpoint",
    "Due",
    "EnableEndpoint",
    "EndpointStatusForbids",
    "InvalidSubscription",
    "NewEndpoint",
    "Outcome",
    "RedeliverDead",
    "RedeliverDelivery",
    "Redelivered",
    "RotateSecret",
    "RotatedSecret",
    "TestEndpoint",
    "TooManyEndpoints",
    "UnknownWebhookDelivery",
    "UnknownWebhookEndpoint",
    "UnreachableUrl",
    "UpdateEndpoint",
    "claim",
    "create_endpoint",
    "cut_off",
    "disable",
    "disable_endpoint",
    "enable_endpoint",
    "enqueue",
    "leave",
    "reader_name",
    "redeliver_dead",
    "redeliver_delivery",
    "rotate_secret",
    "seeds_of",
    "settle",
    "test_endpoint",
    "update_endpoint",
    "wish_of",
    "withdraw",
]
