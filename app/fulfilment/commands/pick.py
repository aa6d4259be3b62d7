"""Picking: what was taken from the shelf, and what was not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands.fulfilments import (
    Facts,
    FulfilmentStatusForbids,
    LineRepeated,
    UnknownFulfilment,
    UnknownFulfilmentLine,
    facts_of,
    lines_of,
    lock_fulfilment,
    progress_of,
)
from app.fulfilment.commands.served_orders import lock_served_order
from app.fulfilment.commands.shortages import write_off
from app.fulfilment.events import FulfilmentCancelled, FulfilmentPicked
from app.fulfilment.tables import (
    Fulfilment,
    FulfilmentAction,
    FulfilmentId,
    FulfilmentLine,
    FulfilmentLineId,
    FulfilmentStatus,
)
from app.kernel import clock
from app.kernel.limits import QUANTITY, Length
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import ActionNotAllowed


class PickedTooMany(Refusal):
    """More was picked than the line still wants."""

    wanted: Annotated[int, "Pieces that the line still wants."]


class NothingPicked(Refusal):
    """Name at least one line that was picked, or say that this is the last pick."""


@dataclass(frozen=True, kw_only=True)
class PickedLine:
    """Pieces picked for one line."""

    fulfilment_line_id: Annotated[FulfilmentLineId, "The line they were picked for."]
    quantity: Annotated[int, "Pieces picked now, besides those picked before.", QUANTITY]


@dataclass(frozen=True, kw_only=True)
class ConfirmPick:
    """Say what was picked for a fulfilment."""

    fulfilment_id: Annotated[FulfilmentId, "The fulfilment that was picked for."]
    lines: Annotated[
        tuple[PickedLine, ...], "What was picked; lines of which nothing was picked are left out.", Length(0, 250)
    ]
    is_last: Annotated[bool, "Whether picking ends: what is missing now is recorded as a short pick."] = False


@allows(STAFF)
@refuses(
    UnknownFulfilment,
    UnknownFulfilmentLine,
    FulfilmentStatusForbids,
    LineRepeated,
    PickedTooMany,
    NothingPicked,
    ActionNotAllowed,
)
async def confirm_pick(session: AsyncSession, pick: ConfirmPick, *, by: Principal) -> FulfilmentId:
    """Record what was picked for a fulfilment.

    When the last pick leaves pieces missing, they are taken off the stock of the location, for its shelf does not have
    them, and the order may be allocated again for them.
    """
    if not pick.lines and not pick.is_last:
        raise NothingPicked(field="lines")
    fulfilment = await lock_fulfilment(session, pick.fulfilment_id, FulfilmentAction.PICK, by=by)
    await lock_served_order(session, fulfilment)
    lines = await lines_of(session, fulfilment.id)
    _add_picked(lines, pick)
    short = _add_short(lines) if pick.is_last else {}
    before = fulfilment.status
    _advance(fulfilment, progress_of(lines))
    await session.flush()
    if short:
        await write_off(session, fulfilment, short, by=by)
    record(session, _event(facts_of(fulfilment, before=before), pick, sum(short.values())), by=by)
    return FulfilmentId(fulfilment.id)


def _add_picked(lines: dict[int, FulfilmentLine], pick: ConfirmPick) -> None:
    """Count what was picked, refusing what no line wants."""
    seen = set[int]()
    for index, picked in enumerate(pick.lines):
        line = lines.get(picked.fulfilment_line_id)
        if line is None:
            raise UnknownFulfilmentLine(field=f"lines.{index}.fulfilment_line_id")
        if line.id in seen:
            raise LineRepeated(field=f"lines.{index}.fulfilment_line_id")
        seen.add(line.id)
        wanted = line.quantity - line.quantity_picked
        if picked.quantity > wanted:
            raise PickedTooMany(field=f"lines.{index}.quantity", wanted=wanted)
        line.quantity_picked += picked.quantity


def _add_short(lines: dict[int, FulfilmentLine]) -> dict[int, int]:
    """Record what is missing of each line; answers the missing pieces by line."""
    short = {line.id: line.quantity - line.quantity_picked for line in lines.values()}
    for line in lines.values():
        line.quantity_short = short[line.id]
    return {line: pieces for line, pieces in short.items() if pieces}


def _advance(fulfilment: Fulfilment, status: FulfilmentStatus) -> None:
    """Bring the fulfilment to `status`, with the time of it."""
    fulfilment.status = status
    if status in {FulfilmentStatus.PICKED, FulfilmentStatus.PACKED}:
        fulfilment.picked_at = clock.now()
    if status is FulfilmentStatus.PACKED:
        fulfilment.packed_at = clock.now()
    if status is FulfilmentStatus.CANCELLED:
        fulfilment.cancelled_at = clock.now()


def _event(facts: Facts, pick: ConfirmPick, short: int) -> FulfilmentPicked | FulfilmentCancelled:
    """The one event of this pick."""
    if facts["status_after"] is FulfilmentStatus.CANCELLED:
        return FulfilmentCancelled(**facts)
    return FulfilmentPicked(**facts, pieces=sum(line.quantity for line in pick.lines), pieces_short=short)
