"""Holds: pieces promised to carts and orders. Other domains call these inside their own transaction.

Whoever calls has locked the cart or order. Its holds are locked before any level, in the order of their ids; the timer
that expires holds skips those that are locked, so the two never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands.levels import InsufficientStock, Level, change_levels, lock_offers
from app.inventory.rules import LevelChange, LevelKey, Placement, Want, placed
from app.inventory.tables import HoldKind, HoldStatus, LevelChangeReason, StockHold
from app.kernel import clock
from app.kernel.principal import Principal

IS_ACTIVE = StockHold.status == literal_column(f"'{HoldStatus.ACTIVE}'")
"""Written out, for PostgreSQL cannot know that a parameter matches the condition of a partial index."""


@dataclass(frozen=True, kw_only=True)
class HoldLine:
    """Pieces that a line wants held beyond those it has already; `field` is what a refusal names."""

    order_line_id: int
    product_id: int
    quantity: int
    already: int = 0
    field: str | None = "quantity"


@dataclass(frozen=True, kw_only=True)
class HoldStock:
    """Hold pieces for lines of one cart or order, all of them (`whole`) or as many as there are."""

    order_id: int
    lines: tuple[HoldLine, ...]
    kind: HoldKind
    expires_at: datetime | None = None
    whole: bool = True


async def hold_stock(session: AsyncSession, request: HoldStock, *, by: Principal) -> tuple[Placement, ...]:
    """Hold pieces where they are, at selling locations by priority; answers which are held where."""
    await lock_holds(session, request.order_id)
    levels, offers = await lock_offers(session, [line.product_id for line in request.lines])
    wants = [_want(line) for line in request.lines]
    placements = placed(wants, offers)
    if request.whole:
        _refuse_shortage(request.lines, placements, levels)
    flat = tuple(placement for of_line in placements for placement in of_line)
    changes = [LevelChange(product_id=one.product_id, location_id=one.location_id, held=one.quantity) for one in flat]
    await change_levels(session, changes, reason=LevelChangeReason.HELD, by=by, locked=levels)
    await write_holds(session, flat, levels, request)
    return flat


async def lock_holds(session: AsyncSession, order_id: int) -> list[StockHold]:
    """The active holds of a cart or order, locked until the transaction ends."""
    await session.flush()
    return list(await session.scalars(_active().where(StockHold.order_id == order_id)))


def _active() -> Select[StockHold]:
    """Active holds, locked for change in the order that all share."""
    chosen = select(StockHold).where(IS_ACTIVE).order_by(StockHold.id)
    return chosen.with_for_update(key_share=True).execution_options(populate_existing=True)


def _want(line: HoldLine) -> Want:
    """What a line wants, without the field that a refusal names."""
    return Want(order_line_id=line.order_line_id, product_id=line.product_id, quantity=line.quantity)


def _refuse_shortage(
    lines: Sequence[HoldLine], placements: Sequence[Sequence[Placement]], levels: dict[LevelKey, Level]
) -> None:
    """Refuse for the first line whose pieces are not all there."""
    for line, of_line in zip(lines, placements, strict=True):
        if sum(one.quantity for one in of_line) < line.quantity:
            available = sum(level.available for level in levels.values() if level.product_id == line.product_id)
            raise InsufficientStock(field=line.field, available=available + line.already)


async def write_holds(
    session: AsyncSession, placements: Iterable[Placement], levels: dict[LevelKey, Level], request: HoldStock
) -> None:
    """Write holds, adding to those that the same lines have at the same levels."""
    rows = [
        {
            "stock_level_id": levels[one.product_id, one.location_id].id,
            "product_id": one.product_id,
            "location_id": one.location_id,
            "quantity": one.quantity,
            "order_id": request.order_id,
            "order_line_id": one.order_line_id,
            "kind": request.kind,
            "expires_at": request.expires_at,
        }
        for one in placements
    ]
    if not rows:
        return
    written = insert(StockHold).values(rows)
    table = StockHold.__table__
    more = {
        "quantity": table.c.quantity + written.excluded.quantity,
        "kind": written.excluded.kind,
        "expires_at": written.excluded.expires_at,
        "version": table.c.version + 1,
        "updated_at": clock.now(),
    }
    same = ["order_line_id", "stock_level_id"]
    await session.execute(written.on_conflict_do_update(index_elements=same, index_where=IS_ACTIVE, set_=more))


def close_part(session: AsyncSession, hold: StockHold, quantity: int, status: HoldStatus) -> LevelChange:
    """End `quantity` pieces of a hold with `status`; answers what the level no longer holds.

    What remains stays an active hold, and what ended becomes a hold of its own, so nothing of its story is lost.
    """
    if quantity == hold.quantity:
        hold.status = status
    else:
        hold.quantity -= quantity
        ended = {name: getattr(hold, name) for name in _COPIED}
        session.add(StockHold(**ended, quantity=quantity, status=status))
    return LevelChange(product_id=hold.product_id, location_id=hold.location_id, held=-quantity)


_COPIED = ("stock_level_id", "product_id", "location_id", "order_id", "order_line_id", "kind", "expires_at")


def taken(holds: Iterable[StockHold], quantity: int | None) -> list[tuple[StockHold, int]]:
    """Which pieces of `holds` make up `quantity` (all where it is None), in the order given."""
    parts = []
    for hold in holds:
        part = hold.quantity if quantity is None else min(hold.quantity, quantity)
        if part > 0:
            parts.append((hold, part))
        quantity = None if quantity is None else quantity - part
    return parts


@dataclass(frozen=True, kw_only=True)
class ReleaseHolds:
    """Give back what a cart or order holds: all of it, that of one line, or only some pieces of that line."""

    order_id: int
    order_line_id: int | None = None
    quantity: int | None = None


async def release_holds(session: AsyncSession, release: ReleaseHolds, *, by: Principal) -> int:
    """Give held pieces back, the latest holds first; answers how many there were."""
    holds = [
        hold
        for hold in await lock_holds(session, release.order_id)
        if release.order_line_id in {None, hold.order_line_id}
    ]
    parts = taken(reversed(holds), release.quantity)
    changes = [close_part(session, hold, part, HoldStatus.RELEASED) for hold, part in parts]
    await change_levels(session, changes, reason=LevelChangeReason.RELEASED, by=by)
    await session.flush()
    return sum(part for _, part in parts)


async def convert_holds(session: AsyncSession, order_id: int) -> int:
    """Make what a cart holds the order's own, which does not expire; answers how many pieces there are."""
    holds = await lock_holds(session, order_id)
    for hold in holds:
        hold.kind = HoldKind.ORDER
        hold.expires_at = None
    await session.flush()
    return sum(hold.quantity for hold in holds)
