"""Who a request comes from: the one place where a credential becomes a caller."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Text, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import rules
from app.access.tables import ApiKey, RefreshToken, User
from app.kernel import clock
from app.kernel.identity import token_hash
from app.kernel.limits import in_force
from app.kernel.principal import ANONYMOUS, Principal, Role

SCHEME = "bearer"
CREDENTIAL_LENGTH_MAX = 4_096
DROPPED_AT_ONCE = 2
HEADER_LENGTH_MAX = len(SCHEME) + 1 + CREDENTIAL_LENGTH_MAX


class Unauthenticated(Exception):
    """The request carries a credential that is not good; the message says what to do, and never why."""


@dataclass(frozen=True)
class Caller:
    """A user or key as the database last told it: whom it stands for and until when, and the proof it wants."""

    principal: Principal
    proof: bytes
    ends_at: datetime | None
    known_at: datetime


class Proven(NamedTuple):
    """A whole header that was found good, whom it stands for, and how long that holds without another look."""

    principal: Principal
    since: datetime
    until: datetime


class Callers:
    """The callers of the last moments, so that a caller costs one read a second and a revocation bites as soon."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | str], Caller] = {}
        self._proven: dict[str, Proven] = {}
        self.forgotten = 0
        """How often everyone was forgotten: what was read before the last time proves nobody."""

    def __len__(self) -> int:
        """How many headers are kept."""
        return len(self._proven)

    def proven(self, authorization: str) -> Principal | None:
        """The caller that this very header proved within the last second: to read a token again takes far longer."""
        found = self._proven.get(authorization)
        if found is None:
            return None
        if found.since <= clock.now() < found.until:
            return found.principal
        del self._proven[authorization]
        return None

    def prove(self, authorization: str, caller: Caller, ends_at: datetime | None) -> Principal:
        """Keep for as long as `caller` is remembered, and at the most until `ends_at`, that a header proves it.

        One that is padded is not kept: there would be no end to how long it may be, nor to how many there are of it.
        """
        if len(authorization) > HEADER_LENGTH_MAX:
            return caller.principal
        forgotten_at = caller.known_at + _remembered()
        until = min(forgotten_at, ends_at) if ends_at else forgotten_at
        self._drop_outdated()
        self._proven[authorization] = Proven(caller.principal, caller.known_at, until)
        return caller.principal

    def recall(self, key: tuple[str, int | str]) -> Caller | None:
        """The caller `key`, where it was read within the last second."""
        caller = self._known.get(key)
        return caller if caller and abs(clock.now() - caller.known_at) < _remembered() else None

    def remember(self, key: tuple[str, int | str], caller: Caller, *, read_after: int) -> None:
        """Keep `caller` for a second, unless everyone was forgotten more often than `read_after` since it was read.

        When there are too many, forget them all, for they are soon stale anyway.
        """
        if self.forgotten != read_after:
            return
        if len(self._known) >= in_force().callers_remembered_max:
            self._known.clear()
        self._known[key] = caller

    def _drop_outdated(self) -> None:
        """Forget the headers that were kept first, as far as they prove nothing any more or are too many.

        Each new one drops two at the most, so what is kept is what proved somebody in the last moments.
        """
        now, many = clock.now(), in_force().callers_remembered_max
        for oldest in [*islice(self._proven, DROPPED_AT_ONCE)]:
            if len(self._proven) >= many or now >= self._proven[oldest].until:
                del self._proven[oldest]

    def forget(self) -> None:
        """Forget everyone, when one of them may no longer call."""
        self.forgotten += 1
        self._known.clear()
        self._proven.clear()


class Signing:
    """Holds what signs access tokens in this process; the composition root gives it the key at start."""

    def __init__(self) -> None:
        self._tokens: rules.AccessTokens | None = None

    def use_key(self, key: bytes) -> None:
        """Sign and read access tokens with `key`, which every process shares."""
        self._tokens = rules.AccessTokens(key)

    @property
    def tokens(self) -> rules.AccessTokens:
        """The signer; RuntimeError where no key was given."""
        if self._tokens is None:
            raise RuntimeError("no signing key was given: call app.access.questions.signing.use_key at start")
        return self._tokens


