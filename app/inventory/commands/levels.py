"""How stock levels change: locked in one order, guarded in the UPDATE itself, and told as one event a level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from sqlalchemy import ARRAY, BigInteger, Select, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownProduct
from app.catalog.tables import Product
from app.inventory.events import StockLevelChanged
from app.inventory.rules import LevelChange, LevelKey, Offer, crossing, is_low, merged
from app.inventory.tables import LevelChangeReason, StockLevel
from app.kernel import clock
from app.kernel.outbox import record
from app.kernel.principal import Principal
from app.kernel.refusal import Refusal
from app.locations.commands import UnknownLocation
from app.locations.measures import path_ids
from app.locations.tables import Location, LocationId

COUNT_MAX = 2_147_483_647
"""The most pieces that one level can count."""


class InsufficientStock(Refusal):
    """There are fewer pieces available than you asked for; `available` tells how many you could have in all."""

    available: Annotated[int, "How many pieces you could have in all."]


class TooMuchStock(Refusal):
    """A stock level cannot count that many pieces."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """The counts of one stock level at one moment."""

    id: int
    product_id: int
    location_id: int
    location_path: str
    within_location_ids: list[LocationId]
    priority: int
    on_hand: int
    held: int
    incoming: int
    reorder_point: int | None

    @property
    def key(self) -> LevelKey:
        """What names the level."""
        return (self.product_id, self.location_id)

    @property
    def available(self) -> int:
        """Pieces on hand that are not promised to anyone."""
        return self.on_hand - self.held

    @property
    def is_low(self) -> bool:
        """Whether more should be ordered."""
        return is_low(self.available, self.reorder_point)


def _levels() -> Select[*tuple[Any, ...]]:
    """Levels with their location, locked for change in the order that all share."""
    counted = select(
        StockLevel.id,
        StockLevel.product_id,
        StockLevel.location_id,
        Location.path,
        path_ids(Location.__table__),
        Location.priority,
        StockLevel.on_hand,
        StockLevel.held,
        StockLevel.incoming,
        StockLevel.reorder_point,
    ).join(Location, Location.id == StockLevel.location_id)
    return counted.order_by(StockLevel.product_id, StockLevel.location_id).with_for_update(
        key_share=True, of=StockLevel
    )


async def _read(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> dict[LevelKey, Level]:
    """The levels that `statement` finds, by what names them."""
    names = (
        *("id", "product_id", "location_id", "location_path", "within_location_ids", "priority"),
        *("on_hand", "held", "incoming", "reorder_point"),
    )
    found = [Level(**dict(zip(names, row, strict=True))) for row in await session.execute(statement)]
    return {level.key: level for level in found}


async def lock_levels(session: AsyncSession, keys: Iterable[LevelKey]) -> dict[LevelKey, Level]:
    """The levels named by `keys`, locked until the transaction ends; those that do not exist are left out."""
    wanted = tuple_(StockLevel.product_id, StockLevel.location_id).in_(sorted(set(keys)))
    return await _read(session, _levels().where(wanted))


async def lock_offers(session: AsyncSession, products: Iterable[int]) -> tuple[dict[LevelKey, Level], list[Offer]]:
    """The levels that `products` may be promised from, locked, and what each of them offers."""
    statement = _levels().where(
        StockLevel.product_id.in_(sorted(set(products))),
        StockLevel.on_hand > StockLevel.held,
        Location.sells,
        Location.fulfils,
    )
    levels = await _read(session, statement)
    offers = [
        Offer(product_id=lv.product_id, location_id=lv.location_id, available=lv.available, priority=lv.priority)
        for lv in levels.values()
    ]
    return levels, offers


async def open_level(session: AsyncSession, key: LevelKey, *, field: str = "location_id") -> Level:
    """The level for the product and location of `key`, begun at zero where there is none; refuse what is unknown."""
    product_id, location_id = key
    if found := await lock_levels(session, [key]):
        return found[key]
    if await session.scalar(select(Product.id).where(Product.id == product_id)) is None:
        raise UnknownProduct(field="product_id")
    if await session.scalar(select(Location.id).where(Location.id == location_id)) is None:
        raise UnknownLocation(field=field)
    opened = insert(StockLevel).values(product_id=product_id, location_id=location_id)
    await session.execute(opened.on_conflict_do_nothing(index_elements=["product_id", "location_id"]))
    return (await lock_levels(session, [key]))[key]


async def change_levels(
    session: AsyncSession,
    changes: Iterable[LevelChange],
    *,
    reason: LevelChangeReason,
    by: Principal,
    locked: dict[LevelKey, Level] | None = None,
) -> dict[LevelKey, Level]:
    """Change levels and tell it, all or none; answers the counts after. `locked` are levels that are locked already."""
    due = merged(changes)
    before = locked if locked is not None else await lock_levels(session, [change.key for change in due])
    for change in due:
        if change.key not in before:
            raise InsufficientStock(available=0)
    after = await _apply(session, due, before)
    for change in due:
        record(session, _changed(before[change.key], after[change.key], reason), by=by)
    return after


async def _apply(
    session: AsyncSession, changes: Sequence[LevelChange], before: dict[LevelKey, Level]
) -> dict[LevelKey, Level]:
    """Write the changes; the bounds are in the statement's own condition, so that nothing can race them."""
    columns = {
        "id": [before[change.key].id for change in changes],
        "on_hand": [change.on_hand for change in changes],
        "held": [change.held for change in changes],
        "incoming": [change.incoming for change in changes],
    }
    arrays = [literal(column, ARRAY(BigInteger)) for column in columns.values()]
    by = func.unnest(*arrays).table_valued(*columns, name="change").render_derived()
    on_hand, held = StockLevel.on_hand + by.c.on_hand, StockLevel.held + by.c.held
    incoming = StockLevel.incoming + by.c.incoming
    statement = (
        update(StockLevel)
        .where(StockLevel.id == by.c.id, on_hand.between(held, COUNT_MAX), held >= 0, incoming.between(0, COUNT_MAX))
        .values(on_hand=on_hand, held=held, incoming=incoming, version=StockLevel.version + 1, updated_at=clock.now())
        .returning(
            StockLevel.product_id, StockLevel.location_id, StockLevel.on_hand, StockLevel.held, StockLevel.incoming
        )
        .execution_options(synchronize_session=False)
    )
    counted = {(row[0], row[1]): row[2:] for row in await session.execute(statement)} if changes else {}
    for change in changes:
        if change.key not in counted:
            raise _refusal(before[change.key], change)
    return {key: _with_counts(before[key], *counts) for key, counts in counted.items()}


