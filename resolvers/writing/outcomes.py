"""What a command came to, and what is remembered of it under an idempotency key: ids or a refusal, never a secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.idempotency import IdempotentRequest
from app.kernel.outbox import as_json
from app.kernel.principal import ANONYMOUS, Principal
from app.kernel.refusal import IdempotencyKeyReused, Refusal
from schema.operations import Mutation


@dataclass(frozen=True)
class Outcome:
    """What came of a request: the key of what it made or changed with what is told once, or why it was refused."""

    key: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, Any] | None = None
    repeated: bool = False


@dataclass(frozen=True)
class Key:
    """An idempotency key in its scope: the caller, the mutation, and a hash of the input it came with."""

    caller: str
    mutation: str
    key: str
    input_hash: str

    def lock_number(self) -> int:
        """The advisory lock that two requests under this key contend for."""
        digest = hashlib.sha256(f"{self.caller}\0{self.mutation}\0{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def key_of(mutation: Mutation, given: Mapping[str, Any], principal: Principal, secret: bytes) -> Key | None:
    """The idempotency key of an input, if it has one.

    The hash is keyed by `secret`, for an input may hold a password. Strangers share no scope: theirs is the input
    itself, so that nobody meets another's request under a plain key.
    """
    key = given.get("idempotencyKey")
    if key is None or not mutation.command.keyed:
        return None
    told = orjson.dumps(as_json(dict(given)), option=orjson.OPT_SORT_KEYS)
    digest = hmac.digest(secret, told, "sha256").hex()
    caller = f"stranger:{digest}" if principal.roles == ANONYMOUS.roles else _scope(principal)
    return Key(caller, mutation.name, key, digest)


def _scope(principal: Principal) -> str:
    """Whose keys a caller's are: the user's, the API key's, or the system's own."""
    if principal.user_id is not None:
        return f"user:{principal.user_id}"
    return f"key:{principal.api_key_id}" if principal.api_key_id is not None else principal.name


async def try_lock(session: AsyncSession, key: Key) -> bool:
    """Whether this transaction is now the only one that works under `key`."""
    found = await session.scalar(text("select pg_try_advisory_xact_lock(:number)"), {"number": key.lock_number()})
    return bool(found)


async def recall(session: AsyncSession, key: Key) -> Outcome | None:
    """What was remembered under `key`, if anything; IdempotencyKeyReused where it came with another input."""
    wanted = (IdempotentRequest.caller == key.caller, IdempotentRequest.mutation == key.mutation)
    found = (
        await session.execute(
            select(IdempotentRequest.input_hash, IdempotentRequest.outcome).where(
                *wanted, IdempotentRequest.key == key.key
            )
        )
    ).one_or_none()
    if found is None:
        return None
    if found.input_hash != key.input_hash:
        raise IdempotencyKeyReused(field="idempotency_key")
    return Outcome(key=found.outcome.get("id"), refusal=found.outcome.get("refusal"), repeated=True)


async def remember(session: AsyncSession, key: Key, outcome: Outcome) -> None:
    """Keep what came of the request, in the command's own transaction."""
    values = {
        "caller": key.caller,
        "mutation": key.mutation,
        "key": key.key,
        "input_hash": key.input_hash,
        "outcome": {"id": outcome.key, "refusal": outcome.refusal},
        "recorded_at": clock.now(),
    }
    await session.execute(insert(IdempotentRequest).values(values).on_conflict_do_nothing())


def told_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal as data: its code, words, field and details."""
    return {
        "code": refusal.code(),
        "message": refusal.message,
        "field": list(refusal.field) if refusal.field else None,
        "details": {name: as_json(value) for name, value in refusal.details.items()},
    }