def _remembered() -> timedelta:
    """How long a caller is taken for what the database last told."""
    return timedelta(milliseconds=in_force().callers_remembered_ms_max)


callers = Callers()
signing = Signing()


async def authenticate(session: AsyncSession, authorization: str | None) -> Principal:
    """The caller that an `Authorization` header (or the same text in `connection_init`) proves.

    Without one it is a stranger. A credential that is malformed, expired, revoked or of a disabled user raises
    Unauthenticated: a caller who tried to be somebody is never taken for nobody.
    """
    if authorization is None:
        return ANONYMOUS
    credential = _credential(authorization)
    if rules.is_api_key(credential):
        return await _key_holder(session, credential)
    return await _token_holder(session, credential)


def recalled(authorization: str) -> Principal | None:
    """The caller that `authorization` proves by what the database told within the last second; None where it must tell.

    Most requests need no session for it, and opening one takes longer than all the rest of finding out who calls.
    """
    return callers.proven(authorization) or _proved(authorization)


def _proved(authorization: str) -> Principal | None:
    """The same for a header that was not seen lately."""
    credential = _credential(authorization)
    if rules.is_api_key(credential):
        caller = callers.recall(("key", credential[: rules.API_KEY_SHOWN]))
        opened = caller is not None and _opened_by(caller, credential)
        return callers.prove(authorization, caller, caller.ends_at) if caller and opened else None
    claims = signing.tokens.claims(credential, clock.now())
    caller = callers.recall(_kept_as(claims)) if claims else None
    if caller is None or claims is None or not _signed_in(caller, claims):
        return None
    return callers.prove(authorization, caller, claims.expires_at)


def _credential(authorization: str) -> str:
    """The credential of an `Authorization` header; Unauthenticated where there is none in it."""
    scheme, _, credential = authorization.strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != SCHEME or not credential or len(credential) > CREDENTIAL_LENGTH_MAX:
        raise Unauthenticated("Authorization is written `Bearer` and an access token or an API key.")
    return credential


async def _token_holder(session: AsyncSession, token: str) -> Principal:
    """The user whose access token this is."""
    claims = signing.tokens.claims(token, clock.now())
    if claims:
        caller = callers.recall(_kept_as(claims)) or await _read_user(session, claims)
        if caller and _signed_in(caller, claims):
            return caller.principal
    raise Unauthenticated("The access token is not valid or not valid any more; refresh it or sign in again.")


def _signed_in(caller: Caller, claims: rules.AccessClaims) -> bool:
    """Whether the token is of the user's present version."""
    return hmac.compare_digest(caller.proof, str(claims.token_version).encode())


async def _key_holder(session: AsyncSession, key: str) -> Principal:
    """The partner whose API key this is."""
    prefix = key[: rules.API_KEY_SHOWN]
    caller = callers.recall(("key", prefix)) or await _read_api_key(session, prefix)
    if caller and _opened_by(caller, key):
        return caller.principal
    raise Unauthenticated("The API key is not valid or not valid any more; ask for another one.")


def _opened_by(caller: Caller, key: str) -> bool:
    """Whether `key` is the caller's whole key and did not expire."""
    in_time = caller.ends_at is None or clock.now() < caller.ends_at
    return in_time and hmac.compare_digest(caller.proof, token_hash(key))


def _kept_as(claims: rules.AccessClaims) -> tuple[str, int | str]:
    """The key under which the user is remembered: by session, for one of several may have ended."""
    return ("session", claims.session) if claims.session else ("user", claims.user_id)


async def _read_user(session: AsyncSession, claims: rules.AccessClaims) -> Caller | None:
    """The user as the database tells it now, where it may sign in and its session has not ended."""
    read_after = callers.forgotten
    columns = (User.id, User.name, User.token_version, *_granted(User))
    found = select(*columns).where(User.id == claims.user_id, User.disabled_at.is_(None))
    if claims.session is not None:
        family = RefreshToken.family == claims.session
        goes_on = select(RefreshToken.id).where(family, RefreshToken.revoked_at.is_(None))
        found = found.where(goes_on.exists())
    row = (await session.execute(found)).one_or_none()
    if row is None:
        return None
    principal = replace(_principal(row, user_id=row.id), session=claims.session)
    caller = Caller(principal, str(row.token_version).encode(), None, clock.now())
    callers.remember(_kept_as(claims), caller, read_after=read_after)
    return caller


