"""People sign in by password, and prolong what they began by a refresh token that is used once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import events, rules
from app.access.commands.passwords import TooManySignIns, check_password
from app.access.questions import signing
from app.access.tables import RefreshToken as IssuedToken
from app.access.tables import User, UserId
from app.kernel import clock
from app.kernel.identity import token_hash, unguessable_token
from app.kernel.limits import Length
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import EVERYONE, Principal
from app.kernel.refusal import Refusal, allows, refuses

CREDENTIAL = Length(1, 254)


class WrongCredentials(Refusal):
    """There is no user with this e-mail address and this password who may sign in."""


class InvalidRefreshToken(Refusal):
    """The refresh token is not valid or not valid any more; sign in again."""


class RefreshTokenReused(Refusal):
    """The refresh token was used before, so somebody may have copied it: the session was ended, sign in again."""

    def __init__(self, issued: IssuedToken) -> None:
        """Refuse the token `issued`, whose whole family ends."""
        super().__init__(field="refresh_token")
        self._user_id, self._family = issued.user_id, issued.family
        self.aftermath = self._end_family

    async def _end_family(self, session: AsyncSession) -> None:
        """End every session of the token's family."""
        await end_family(session, self._user_id, self._family)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A user's e-mail address and password."""

    email: Annotated[str, "The e-mail address of the user.", CREDENTIAL]
    password: Annotated[str, "The password of the user.", CREDENTIAL] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """The refresh token of a session."""

    refresh_token: Annotated[str, "The refresh token that was told last; it is good for one use.", CREDENTIAL] = field(
        repr=False
    )


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session: the user, and the tokens that prove it. They are told once."""

    id: Annotated[UserId, "Who signed in."]
    access_token: Annotated[str, "Send it as `Authorization: Bearer …` until it expires."] = field(repr=False)
    access_token_expires_at: Annotated[datetime, "When the access token expires; refresh it before."]
    refresh_token: Annotated[str, "Exchange it once, by `tokenRefresh`, for new tokens; keep it secret."] = field(
        repr=False
    )


@allows(EVERYONE)
@refuses(WrongCredentials, TooManySignIns)
async def sign_in(session: AsyncSession, credentials: SignIn, *, by: Principal) -> SignedIn:
    """Sign in by e-mail and password."""
    found = select(User.id, User.password_hash).where(User.email == rules.normal_email(credentials.email))
    user = (await session.execute(found)).one_or_none()
    if not await check_password(credentials.password, user.password_hash if user else None) or user is None:
        raise WrongCredentials
    row = await lock_one(session, User, user.id)
    if row is None or row.disabled_at is not None or row.password_hash != user.password_hash:
        raise WrongCredentials
    family = unguessable_token()
    record(session, events.UserSignedIn(user_id=row.id, family=family), by=by)
    return await _issued(session, row, family)


@allows(EVERYONE)
@refuses(InvalidRefreshToken, RefreshTokenReused)
async def refresh_token(session: AsyncSession, refreshing: RefreshToken, *, by: Principal) -> SignedIn:
    """Exchange a refresh token for new tokens; using one twice ends the session."""
    by_hash = select(IssuedToken).where(IssuedToken.token_hash == token_hash(refreshing.refresh_token))
    user_id = await session.scalar(by_hash.with_only_columns(IssuedToken.user_id))
    user = await lock_one(session, User, user_id) if user_id else None
    if user is None or user.disabled_at is not None:
        raise InvalidRefreshToken(field="refresh_token")
    locked = by_hash.with_for_update().execution_options(populate_existing=True)
    token = (await session.scalars(locked)).one()
    _require_good(token)
    token.used_at = clock.now()
    record(session, events.TokenRefreshed(user_id=user.id, family=token.family), by=by)
    return await _issued(session, user, token.family)


async def end_family(session: AsyncSession, user_id: int, family: str) -> None:
    """End the sessions that descend from one sign-in, and say so once."""
    await lock_one(session, User, user_id)
    open_tokens = update(IssuedToken).where(IssuedToken.family == family, IssuedToken.revoked_at.is_(None))
    ended = await session.execute(open_tokens.values(revoked_at=clock.now()).returning(IssuedToken.id))
    if ended.first():
        record(session, events.TokenFamilyRevoked(user_id=user_id, family=family), by=Principal(name="a refresh token"))


def _require_good(token: IssuedToken) -> None:
    """Refuse a refresh token that was revoked, has expired or was used."""
    if token.revoked_at is not None or token.expires_at <= clock.now():
        raise InvalidRefreshToken(field="refresh_token")
    if token.used_at is not None:
        raise RefreshTokenReused(token)


async def _issued(session: AsyncSession, user: User, family: str) -> SignedIn:
    """New tokens for `user`; what is kept of the refresh token is its hash."""
    now, secret = clock.now(), unguessable_token()
    session.add(
        IssuedToken(
            token_hash=token_hash(secret),
            user_id=user.id,
            family=family,
            issued_at=now,
            expires_at=now + rules.REFRESH_TOKEN_LIFE,
        )
    )
    await session.flush()
    return SignedIn(
        id=UserId(user.id),
        access_token=signing.tokens.signed(rules.AccessClaims(user.id, user.token_version, family), now),
        access_token_expires_at=now + rules.ACCESS_TOKEN_LIFE,
        refresh_token=secret,
    )
