"""Cancelling: a location will not serve its part of an order after all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.commands.fulfilments import (
    FulfilmentStatusForbids,
    UnknownFulfilment,
    facts_of,
    lines_of,
    lock_fulfilment,
)
from app.fulfilment.commands.served_orders import lock_served_order
from app.fulfilment.events import FulfilmentCancelled
from app.fulfilment.rules import may
from app.fulfilment.tables import Fulfilment, FulfilmentAction, FulfilmentId, FulfilmentStatus, Parcel
from app.kernel import clock
from app.kernel.locks import lock
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.orders.commands import ActionNotAllowed, LineQuantity, OrderProgress, mark_allocated


class ParcelsGiven(Refusal):
    """Parcels of the fulfilment are given to a shipment already; cancel that first."""


@dataclass(frozen=True, kw_only=True)
class CancelFulfilment:
    """Take a location's part of an order from it."""

    fulfilment_id: Annotated[FulfilmentId, "The fulfilment to call off."]


@allows(STAFF)
@refuses(UnknownFulfilment, FulfilmentStatusForbids, ParcelsGiven, ActionNotAllowed)
async def cancel_fulfilment(session: AsyncSession, cancelling: CancelFulfilment, *, by: Principal) -> FulfilmentId:
    """Call a fulfilment off before anything of it is given to a shipment.

    The order keeps holding the stock and may be allocated again.
    """
    fulfilment = await lock_fulfilment(session, cancelling.fulfilment_id, FulfilmentAction.CANCEL, by=by)
    given = select(Parcel.id).where(Parcel.fulfilment_id == fulfilment.id, Parcel.shipment_id.is_not(None))
    if await session.scalar(given.limit(1)) is not None:
        raise ParcelsGiven(field="fulfilment_id")
    order = await lock_served_order(session, fulfilment)
    unserved: Counter[int] = Counter()
    for line in (await lines_of(session, fulfilment.id)).values():
        unserved[line.order_line_id] -= line.quantity - line.quantity_short
    parts = tuple(LineQuantity(order_line_id=line, quantity=pieces) for line, pieces in sorted(unserved.items()))
    await mark_allocated(session, OrderProgress(order_id=order.id, lines=parts), by=by)
    await _call_off(session, fulfilment, by=by)
    return FulfilmentId(fulfilment.id)


async def cancel_fulfilments_of(session: AsyncSession, order_id: int, *, by: Principal) -> int:
    """Call off whatever is still to be done for a cancelled order; answers how many fulfilments there were."""
    keys = await session.scalars(select(Fulfilment.id).where(Fulfilment.order_id == order_id))
    found = (await lock(session, Fulfilment, keys)).values()
    undone = [fulfilment for fulfilment in found if may(FulfilmentAction.CANCEL, fulfilment.status)]
    for fulfilment in undone:
        await _call_off(session, fulfilment, by=by)
    return len(undone)


async def _call_off(session: AsyncSession, fulfilment: Fulfilment, *, by: Principal) -> None:
    """Bring a locked fulfilment to its end."""
    before, fulfilment.status = fulfilment.status, FulfilmentStatus.CANCELLED
    fulfilment.cancelled_at = clock.now()
    await session.flush()
    record(session, FulfilmentCancelled(**facts_of(fulfilment, before=before)), by=by)
