"""Allocating: an order's lines get the locations that will ship them, and the stock is held there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment import rules
from app.fulfilment.commands.fulfilments import facts_of
from app.fulfilment.events import FulfilmentAllocated
from app.fulfilment.questions import committed_holds, plan_for
from app.fulfilment.tables import Fulfilment, FulfilmentLine
from app.inventory.commands import InsufficientStock, MoveHolds, move_holds
from app.inventory.rules import Placement
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, allows, refuses
from app.locations.commands import UnknownLocation
from app.locations.tables import Location, LocationId
from app.orders.commands import (
    ActionNotAllowed,
    LineQuantity,
    OrderProgress,
    UnknownOrder,
    lock_order,
    mark_allocated,
    require,
)
from app.orders.rules import OrderAction
from app.orders.tables import Order, OrderId, OrderLineId


class NothingToAllocate(Refusal):
    """Every piece of the order has a location already."""


class NoLocationServes(Refusal):
    """No location that fulfils orders has what the order still lacks, alone or with others."""

    missing: Annotated[int, "Pieces that nobody has."]


@dataclass(frozen=True, kw_only=True)
class AllocateOrder:
    """Choose the locations that ship an order."""

    order_id: Annotated[OrderId, "The order to allocate."]
    location_id: Annotated[LocationId | None, "The one location to serve it from; else the best are chosen."] = None


@allows(STAFF)
@refuses(UnknownOrder, UnknownLocation, ActionNotAllowed, NothingToAllocate, NoLocationServes, InsufficientStock)
async def allocate_order(session: AsyncSession, allocation: AllocateOrder, *, by: Principal) -> OrderId:
    """Choose the locations that ship an order and hold its stock there.

    The fewest locations are chosen, and of those the nearest to the customer; all pieces that the order still lacks get
    a location, or nothing changes. `sourcingPlan` tells beforehand what would be chosen and why.
    """
    order = await lock_order(session, allocation.order_id, by=by)
    require(order, OrderAction.ALLOCATE)
    plan = await plan_for(session, order, only=await _only(session, allocation))
    _require_whole(plan)
    await _hold_as_planned(session, order, plan, by=by)
    await _open_fulfilments(session, order, plan, by=by)
    await mark_allocated(session, OrderProgress(order_id=order.id, lines=_allocated(plan)), by=by)
    return OrderId(order.id)


async def _only(session: AsyncSession, allocation: AllocateOrder) -> list[LocationId] | None:
    """The one location that the request names, if it names any."""
    if allocation.location_id is None:
        return None
    if await session.get(Location, allocation.location_id) is None:
        raise UnknownLocation(field="location_id")
    return [allocation.location_id]


def _require_whole(plan: rules.SourcingPlan) -> None:
    """Refuse a plan that leaves something out, or has nothing to do."""
    if plan.shortages:
        missing = sum(shortage.quantity for shortage in plan.shortages)
        raise NoLocationServes(field="order_id", missing=missing)
    if not plan.chosen:
        raise NothingToAllocate(field="order_id")


async def _hold_as_planned(session: AsyncSession, order: Order, plan: rules.SourcingPlan, *, by: Principal) -> None:
    """Lay the order's holds where the plan ships from, besides those that earlier fulfilments need."""
    due = Counter(await committed_holds(session, order.id))
    for chosen in plan.chosen:
        for share in chosen.shares:
            due[share.order_line_id, share.product_id, chosen.location_id] += share.quantity
    lines = {share.order_line_id for chosen in plan.chosen for share in chosen.shares}
    targets = tuple(
        Placement(order_line_id=line, product_id=product, location_id=place, quantity=pieces)
        for (line, product, place), pieces in sorted(due.items())
        if line in lines
    )
    await move_holds(session, MoveHolds(order_id=order.id, targets=targets), by=by)


async def _open_fulfilments(session: AsyncSession, order: Order, plan: rules.SourcingPlan, *, by: Principal) -> None:
    """Begin a fulfilment at each chosen location."""
    for chosen in plan.chosen:
        fulfilment = Fulfilment(order_id=order.id, customer_id=order.customer_id, location_id=chosen.location_id)
        session.add(fulfilment)
        await session.flush()
        session.add_all(_line(fulfilment, share) for share in chosen.shares)
        facts = facts_of(fulfilment, before=None)
        pieces = sum(share.quantity for share in chosen.shares)
        record(session, FulfilmentAllocated(**facts, pieces=pieces), by=by)
    await session.flush()


def _line(fulfilment: Fulfilment, share: rules.SourcingShare) -> FulfilmentLine:
    """The line of a fulfilment that serves a share of an order line."""
    return FulfilmentLine(
        fulfilment_id=fulfilment.id,
        order_line_id=share.order_line_id,
        product_id=share.product_id,
        quantity=share.quantity,
    )


def _allocated(plan: rules.SourcingPlan) -> tuple[LineQuantity, ...]:
    """How many pieces of each order line the plan allocates."""
    pieces: Counter[OrderLineId] = Counter()
    for chosen in plan.chosen:
        for share in chosen.shares:
            pieces[share.order_line_id] += share.quantity
    return tuple(LineQuantity(order_line_id=line, quantity=pieces[line]) for line in sorted(pieces))
