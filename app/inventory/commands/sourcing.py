"""What fulfilment and shipments do with an order's holds: lay them where the goods are taken from, and ship them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands.holds import HoldStock, close_part, lock_holds, tell_holds, write_holds
from app.inventory.commands.ledger import write_movements
from app.inventory.commands.levels import change_levels, lock_levels
from app.inventory.rules import LevelChange, Placement
from app.inventory.tables import HoldKind, HoldStatus, LevelChangeReason, MovementReason, StockHold, StockMovement
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal


class NotHeld(Refusal):
    """The pieces are not held for this order at this location."""

    held: Annotated[int, "How many pieces are held there."]


@dataclass(frozen=True, kw_only=True)
class MoveHolds:
    """Lay the holds of order lines exactly as `targets` say; lines that these do not name keep their holds."""

    order_id: int
    targets: tuple[Placement, ...]


@dataclass(frozen=True, kw_only=True)
class ConsumeHolds:
    """Ship pieces that an order holds: `parts` are lines, locations and quantities."""

    order_id: int
    parts: tuple[Placement, ...]
    reference: str | None = None


Spot = tuple[int | None, int]
"""A line of an order at a location."""


async def move_holds(session: AsyncSession, move: MoveHolds, *, by: Principal) -> None:
    """Hold an order's pieces at the locations that will ship them, all or none."""
    holds = _by_spot(await lock_holds(session, move.order_id))
    wanted = {(target.order_line_id, target.location_id): target for target in move.targets}
    lines = {line for line, _ in wanted}
    closing = [
        (hold, hold.quantity - (wanted[spot].quantity if spot in wanted else 0))
        for spot, hold in holds.items()
        if spot[0] in lines
    ]
    opening = [_more(target, holds.get(spot)) for spot, target in wanted.items()]
    added = [target for target in opening if target.quantity > 0]
    closed = [close_part(session, hold, part, HoldStatus.RELEASED) for hold, part in closing if part > 0]
    changes = [each.change for each in closed] + [
        LevelChange(product_id=target.product_id, location_id=target.location_id, held=target.quantity)
        for target in added
    ]
    levels = await lock_levels(session, [change.key for change in changes])
    await change_levels(session, changes, reason=LevelChangeReason.SOURCED, by=by, locked=levels)
    await session.flush()
    tell_holds(session, [hold for each in closed for hold in each.holds], by=by)
    await write_holds(session, added, levels, HoldStock(order_id=move.order_id, lines=(), kind=HoldKind.ORDER), by=by)


async def consume_holds(session: AsyncSession, shipped: ConsumeHolds, *, by: Principal) -> None:
    """Take pieces that an order holds out of stock, for they left for the customer."""
    holds = _by_spot(await lock_holds(session, shipped.order_id))
    closed, movements = [], []
    for index, part in enumerate(shipped.parts):
        hold = holds.get((part.order_line_id, part.location_id))
        held = hold.quantity if hold and hold.status == HoldStatus.ACTIVE else 0
        if hold is None or held < part.quantity:
            raise NotHeld(field=f"parts.{index}.quantity", held=held)
        closed.append(close_part(session, hold, part.quantity, HoldStatus.CONSUMED))
        movements.append(_shipment(closed[-1].change, shipped.reference, by))
    changes = [replace(each.change, on_hand=each.change.held) for each in closed]
    await change_levels(session, changes, reason=LevelChangeReason.SHIPPED, by=by)
    await write_movements(session, movements, by=by)
    tell_holds(session, [hold for each in closed for hold in each.holds], by=by)


def _by_spot(holds: Iterable[StockHold]) -> dict[Spot, StockHold]:
    """The holds by what they are for; a line has at most one active hold at a location."""
    return {(hold.order_line_id, hold.location_id): hold for hold in holds}


def _more(target: Placement, hold: StockHold | None) -> Placement:
    """How many pieces are to be held beyond those that `hold` has; none or fewer where it has enough."""
    return replace(target, quantity=target.quantity - (hold.quantity if hold else 0))


def _shipment(change: LevelChange, reference: str | None, by: Principal) -> StockMovement:
    """The line of the ledger for held pieces that left."""
    return StockMovement(
        product_id=change.product_id,
        from_location_id=change.location_id,
        quantity=-change.held,
        reason=MovementReason.SHIPPED,
        reference=reference,
        actor=by.name,
    )
