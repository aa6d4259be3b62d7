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
VIEWER_PARAMETERS = ("user_id", "api_key_id", "customer_id", "supplier_id", "carrier_id")


def viewer(parameter: str) -> BindParameter[Any]:
    """The caller's own `parameter` (one of VIEWER_PARAMETERS), bound when the statement runs."""
    if parameter not in VIEWER_PARAMETERS:
        raise ValueError(f"{parameter} is no viewer parameter; there are {', '.join(VIEWER_PARAMETERS)}")
    return bindparam(f"viewer_{parameter}", type_=BigInteger(), required=True)


def every_row(_: FromClause) -> ColumnElement[bool]:
    """The rule of a role that sees every row."""
    return true()


@dataclass(frozen=True)
class Own:
    """The rule of a role that sees the rows whose column `party` names the party it acts for."""

    party: str

    def __call__(self, row: FromClause) -> ColumnElement[bool]:
        """The condition on `row`."""
        return row.c[self.party] == viewer(self.party)


@dataclass(frozen=True)
class Visibility:
    """Each role's rule; a role that is not named sees nothing. `through` is the column of a parent that implies it.

    `parties` has the viewer parameter of each role that sees its own rows alone, or those of its own parents.
    """

    rules: Mapping[Role, Rule] = field(default_factory=dict)
    through: InstrumentedAttribute[Any] | None = None
    parties: Mapping[Role, str] = field(default_factory=dict)

    def to_all(self, roles: frozenset[Role]) -> bool:
        """Whether a caller with `roles` sees every row."""
        return any(self.rules.get(role) is every_row for role in roles)

    def party(self, roles: frozenset[Role]) -> str | None:
        """The viewer parameter that tells which rows a caller with `roles` sees; None where other rules count too."""
        found = {self.parties.get(role) for role in roles if role in self.rules}
        return found.pop() if len(found) == 1 else None

    def condition(self, row: FromClause, roles: frozenset[Role]) -> ColumnElement[bool]:
        """The condition on `row` for a caller with `roles`: true, false, or a rule with viewer parameters."""
        if self.to_all(roles):
            return true()
        rules = [self.rules[role](row) for role in sorted(roles) if role in self.rules]
        return or_(*rules) if rules else false()


def visible_to(*roles: frozenset[Role] | Role, **rules: Rule) -> Visibility:
    """Every row to `roles`, and to each role named by keyword the rows of its rule (`customer=lambda order: …`)."""
    whole = frozenset().union(*(role if isinstance(role, frozenset) else {role} for role in roles))
    ruled = {Role[name.upper()]: rule for name, rule in rules.items()}
    parties = {role: rule.party for role, rule in ruled.items() if isinstance(rule, Own)}
    return Visibility({**dict.fromkeys(whole, every_row), **ruled}, parties=parties)


def visible_through(column: InstrumentedAttribute[Any], parent: type[Any], visibility: Visibility) -> Visibility:
    """The rows whose parent, named by the foreign key `column`, is visible by the parent's own `visibility`."""

    def within(rule: Rule) -> Rule:
        if rule is every_row:
            return every_row

        def condition(row: FromClause) -> ColumnElement[bool]:
            above = parent.__table__.alias(f"{parent.__tablename__}_above")
            return row.c[column.key].in_(select(above.c.id).where(rule(above)))

        return condition

    ruled = {role: within(rule) for role, rule in visibility.rules.items()}
    return Visibility(ruled, through=column, parties=visibility.parties)


TO_EVERYONE = visible_to(EVERYONE)


def viewer_values(principal: Principal) -> dict[str, int | None]:
    """The values of the viewer parameters for `principal`, by the names that `viewer` binds."""
    return {f"viewer_{name}": getattr(principal, name) for name in VIEWER_PARAMETERS}
