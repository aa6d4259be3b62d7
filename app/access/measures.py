"""Who sees which users and keys, and whether a key still works."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, and_, func, or_

from app.kernel.principal import Role
from app.kernel.visibility import viewer, visible_to


def roles(holder: FromClause) -> ColumnElement[list[str]]:
    """What it is to us, which decides what it may see and do."""
    return holder.c.roles


def own_user(user: FromClause) -> ColumnElement[bool]:
    """Whether it is the caller."""
    return user.c.id == viewer("user_id")


def is_active(user: FromClause) -> ColumnElement[bool]:
    """Whether it may sign in."""
    return user.c.disabled_at.is_(None)


def works(api_key: FromClause) -> ColumnElement[bool]:
    """Whether it may be used now: it is neither revoked nor expired."""
    return and_(api_key.c.revoked_at.is_(None), or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > func.now()))


user_visibility = visible_to(Role.ADMIN, operator=own_user, customer=own_user, supplier=own_user, carrier=own_user)
api_key_visibility = visible_to(Role.ADMIN)
