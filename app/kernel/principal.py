"""Who is calling: the roles held and the parties acted for. Nothing is allowed that no role allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.kernel.choice import Choice


class Role(Choice):
    """What a caller is to us; a caller may have several roles."""

    ADMIN = "ADMIN", "Manages users and keys, and may do and see everything."
    OPERATOR = "OPERATOR", "Works in our offices and warehouses: sees all trade, but no users or keys of others."
    CUSTOMER = "CUSTOMER", "Buys: sees its own orders, shipments and returns."
    SUPPLIER = "SUPPLIER", "Sells to us: sees what it supplies."
    CARRIER = "CARRIER", "Carries: sees the shipments given to it."
    ANONYMOUS = "ANONYMOUS", "A stranger: sees the published catalogue and availability, and a cart by its token."


STAFF = frozenset({Role.ADMIN, Role.OPERATOR})
EVERYONE = frozenset(Role)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """One caller, as signed in: a user, an API key, a stranger, or the system itself."""

    roles: frozenset[Role] = frozenset({Role.ANONYMOUS})
    name: str = "anonymous"
    user_id: int | None = None
    api_key_id: int | None = None
    customer_id: int | None = None
    supplier_id: int | None = None
    carrier_id: int | None = None
    session: str | None = None
    """Which of a user's sessions it calls in; it calls no longer once that has ended."""
    ends_at: datetime | None = None
    """When its credential ends by itself, where that is known beforehand."""

    @property
    def is_staff(self) -> bool:
        """Whether the caller works for us."""
        return bool(self.roles & STAFF)

    def has(self, roles: frozenset[Role]) -> bool:
        """Whether the caller holds one of `roles`."""
        return bool(self.roles & roles)


ANONYMOUS = Principal()
SYSTEM = Principal(roles=frozenset({Role.ADMIN}), name="system")
"""The system itself: reactions, timers and imports act as it."""
