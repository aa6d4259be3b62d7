"""Named SQL expressions of returns, and who sees which of their rows."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause

from app.kernel.principal import STAFF
from app.kernel.transitions import allowed_in
from app.kernel.visibility import Own, visible_through, visible_to
from app.returns import rules, tables

return_visibility = visible_to(STAFF, customer=Own("customer_id"))
"""Staff see all; a customer its own."""
return_line_visibility = visible_through(tables.ReturnLine.return_id, tables.Return, return_visibility)
refund_visibility = visible_through(tables.Refund.return_id, tables.Return, return_visibility)


def allowed_actions(row: FromClause) -> ColumnElement[list[str]]:
    """What may be done with it now."""
    return allowed_in(row.c.status, rules.ALLOWED)
