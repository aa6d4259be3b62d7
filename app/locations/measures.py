"""Named SQL of the locations: which are sites, which lie inside another, and who sees them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, and_, any_, func, or_, select

from app.kernel.principal import STAFF
from app.kernel.visibility import viewer, visible_to
from app.locations import rules, tables

AFTER_SLASH = "0"
"""The character that follows a slash, so that the paths of a subtree are those from its root's up to it."""


def is_site(location: FromClause) -> ColumnElement[bool]:
    """Whether it is a whole site, and not a part of one."""
    return location.c.kind.in_(sorted(rules.SITES))


def within(location: FromClause, path: str) -> ColumnElement[bool]:
    """Whether `location` is the place with `path` or lies anywhere inside it; the index on paths answers it."""
    return and_(location.c.path >= path, location.c.path < path.removesuffix("/") + AFTER_SLASH)


def path_ids(location: FromClause) -> ColumnElement[list[int]]:
    """The ids of `location` and of all places that it lies inside, the outermost first; their codes are its path."""
    around = tables.Location.__table__.alias("location_around")
    codes = func.string_to_array(func.trim(location.c.path, "/"), "/")
    ids = select(around.c.id).where(around.c.code == any_(codes)).order_by(around.c.path)
    return func.array(ids.correlate(location).scalar_subquery())


def sells_to_everyone(location: FromClause) -> ColumnElement[bool]:
    """Whether it is a site that sells, which everyone may see."""
    return and_(location.c.sells, is_site(location))


def supplied_or_selling(location: FromClause) -> ColumnElement[bool]:
    """Whether everyone may see it, or it is the caller's own as a supplier."""
    return or_(sells_to_everyone(location), location.c.supplier_id == viewer("supplier_id"))


location_visibility = visible_to(
    STAFF,
    customer=sells_to_everyone,
    carrier=sells_to_everyone,
    anonymous=sells_to_everyone,
    supplier=supplied_or_selling,
)
