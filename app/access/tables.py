"""The tables of access: users, API keys and refresh tokens. None of them holds a secret, only its hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NewType

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.kernel import clock
from app.kernel.principal import Role
from app.kernel.tables import SORTED, Row, Table, reference

UserId = NewType("UserId", int)
ApiKeyId = NewType("ApiKeyId", int)
CustomerId = NewType("CustomerId", int)
SupplierId = NewType("SupplierId", int)
CarrierId = NewType("CarrierId", int)
"""Ids of parties, by the names that they have in the graph; the parties themselves are a domain of their own."""

GRANTED = tuple(role.value for role in Role if role is not Role.ANONYMOUS)
"""The roles that may be held; nobody is made a stranger."""


def roles_column() -> MappedColumn[Any]:
    """The roles that a user or key holds."""
    return mapped_column(ARRAY(Text), doc="What it is to us, which decides what it may see and do.")


def roles_checks() -> tuple[CheckConstraint, ...]:
    """Only roles that exist are held, at least one, and a role of a party only together with the party."""
    names = ", ".join(f"'{role}'" for role in GRANTED)
    parties = {Role.CUSTOMER: "customer_id", Role.SUPPLIER: "supplier_id", Role.CARRIER: "carrier_id"}
    return (
        CheckConstraint(f"cardinality(roles) > 0 AND roles <@ ARRAY[{names}]", name="roles_exist"),
        *(
            CheckConstraint(f"{column} IS NOT NULL OR NOT (roles @> ARRAY['{role}'])", name=f"{role.lower()}_named")
            for role, column in parties.items()
        ),
    )


class ActsFor:
    """The parties whose rows a user or key sees as its own."""

    customer_id: Mapped[int | None] = reference("customers.id", doc="The customer that it acts for.")
    supplier_id: Mapped[int | None] = reference("suppliers.id", doc="The supplier that it acts for.")
    carrier_id: Mapped[int | None] = reference("carriers.id", doc="The carrier that it acts for.")


class User(ActsFor, Row):
    """A person who signs in."""

    __tablename__ = "users"
    __table_args__ = (
        *roles_checks(),
        CheckConstraint("email = lower(email)", name="email_in_small_letters"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
    )

    email: Mapped[str] = mapped_column(SORTED, unique=True, doc="What the person signs in with, in small letters.")
    name: Mapped[str] = mapped_column(SORTED, doc="What the person is called.")
    password_hash: Mapped[str] = mapped_column(doc="The password's argon2id hash.")
    roles: Mapped[list[str]] = roles_column()
    disabled_at: Mapped[datetime | None] = mapped_column(doc="When signing in was forbidden, if it was.")
    token_version: Mapped[int] = mapped_column(
        default=1, server_default="1", doc="Access tokens of another version are refused."
    )


class ApiKey(ActsFor, Row):
    """A key by which a partner's program calls us. Its secret is told once, when the key is made."""

    __tablename__ = "api_keys"
    __table_args__ = (*roles_checks(), Index(None, "name", "id"), Index(None, "created_at", "id"))

    name: Mapped[str] = mapped_column(SORTED, doc="What the key is for.")
    prefix: Mapped[str] = mapped_column(
        SORTED, unique=True, doc="How the key begins, so that people can tell it apart."
    )
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, doc="The SHA-256 hash of the whole key.")
    roles: Mapped[list[str]] = roles_column()
    expires_at: Mapped[datetime | None] = mapped_column(doc="When it stops working, if ever.")
    revoked_at: Mapped[datetime | None] = mapped_column(doc="When it was revoked, if it was.")
    last_used_at: Mapped[datetime | None] = mapped_column(doc="When it was last used, to the minute.")


class RefreshToken(Table):
    """One refresh token: used once, it begets the next of its family. Rows are kept to recognise a second use."""

    __tablename__ = "refresh_tokens"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = reference("users.id", doc="Whose it is.")
    family: Mapped[str] = mapped_column(index=True)
    issued_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
