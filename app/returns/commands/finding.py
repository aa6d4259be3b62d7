"""What every command of returns needs: finding and locking a return, and telling what changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.locks import lock_one
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal
from app.returns import rules
from app.returns.measures import return_visibility
from app.returns.tables import Return, ReturnAction, ReturnId, ReturnLine, ReturnStatus


class UnknownReturn(Refusal):
    """There is no such return, or you may not see it."""


class UnknownReturnLine(Refusal):
    """The return has no such line."""


class ReturnStatusForbids(Refusal):
    """The return's status does not allow this; `allowedActions` of the return tells what it allows."""

    status: Annotated[str, "The status that forbids it."]


class ReturnLineRepeated(Refusal):
    """The same line is named twice; name each once."""


class Facts(TypedDict):
    """What every event of a return tells, as keyword arguments."""

    return_id: int
    order_id: int
    customer_id: int | None
    status_before: ReturnStatus | None
    status_after: ReturnStatus


async def lock_return(session: AsyncSession, return_id: ReturnId, action: ReturnAction, *, by: Principal) -> Return:
    """The return, locked for `action`; refused where it is unknown or its status forbids the action."""
    found = await lock_one(session, Return, return_id, by=by, visibility=return_visibility)
    if found is None:
        raise UnknownReturn(field="return_id")
    if not rules.may(action, found.status):
        raise ReturnStatusForbids(field="return_id", status=found.status.value)
    return found


async def lines_of(session: AsyncSession, return_id: int) -> dict[int, ReturnLine]:
    """The lines of a return, by id, fresh from the database; whoever locked the return may change them."""
    statement = select(ReturnLine).where(ReturnLine.return_id == return_id).order_by(ReturnLine.id)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {line.id: line for line in found}


def named_lines(lines: dict[int, ReturnLine], keys: Iterable[int]) -> list[ReturnLine]:
    """The lines that an input names by `keys`; refused where one is unknown or named twice."""
    named: dict[int, ReturnLine] = {}
    for index, key in enumerate(keys):
        if key not in lines:
            raise UnknownReturnLine(field=f"lines.{index}.return_line_id")
        if key in named:
            raise ReturnLineRepeated(field=f"lines.{index}.return_line_id")
        named[key] = lines[key]
    return list(named.values())


def facts_of(returned: Return, *, before: ReturnStatus | None) -> Facts:
    """What an event tells of a return, which was in the status `before`."""
    return {
        "return_id": returned.id,
        "order_id": returned.order_id,
        "customer_id": returned.customer_id,
        "status_before": before,
        "status_after": returned.status,
    }