def _with_counts(level: Level, on_hand: int, held: int, incoming: int) -> Level:
    """The level with other counts."""
    return replace(level, on_hand=on_hand, held=held, incoming=incoming)


def _refusal(level: Level, change: LevelChange) -> Refusal:
    """Why `change` cannot be made to `level`."""
    if max(level.on_hand + change.on_hand, level.incoming + change.incoming) > COUNT_MAX:
        return TooMuchStock()
    return InsufficientStock(available=level.available)


def _changed(before: Level, after: Level, reason: LevelChangeReason) -> StockLevelChanged:
    """The event of one level that changed."""
    return StockLevelChanged(
        **facts_of(before, after, reason),
        on_hand_before=before.on_hand,
        on_hand_after=after.on_hand,
        held_before=before.held,
        held_after=after.held,
        incoming_before=before.incoming,
        incoming_after=after.incoming,
    )


def facts_of(before: Level, after: Level, reason: LevelChangeReason) -> dict[str, Any]:
    """What every event of a level that changed tells."""
    return {
        "stock_level_id": before.id,
        "product_id": before.product_id,
        "location_id": before.location_id,
        "location_path": before.location_path,
        "within_location_ids": tuple(before.within_location_ids),
        "reason": reason,
        "available_before": before.available,
        "available_after": after.available,
        "reorder_point_crossing": crossing(was_low=before.is_low, is_low=after.is_low),
    }
