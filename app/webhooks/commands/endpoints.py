"""Endpoints are made and changed, by whoever they act for and by administrators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.changes import changed, expect_version
from app.kernel.identity import random_bytes
from app.kernel.limits import NAME, Length
from app.kernel.outbox import record
from app.kernel.principal import Principal
from app.kernel.refusal import Forbidden, InvalidInput, Refusal, VersionConflict, allows, refuses
from app.webhooks import events, ports, rules
from app.webhooks.commands.beginning import CursorExpired, begin
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
from app.webhooks.tables import EndpointAction, WebhookEndpoint, WebhookEndpointId

URL = Length(1, 2_000)
DOCUMENT = Length(1, 20_000)
OPERATION = Length(1, 200)
VARIABLES = Length(2, 10_000)
CURSOR = Length(1, 16_384)


class UnreachableUrl(Refusal):
    """This address is not called; the message says why."""


@dataclass(frozen=True, kw_only=True)
class CreateEndpoint:
    """A new webhook: an address of yours, and what it is to be told."""

    name: Annotated[str, "What it is for.", NAME]
    url: Annotated[str, "The address that is called, such as `https://erp.example/lading`.", URL]
    document: Annotated[
        str, "A GraphQL subscription: its arguments are the filter, its selection is the body.", DOCUMENT
    ]
    operation_name: Annotated[str | None, "Which operation of the document, where it has several.", OPERATION] = None
    variables: Annotated[str | None, "The values of the document's variables, as a JSON object.", VARIABLES] = None
    start_after: Annotated[
        str | None, "Begin after this cursor, from `eventCursor` beside data that you read; else from now.", CURSOR
    ] = None


@dataclass(frozen=True, kw_only=True)
class UpdateEndpoint:
    """What is to be another from now on; what is left out stays. What waits is sent as is asked for then."""

    webhook_endpoint_id: Annotated[WebhookEndpointId, "The endpoint."]
    name: Annotated[str | None, "What it is for.", NAME] = None
    url: Annotated[str | None, "The address that is called.", URL] = None
    document: Annotated[
        str | None, "A GraphQL subscription; operation name and variables are then those given beside it.", DOCUMENT
    ] = None
    operation_name: Annotated[str | None, "Which operation of the document, where it has several.", OPERATION] = None
    variables: Annotated[str | None, "The values of the document's variables, as a JSON object.", VARIABLES] = None
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None


@dataclass(frozen=True, kw_only=True)
class NewEndpoint:
    """An endpoint with its secret, which is told once."""

    id: Annotated[WebhookEndpointId, "The endpoint."]
    secret: Annotated[str, "What signs its messages, by Standard Webhooks; keep it, for it is never told again."] = (
        field(repr=False)
    )


@allows(CALLERS)
@refuses(UnreachableUrl, InvalidSubscription, CursorExpired, TooManyEndpoints, CallerEnded)
async def create_endpoint(session: AsyncSession, endpoint: CreateEndpoint, *, by: Principal) -> NewEndpoint:
    """Have an address of yours called whenever something happens that a GraphQL subscription would tell you."""
    require_reachable(endpoint.url)
    if by.user_id is None and by.api_key_id is None:
        raise Forbidden("A webhook acts for a user or an API key; you are neither.")
    row = WebhookEndpoint(
        name=endpoint.name,
        url=endpoint.url,
        document=endpoint.document,
        operation_name=endpoint.operation_name,
        variables=_checked_variables(endpoint.variables),
        user_id=by.user_id,
        api_key_id=None if by.user_id else by.api_key_id,
        seed=random_bytes(rules.SEED_BYTES),
    )
    await require_room(session, row)
    await require_followable(session, row)
    session.add(row)
    await session.flush()
    await begin(session, row, endpoint.start_after)
    await session.flush()
    record(session, events.WebhookEndpointCreated(webhook_endpoint_id=row.id), by=by)
    return NewEndpoint(id=WebhookEndpointId(row.id), secret=ports.secrets.part.shown(row.seed))


@allows(CALLERS)
@refuses(
    UnknownWebhookEndpoint, EndpointStatusForbids, UnreachableUrl, InvalidSubscription, CallerEnded, VersionConflict
)
async def update_endpoint(session: AsyncSession, changes: UpdateEndpoint, *, by: Principal) -> WebhookEndpointId:
    """Change what an endpoint is called, where it is, or what it is told."""
    row = await lock_endpoint(session, changes.webhook_endpoint_id, EndpointAction.UPDATE, by=by)
    expect_version(row, changes.expected_version)
    if changes.url is not None:
        require_reachable(changes.url)
    if changes.document is None and (changes.operation_name, changes.variables) != (None, None):
        raise InvalidInput("Give the document that these belong to as well.", field="document")
    whole = {}
    if changes.document is not None:
        variables = _checked_variables(changes.variables)
        whole = {"document": changes.document, "operation_name": changes.operation_name, "variables": variables}
    if changed(row, {"name": changes.name, "url": changes.url}, whole=whole):
        await require_followable(session, row)
        await session.flush()
        record(session, events.WebhookEndpointUpdated(webhook_endpoint_id=row.id), by=by)
    return WebhookEndpointId(row.id)


def require_reachable(url: str) -> None:
    """Check that an address may be called, as far as it tells; what its name leads to is checked at each call."""
    try:
        rules.target_of(url, ports.reach.part)
    except rules.Unreachable as refused:
        raise UnreachableUrl(str(refused), field="url") from None


def _checked_variables(text: str | None) -> str | None:
    """The text of a JSON object; refused where it is none."""
    if text is None:
        return None
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise InvalidInput("The variables are the text of a JSON object.", field="variables")
    return text
