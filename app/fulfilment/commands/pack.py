"""Packing: which of the picked goods are in which parcel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands.fulfilments import (
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
from app.fulfilment.events import ParcelPacked
from app.fulfilment.tables import (
    FulfilmentAction,
    FulfilmentId,
    FulfilmentLine,
    FulfilmentLineId,
    FulfilmentStatus,
    Parcel,
    ParcelId,
    ParcelLine,
)
from app.kernel import clock
from app.kernel.limits import QUANTITY, Between, Length
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import ActionNotAllowed

SIDE_MM = Between(1, 20_000)
WEIGHT_GRAMS = Between(1, 50_000_000)


class NotPicked(Refusal):
    """More is to be packed than was picked and not packed yet."""

    picked: Annotated[int, "Pieces of the line that were picked and are not in a parcel."]


@dataclass(frozen=True, kw_only=True)
class PackedLine:
    """Pieces of one line in the parcel."""

    fulfilment_line_id: Annotated[FulfilmentLineId, "The line they were picked for."]
    quantity: Annotated[int, "Pieces of it in this parcel.", QUANTITY]


@dataclass(frozen=True, kw_only=True)
class PackParcel:
    """Say what a parcel contains, and what it weighs and measures where that is known."""

    fulfilment_id: Annotated[FulfilmentId, "The fulfilment whose goods are packed."]
    lines: Annotated[tuple[PackedLine, ...], "What is in the parcel.", Length(1, 250)]
    weight_grams: Annotated[int | None, "Its weight with packaging, in grams.", WEIGHT_GRAMS] = None
    length_mm: Annotated[int | None, "Its longest side, in millimetres.", SIDE_MM] = None
    width_mm: Annotated[int | None, "Its second side, in millimetres.", SIDE_MM] = None
    height_mm: Annotated[int | None, "Its shortest side, in millimetres.", SIDE_MM] = None


@allows(STAFF)
@refuses(UnknownFulfilment, UnknownFulfilmentLine, FulfilmentStatusForbids, LineRepeated, NotPicked, ActionNotAllowed)
async def pack_parcel(session: AsyncSession, parcel: PackParcel, *, by: Principal) -> ParcelId:
    """Pack picked goods into a parcel; only what was picked may be packed."""
    fulfilment = await lock_fulfilment(session, parcel.fulfilment_id, FulfilmentAction.PACK, by=by)
    await lock_served_order(session, fulfilment)
    lines = await lines_of(session, fulfilment.id)
    packed = _packed(lines, parcel)
    row = Parcel(
        fulfilment_id=fulfilment.id,
        weight_grams=parcel.weight_grams,
        length_mm=parcel.length_mm,
        width_mm=parcel.width_mm,
        height_mm=parcel.height_mm,
        packed_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    session.add_all(_content(row, line, quantity) for line, quantity in packed)
    before, fulfilment.status = fulfilment.status, progress_of(lines)
    if fulfilment.status is FulfilmentStatus.PACKED:
        fulfilment.packed_at = row.packed_at
    await session.flush()
    facts = facts_of(fulfilment, before=before)
    pieces = sum(quantity for _, quantity in packed)
    record(session, ParcelPacked(**facts, parcel_id=row.id, pieces=pieces), by=by)
    return ParcelId(row.id)


def _packed(lines: dict[int, FulfilmentLine], parcel: PackParcel) -> list[tuple[FulfilmentLine, int]]:
    """The lines with the pieces packed of each, counted on the lines; refuses what was not picked."""
    packed: dict[int, tuple[FulfilmentLine, int]] = {}
    for index, content in enumerate(parcel.lines):
        line = lines.get(content.fulfilment_line_id)
        if line is None:
            raise UnknownFulfilmentLine(field=f"lines.{index}.fulfilment_line_id")
        if line.id in packed:
            raise LineRepeated(field=f"lines.{index}.fulfilment_line_id")
        ready = line.quantity_picked - line.quantity_packed
        if content.quantity > ready:
            raise NotPicked(field=f"lines.{index}.quantity", picked=ready)
        line.quantity_packed += content.quantity
        packed[line.id] = (line, content.quantity)
    return list(packed.values())


def _content(parcel: Parcel, line: FulfilmentLine, quantity: int) -> ParcelLine:
    """Pieces of a line in a parcel."""
    return ParcelLine(parcel_id=parcel.id, fulfilment_line_id=line.id, product_id=line.product_id, quantity=quantity)
