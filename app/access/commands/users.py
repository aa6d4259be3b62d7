"""Users are added and disabled, by administrators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import events, rules
from app.access.commands.granting import MissingParty, RoleNotGrantable, UnknownParty, flush_granted, granted
from app.access.commands.passwords import TooManySignIns, hash_password
from app.access.measures import user_visibility
from app.access.tables import CarrierId, CustomerId, RefreshToken, SupplierId, User, UserId
from app.kernel import clock
from app.kernel.address import is_email
from app.kernel.changes import changed, expect_version
from app.kernel.identity import unguessable_token
from app.kernel.limits import NAME, Length
from app.kernel.locks import lock, lock_one
from app.kernel.outbox import record
from app.kernel.principal import SYSTEM, Principal, Role
from app.kernel.refusal import Refusal, VersionConflict, allows, refuses

EMAIL = Length(3, 254)
PASSWORD = Length(12, 128)
ROLES = Length(1, 5)
FIRST_ADMIN_EMAIL = "admin@lading.example"
FIRST_ADMIN_LOCK = 7_308_604_895_338_131_821
"""The advisory lock that lets one process alone make the first administrator."""


class EmailTaken(Refusal):
    """Another user signs in with this e-mail address."""


class InvalidEmail(Refusal):
    """This is not written like an e-mail address."""


class UnknownUser(Refusal):
    """There is no such user, or you may not see it."""


class LastAdmin(Refusal):
    """This is the last administrator who may sign in; make another one first."""


@dataclass(frozen=True, kw_only=True)
class CreateUser:
    """A new user, who signs in by e-mail and password."""

    email: Annotated[str, "What the person signs in with; capital and small letters are alike.", EMAIL]
    name: Annotated[str, "What the person is called.", NAME]
    password: Annotated[str, "The password: a long one, that is used nowhere else.", PASSWORD] = field(repr=False)
    roles: Annotated[tuple[Role, ...], "What the person is to us, which decides what it may see and do.", ROLES]
    customer_id: Annotated[CustomerId | None, "The customer that it acts for."] = None
    supplier_id: Annotated[SupplierId | None, "The supplier that it acts for."] = None
    carrier_id: Annotated[CarrierId | None, "The carrier that it acts for."] = None


@dataclass(frozen=True, kw_only=True)
class GrantUser:
    """What a user may do and see from now on; what is not named is taken away."""

    user_id: Annotated[UserId, "The user."]
    roles: Annotated[tuple[Role, ...], "What the person is to us, which decides what it may see and do.", ROLES]
    customer_id: Annotated[CustomerId | None, "The customer that it acts for."] = None
    supplier_id: Annotated[SupplierId | None, "The supplier that it acts for."] = None
    carrier_id: Annotated[CarrierId | None, "The carrier that it acts for."] = None
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None


@dataclass(frozen=True, kw_only=True)
class DisableUser:
    """Which user may no longer sign in."""

    user_id: Annotated[UserId, "The user who may no longer sign in."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None


class FirstAdmin(NamedTuple):
    """The first administrator's credentials, told once."""

    email: str
    password: str


@allows(frozenset({Role.ADMIN}))
@refuses(EmailTaken, InvalidEmail, MissingParty, UnknownParty, RoleNotGrantable, TooManySignIns)
async def create_user(session: AsyncSession, user: CreateUser, *, by: Principal) -> UserId:
    """Add a user."""
    email = rules.normal_email(user.email)
    if not is_email(email):
        raise InvalidEmail(field="email")
    rights = granted(user, by=by)
    row = User(email=email, name=user.name, password_hash=await hash_password(user.password), **rights)
    session.add(row)
    await flush_granted(session, "users", {"uq_users_email": EmailTaken(field="email")})
    record(session, events.UserCreated(user_id=row.id, roles=tuple(row.roles)), by=by)
    return UserId(row.id)


@allows(frozenset({Role.ADMIN}))
@refuses(UnknownUser, LastAdmin, MissingParty, UnknownParty, RoleNotGrantable, VersionConflict)
async def grant_user(session: AsyncSession, granting: GrantUser, *, by: Principal) -> UserId:
    """Give a user other roles and parties; what it has open ends within a second, and is opened again with these."""
    rights = granted(granting, by=by)
    admins = await _lock_admins(session)
    row = await lock_one(session, User, granting.user_id, by=by, visibility=user_visibility)
    if row is None:
        raise UnknownUser(field="user_id")
    expect_version(row, granting.expected_version)
    if set(admins) == {row.id} and Role.ADMIN not in granting.roles:
        raise LastAdmin(field="user_id")
    if changed(row, {}, whole=rights):
        await flush_granted(session, "users", {})
        record(session, events.UserGranted(user_id=row.id, **rights), by=by)
    return UserId(row.id)


@allows(frozenset({Role.ADMIN}))
@refuses(UnknownUser, LastAdmin, VersionConflict)
async def disable_user(session: AsyncSession, disabling: DisableUser, *, by: Principal) -> UserId:
    """Forbid a user to sign in, and end every session it has, within a second."""
    admins = await _lock_admins(session)
    row = await lock_one(session, User, disabling.user_id, by=by, visibility=user_visibility)
    if row is None:
        raise UnknownUser(field="user_id")
    expect_version(row, disabling.expected_version)
    if row.disabled_at is not None:
        return UserId(row.id)
    if set(admins) == {row.id}:
        raise LastAdmin(field="user_id")
    row.disabled_at, row.token_version = clock.now(), row.token_version + 1
    await session.flush()
    await session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == row.id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    record(session, events.UserDisabled(user_id=row.id), by=by)
    return UserId(row.id)


async def ensure_first_admin(session: AsyncSession) -> FirstAdmin | None:
    """Make an administrator where there is none, and tell its password; None where there is one already."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_ADMIN_LOCK})
    if await session.scalar(select(User.id).where(User.roles.contains([Role.ADMIN.value])).limit(1)):
        return None
    first = FirstAdmin(FIRST_ADMIN_EMAIL, unguessable_token())
    request = CreateUser(email=first.email, name="Administrator", password=first.password, roles=(Role.ADMIN,))
    await create_user(session, request, by=SYSTEM)
    return first


async def _lock_admins(session: AsyncSession) -> dict[int, User]:
    """The administrators who may sign in, locked, so that two of them cannot disable each other at once."""
    admins = select(User.id).where(User.roles.contains([Role.ADMIN.value]), User.disabled_at.is_(None))
    locked = await lock(session, User, await session.scalars(admins))
    return {key: user for key, user in locked.items() if user.disabled_at is None}