async def _read_api_key(session: AsyncSession, prefix: str) -> Caller | None:
    """The key that begins so as the database tells it now, where it was not revoked."""
    read_after = callers.forgotten
    columns = (ApiKey.id, ApiKey.name, ApiKey.secret_hash, ApiKey.expires_at, *_granted(ApiKey))
    found = select(*columns).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
    row = (await session.execute(found)).one_or_none()
    if row is None:
        return None
    principal = replace(_principal(row, api_key_id=row.id), ends_at=row.expires_at)
    caller = Caller(principal, row.secret_hash, row.expires_at, clock.now())
    callers.remember(("key", prefix), caller, read_after=read_after)
    return caller


async def fallen(session: AsyncSession, principals: Collection[Principal]) -> list[Principal]:
    """Those of `principals` who may no longer call, or not as they did, as the database tells it now.

    Strangers have nothing to lose, and what ends at a time of its own is not looked at.
    """
    users = await _standing(session, User, {each.user_id for each in principals}, User.disabled_at.is_(None))
    keys = await _standing(session, ApiKey, {each.api_key_id for each in principals}, ApiKey.revoked_at.is_(None))
    families = [each.session for each in principals if each.session is not None]
    going_on = (
        select(RefreshToken.family)
        .distinct()
        .where(
            RefreshToken.family == any_(literal(families, ARRAY(Text))),
            RefreshToken.revoked_at.is_(None),
            RefreshToken.expires_at > clock.now(),
        )
    )
    sessions = set(await session.scalars(going_on)) if families else set()

    def stands(principal: Principal) -> bool:
        rights = _rights(principal)
        by_key = principal.api_key_id is None or keys.get(principal.api_key_id) == rights
        by_user = principal.user_id is None or users.get(principal.user_id) == rights
        return by_key and by_user and (principal.session is None or principal.session in sessions)

    return [each for each in principals if not stands(each)]


async def _standing(
    session: AsyncSession, table: type[User | ApiKey], ids: Collection[int | None], good: ColumnElement[bool]
) -> dict[int, Any]:
    """What each of the users or keys may do now; none of those who may not call."""
    wanted = [each for each in ids if each is not None]
    if not wanted:
        return {}
    found = select(table.id, table.name, *_granted(table)).where(
        table.id == any_(literal(wanted, ARRAY(BigInteger))), good
    )
    return {row.id: _rights(_principal(row)) for row in await session.execute(found)}


def _rights(principal: Principal) -> tuple[Any, ...]:
    """What a caller may do, and for whom."""
    return principal.roles, principal.customer_id, principal.supplier_id, principal.carrier_id


async def caller_now(session: AsyncSession, *, user_id: int | None, api_key_id: int | None) -> Principal | None:
    """The caller that a user or an API key is at present; None where it may no longer call.

    For what is done in somebody's name while they are away: nothing that is remembered counts.
    """
    if user_id is not None:
        columns = (User.id, User.name, *_granted(User))
        user = (await session.execute(select(*columns).where(User.id == user_id, User.disabled_at.is_(None)))).first()
        return _principal(user, user_id=user.id) if user else None
    in_time = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    wanted = (ApiKey.id == api_key_id, ApiKey.revoked_at.is_(None), in_time)
    key = (await session.execute(select(ApiKey.id, ApiKey.name, *_granted(ApiKey)).where(*wanted))).first()
    return _principal(key, api_key_id=key.id) if key else None


def _granted(table: type[User | ApiKey]) -> tuple[Any, ...]:
    """The columns that say what a user or key may do, and for whom."""
    return (table.roles, table.customer_id, table.supplier_id, table.carrier_id)


def _principal(row: Any, *, user_id: int | None = None, api_key_id: int | None = None) -> Principal:
    """The caller that a row of users or keys describes."""
    return Principal(
        roles=frozenset(Role[role] for role in row.roles),
        name=row.name,
        user_id=user_id,
        api_key_id=api_key_id,
        customer_id=row.customer_id,
        supplier_id=row.supplier_id,
        carrier_id=row.carrier_id,
    )
