"""API keys are made and revoked, by administrators; partners' programs call by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import events, rules
from app.access.commands.granting import MissingParty, RoleNotGrantable, UnknownParty, flush_granted, granted
from app.access.measures import api_key_visibility
from app.access.tables import ApiKey, ApiKeyId, CarrierId, CustomerId, SupplierId
from app.kernel import clock
from app.kernel.identity import token_hash, unguessable_token
from app.kernel.limits import NAME, Length
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import Principal, Role
from app.kernel.refusal import InvalidInput, Refusal, allows, refuses

ROLES = Length(1, 5)
USE_NOTED_EVERY = timedelta(minutes=1)


class UnknownApiKey(Refusal):
    """There is no such API key, or you may not see it."""


@dataclass(frozen=True, kw_only=True)
class CreateApiKey:
    """A new API key."""

    name: Annotated[str, "What the key is for.", NAME]
    roles: Annotated[tuple[Role, ...], "What its holder is to us, which decides what it may see and do.", ROLES]
    customer_id: Annotated[CustomerId | None, "The customer that it acts for."] = None
    supplier_id: Annotated[SupplierId | None, "The supplier that it acts for."] = None
    carrier_id: Annotated[CarrierId | None, "The carrier that it acts for."] = None
    expires_at: Annotated[datetime | None, "When it stops working; without it, only when it is revoked."] = None


@dataclass(frozen=True, kw_only=True)
class RevokeApiKey:
    """Which API key stops working."""

    api_key_id: Annotated[ApiKeyId, "The API key that stops working."]


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """An API key with its secret, which is told once."""

    id: Annotated[ApiKeyId, "The key."]
    secret: Annotated[str, "The whole key, to send as `Authorization: Bearer …`; it is never told again."] = field(
        repr=False
    )


@allows(frozenset({Role.ADMIN}))
@refuses(MissingParty, UnknownParty, RoleNotGrantable)
async def create_api_key(session: AsyncSession, api_key: CreateApiKey, *, by: Principal) -> NewApiKey:
    """Make an API key for a partner's program; its secret is told once."""
    if api_key.expires_at is not None and api_key.expires_at <= clock.now():
        raise InvalidInput("A key expires in the future, or never.", field="expires_at")
    secret = rules.api_key_of(unguessable_token())
    row = ApiKey(
        name=api_key.name,
        prefix=secret[: rules.API_KEY_SHOWN],
        secret_hash=token_hash(secret),
        expires_at=api_key.expires_at,
        **granted(api_key, by=by),
    )
    session.add(row)
    await flush_granted(session, "api_keys", {})
    event = events.ApiKeyCreated(
        api_key_id=row.id, prefix=row.prefix, roles=tuple(row.roles), expires_at=row.expires_at
    )
    record(session, event, by=by)
    return NewApiKey(id=ApiKeyId(row.id), secret=secret)


@allows(frozenset({Role.ADMIN}))
@refuses(UnknownApiKey)
async def revoke_api_key(session: AsyncSession, revoking: RevokeApiKey, *, by: Principal) -> ApiKeyId:
    """Stop an API key from working, within a second and for ever; doing it twice changes nothing."""
    row = await lock_one(session, ApiKey, revoking.api_key_id, by=by, visibility=api_key_visibility)
    if row is None:
        raise UnknownApiKey(field="api_key_id")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        await session.flush()
        record(session, events.ApiKeyRevoked(api_key_id=row.id, prefix=row.prefix), by=by)
    return ApiKeyId(row.id)


async def note_api_key_use(session: AsyncSession, api_key_id: int) -> None:
    """Note that a key was used, at most once a minute; that is no change of the key, so its version stays."""
    now = clock.now()
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - USE_NOTED_EVERY)
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id == api_key_id, stale)
        .values(last_used_at=now, updated_at=ApiKey.updated_at)
        .execution_options(synchronize_session=False)
    )
