"""Holds: pieces promised to carts and orders. Other domains call these inside their own transaction.

Whoever calls has locked the cart or order. Its holds are locked before any level, in the order of their ids; the timer
that expires holds skips those that are locked, so the two never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands.levels import InsufficientStock, Level, change_levels, lock_offers
from app.inventory.events import StockHoldChanged
from app.inventory.rules import LevelChange, LevelKey, Placement, Want, placed
from app.inventory.tables import HoldKind, HoldStatus, LevelChangeReason, StockHold
from app.kernel import clock
from app.kernel.outbox import record
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
    await write_holds(session, flat, levels, request, by=by)
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
    session: AsyncSession,
    placements: Iterable[Placement],
    levels: dict[LevelKey, Level],
    request: HoldStock,
    *,
    by: Principal,
) -> None:
    """Write holds, adding to those that the same lines have at the same levels, and tell each."""
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
    kept = written.on_conflict_do_update(index_elements=same, index_where=IS_ACTIVE, set_=more)
    for row in await session.execute(
        kept.returning(*(table.c[name] for name in ("id", *_COPIED, "quantity", "status")))
    ):
        record(session, _changed(row), by=by)


def tell_holds(session: AsyncSession, holds: Iterable[StockHold], *, by: Principal) -> None:
    """Tell of holds that changed and were written."""
    for hold in holds:
        record(session, _changed(hold), by=by)


def facts_of(hold: Any) -> dict[str, Any]:
    """What every event of a hold tells."""
    names = ("product_id", "location_id", "order_id", "order_line_id", "quantity")
    return {"stock_hold_id": hold.id, **{name: getattr(hold, name) for name in names}}


def _changed(hold: Any) -> StockHoldChanged:
    """The event of one hold that changed."""
    return StockHoldChanged(**facts_of(hold), status=hold.status)


@dataclass(frozen=True, kw_only=True)
class Closed:
    """What came of ending pieces of a hold: what the level no longer holds, and the holds that are another now."""

    change: LevelChange
    holds: tuple[StockHold, ...]


def close_part(session: AsyncSession, hold: StockHold, quantity: int, status: HoldStatus) -> Closed:
    """End `quantity` pieces of a hold with `status`.

    What remains stays an active hold, and what ended becomes a hold of its own, so nothing of its story is lost.
    """
    change = LevelChange(product_id=hold.product_id, location_id=hold.location_id, held=-quantity)
    if quantity == hold.quantity:
        hold.status = status
        return Closed(change=change, holds=(hold,))
    hold.quantity -= quantity
    ended = StockHold(**{name: getattr(hold, name) for name in _COPIED}, quantity=quantity, status=status)
    session.add(ended)
    return Closed(change=change, holds=(hold, ended))


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
    closed = [close_part(session, hold, part, HoldStatus.RELEASED) for hold, part in parts]
    await change_levels(session, [each.change for each in closed], reason=LevelChangeReason.RELEASED, by=by)
    await session.flush()
    tell_holds(session, [hold for each in closed for hold in each.holds], by=by)
    return sum(part for _, part in parts)


async def extend_holds(session: AsyncSession, holds: Sequence[StockHold], until: datetime, *, by: Principal) -> None:
    """Keep locked holds until another time."""
    for hold in holds:
        hold.expires_at = until
    await session.flush()
    tell_holds(session, holds, by=by)


async def forget_line(session: AsyncSession, order_line_id: int, *, by: Principal) -> None:
    """Let every hold that a line had stay without it, for the line goes; its order stays known."""
    of_line = select(StockHold).where(StockHold.order_line_id == order_line_id).order_by(StockHold.id)
    locked = of_line.with_for_update(key_share=True).execution_options(populate_existing=True)
    holds = list(await session.scalars(locked))
    for hold in holds:
        hold.order_line_id = None
    await session.flush()
    tell_holds(session, holds, by=by)


async def convert_holds(session: AsyncSession, order_id: int, *, by: Principal) -> int:
    """Make what a cart holds the order's own, which does not expire; answers how many pieces there are."""
    holds = await lock_holds(session, order_id)
    carts = [hold for hold in holds if hold.kind is not HoldKind.ORDER or hold.expires_at is not None]
    for hold in carts:
        hold.kind = HoldKind.ORDER
        hold.expires_at = None
    await session.flush()
    tell_holds(session, carts, by=by)
    return sum(hold.quantity for hold in holds)
