"""What every command of fulfilment needs: finding and locking a fulfilment, and telling what changed."""

from __future__ import annotations

from typing import Annotated, TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment import rules
from app.fulfilment.measures import fulfilment_visibility
from app.fulfilment.tables import (
    Fulfilment,
    FulfilmentAction,
    FulfilmentId,
    FulfilmentLine,
    FulfilmentStatus,
)
from app.kernel.locks import lock_one
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal


class UnknownFulfilment(Refusal):
    """There is no such fulfilment, or you may not see it."""


class UnknownFulfilmentLine(Refusal):
    """The fulfilment has no such line."""


class FulfilmentStatusForbids(Refusal):
    """The fulfilment's status does not allow this; `allowedActions` of the fulfilment tells what it allows."""

    status: Annotated[str, "The status that forbids it."]


class LineRepeated(Refusal):
    """The same line is named twice; name each once, with the sum."""


class Facts(TypedDict):
    """What every event of a fulfilment tells, as keyword arguments."""

    fulfilment_id: int
    order_id: int
    customer_id: int | None
    location_id: int
    status_before: FulfilmentStatus | None
    status_after: FulfilmentStatus


async def lock_fulfilment(
    session: AsyncSession, fulfilment_id: FulfilmentId, action: FulfilmentAction, *, by: Principal
) -> Fulfilment:
    """The fulfilment, locked for `action`; refused where it is unknown or its status forbids the action."""
    found = await lock_one(session, Fulfilment, fulfilment_id, by=by, visibility=fulfilment_visibility)
    if found is None:
        raise UnknownFulfilment(field="fulfilment_id")
    if not rules.may(action, found.status):
        raise FulfilmentStatusForbids(field="fulfilment_id", status=found.status.value)
    return found


async def lines_of(session: AsyncSession, fulfilment_id: int) -> dict[int, FulfilmentLine]:
    """The lines of a fulfilment, by id, fresh from the database; whoever locked the fulfilment may change them."""
    statement = select(FulfilmentLine).where(FulfilmentLine.fulfilment_id == fulfilment_id).order_by(FulfilmentLine.id)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {line.id: line for line in found}


def progress_of(lines: dict[int, FulfilmentLine]) -> FulfilmentStatus:
    """The status that picking and packing of `lines` have come to."""
    return rules.progress(
        rules.Picked(
            quantity=line.quantity,
            picked=line.quantity_picked,
            short=line.quantity_short,
            packed=line.quantity_packed,
        )
        for line in lines.values()
    )


def facts_of(fulfilment: Fulfilment, *, before: FulfilmentStatus | None) -> Facts:
    """What an event tells of `fulfilment`, which was in the status `before`."""
    return {
        "fulfilment_id": fulfilment.id,
        "order_id": fulfilment.order_id,
        "customer_id": fulfilment.customer_id,
        "location_id": fulfilment.location_id,
        "status_before": before,
        "status_after": fulfilment.status,
    }
