"""What happens to users, keys and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.kernel.outbox import Event


@dataclass(frozen=True, kw_only=True)
class UserCreated(Event, name="access.user_created", keys=("user_id",)):
    """A user was added."""

    user_id: int
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UserGranted(Event, name="access.user_granted", keys=("user_id",)):
    """A user may do and see something else from now on: it has these roles, and acts for these parties."""

    user_id: int
    roles: tuple[str, ...]
    customer_id: int | None
    supplier_id: int | None
    carrier_id: int | None


@dataclass(frozen=True, kw_only=True)
class UserDisabled(Event, name="access.user_disabled", keys=("user_id",)):
    """A user may no longer sign in."""

    user_id: int


@dataclass(frozen=True, kw_only=True)
class UserSignedIn(Event, name="access.user_signed_in", keys=("user_id",)):
    """A user signed in by password."""

    user_id: int
    family: str


@dataclass(frozen=True, kw_only=True)
class TokenRefreshed(Event, name="access.token_refreshed", keys=("user_id",)):
    """A session was prolonged by its refresh token."""

    user_id: int
    family: str


@dataclass(frozen=True, kw_only=True)
class TokenFamilyRevoked(Event, name="access.token_family_revoked", keys=("user_id", "family")):
    """A session was ended, because one of its refresh tokens was used twice."""

    user_id: int
    family: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(Event, name="access.api_key_created", keys=("api_key_id",)):
    """An API key was made."""

    api_key_id: int
    prefix: str
    roles: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Event, name="access.api_key_revoked", keys=("api_key_id",)):
    """An API key was revoked."""

    api_key_id: int
    prefix: str
