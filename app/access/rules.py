"""The rules of access: access tokens, API keys, passwords and roles, as pure functions of what they are given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import argon2
import jwt

from app.kernel.principal import Role

ISSUER = "lading"
ALGORITHM = "HS256"
SIGNING_KEY_BYTES_MIN = 32
ACCESS_TOKEN_LIFE = timedelta(minutes=15)
REFRESH_TOKEN_LIFE = timedelta(days=30)
API_KEY_PREFIX = "lading_"
API_KEY_SHOWN = 15
"""The characters that begin an API key and may be shown: enough to tell keys apart, and no secret."""
PARTY_OF = {Role.CUSTOMER: "customer_id", Role.SUPPLIER: "supplier_id", Role.CARRIER: "carrier_id"}
"""The party that each role acts for."""

_passwords = argon2.PasswordHasher()


@dataclass(frozen=True)
class AccessClaims:
    """What an access token says: whose it is, of which version and session, and, once read, until when it is good."""

    user_id: int
    token_version: int
    session: str | None = None
    expires_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class AccessTokens:
    """Signs and reads access tokens with one key."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """A key shorter than the hash would weaken it."""
        if len(self.key) < SIGNING_KEY_BYTES_MIN:
            raise ValueError(f"the signing key has at least {SIGNING_KEY_BYTES_MIN} bytes, not {len(self.key)}")

    def signed(self, claims: AccessClaims, now: datetime) -> str:
        """An access token that says `claims` and is good for a quarter of an hour from `now`."""
        told = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(claims.user_id),
            "ver": claims.token_version,
            **({"sid": claims.session} if claims.session else {}),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN_LIFE).timestamp()),
        }
        return jwt.encode(told, self.key, ALGORITHM)

    def claims(self, token: str, now: datetime) -> AccessClaims | None:
        """What `token` says, or None where it is not one of ours or was good only before `now`."""
        try:
            told = jwt.decode(
                token,
                self.key,
                [ALGORITHM],
                audience=ISSUER,
                issuer=ISSUER,
                options={"require": ["iss", "aud", "sub", "exp"], "verify_exp": False, "verify_iat": False},
            )
            expires_at = datetime.fromtimestamp(told["exp"], UTC)
            session = None if told.get("sid") is None else str(told["sid"])
            claims = AccessClaims(int(told["sub"]), int(told["ver"]), session, expires_at)
            return claims if now < expires_at else None
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
            return None


def api_key_of(token: str) -> str:
    """The API key made from the random `token`, which says itself that it is one."""
    return f"{API_KEY_PREFIX}{token}"


def is_api_key(credential: str) -> bool:
    """Whether `credential` claims to be an API key, and not an access token."""
    return credential.startswith(API_KEY_PREFIX)


def hashed_password(password: str) -> str:
    """The argon2id hash of `password`; it takes tens of milliseconds, by intent."""
    return _passwords.hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """Whether `password` is the one that was hashed; it takes as long for a wrong one."""
    try:
        return _passwords.verify(password_hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def normal_email(email: str) -> str:
    """How an e-mail address is kept: in small letters, for people do not tell them apart."""
    return email.strip().lower()


def may_grant(held: frozenset[Role], wanted: Iterable[Role]) -> bool:
    """Whether a caller who holds `held` may give `wanted`: administrators any role, others only their own."""
    return Role.ADMIN in held or held.issuperset(wanted)


def missing_party(roles: Iterable[Role], **parties: int | None) -> str | None:
    """The party that one of `roles` needs and `parties` does not name, if any."""
    needed = [PARTY_OF[role] for role in sorted(roles) if role in PARTY_OF]
    return next((party for party in needed if parties.get(party) is None), None)
