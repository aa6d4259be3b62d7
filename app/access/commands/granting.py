"""What users and keys may be granted: roles that the giver may give, each with the party that it acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.access import rules
from app.kernel.conflicts import flush_or_refuse
from app.kernel.principal import Principal, Role
from app.kernel.refusal import Refusal

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from app.access.commands.api_keys import CreateApiKey
    from app.access.commands.users import CreateUser, GrantUser


class RoleNotGrantable(Refusal):
    """You may not grant this role: nobody is made a stranger, and only administrators grant roles they do not hold."""


class MissingParty(Refusal):
    """A customer's, supplier's or carrier's role needs the one that it acts for."""


class UnknownParty(Refusal):
    """There is no such customer, supplier or carrier."""


def granted(request: CreateUser | GrantUser | CreateApiKey, *, by: Principal) -> dict[str, Any]:
    """The columns that say what a user or key may do, where `by` may grant it."""
    if Role.ANONYMOUS in request.roles or not rules.may_grant(by.roles, request.roles):
        raise RoleNotGrantable(field="roles")
    parties = {party: getattr(request, party) for party in rules.PARTY_OF.values()}
    missing = rules.missing_party(request.roles, **parties)
    if missing:
        raise MissingParty(field=missing)
    return {"roles": sorted({role.value for role in request.roles}), **parties}


async def flush_granted(session: AsyncSession, table: str, refusals: dict[str, Refusal]) -> None:
    """Write the user or key; refuse parties that there are not, and what `refusals` name."""
    unknown: dict[str, Refusal] = {
        f"fk_{table}_{party}": UnknownParty(field=party) for party in rules.PARTY_OF.values()
    }
    await flush_or_refuse(session, unknown | refusals)
