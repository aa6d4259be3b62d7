"""Which rows a caller may see, said once as SQL and used by every reading and every command.

A rule takes a table (or an alias of it) and answers a condition on its rows. Rules are chosen by the caller's roles
before SQL is written, so a statement never weighs one role's rule against another's at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, FromClause, bindparam, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from app.kernel.principal import EVERYONE, Principal, Role

Rule = Callable[[FromClause], ColumnElement[bool]]
VIEWER_PARAMETERS = ("user_id", "customer_id", "supplier_id", "carrier_id")


def viewer(parameter: str) -> BindParameter[Any]:
    """The caller's own `parameter` (one of VIEWER_PARAMETERS), bound when the statement runs."""
    if parameter not in VIEWER_PARAMETERS:
        raise ValueError(f"{parameter} is no viewer parameter; there are {', '.join(VIEWER_PARAMETERS)}")
    return bindparam(f"viewer_{parameter}", type_=BigInteger(), required=True)


def every_row(_: FromClause) -> ColumnElement[bool]:
    """The rule of a role that sees every row."""
    return true()


@dataclass(frozen=True)
class Visibility:
    """Each role's rule; a role that is not named sees nothing. `through` is the column of a parent that implies it."""

    rules: Mapping[Role, Rule] = field(default_factory=dict)
    through: InstrumentedAttribute[Any] | None = None

    def to_all(self, roles: frozenset[Role]) -> bool:
        """Whether a caller with `roles` sees every row."""
        return any(self.rules.get(role) is every_row for role in roles)

    def condition(self, row: FromClause, roles: frozenset[Role]) -> ColumnElement[bool]:
        """The condition on `row` for a caller with `roles`: true, false, or a rule with viewer parameters."""
        if self.to_all(roles):
            return true()
        rules = [self.rules[role](row) for role in sorted(roles) if role in self.rules]
        return or_(*rules) if rules else false()


def visible_to(*roles: frozenset[Role] | Role, **rules: Rule) -> Visibility:
    """Every row to `roles`, and to each role named by keyword the rows of its rule (`customer=lambda order: …`)."""
    whole = frozenset().union(*(role if isinstance(role, frozenset) else {role} for role in roles))
    return Visibility({**dict.fromkeys(whole, every_row), **{Role[name.upper()]: rule for name, rule in rules.items()}})


def visible_through(column: InstrumentedAttribute[Any], parent: type[Any], visibility: Visibility) -> Visibility:
    """The rows whose parent, named by the foreign key `column`, is visible by the parent's own `visibility`."""

    def within(rule: Rule) -> Rule:
        if rule is every_row:
            return every_row

        def condition(row: FromClause) -> ColumnElement[bool]:
            above = parent.__table__.alias(f"{parent.__tablename__}_above")
            return row.c[column.key].in_(select(above.c.id).where(rule(above)))

        return condition

    return Visibility({role: within(rule) for role, rule in visibility.rules.items()}, through=column)


TO_EVERYONE = visible_to(EVERYONE)


def viewer_values(principal: Principal) -> dict[str, int | None]:
    """The values of the viewer parameters for `principal`, by the names that `viewer` binds."""
    return {f"viewer_{name}": getattr(principal, name) for name in VIEWER_PARAMETERS}
