"""The command that says when more should be ordered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownProduct
from app.catalog.tables import ProductId
from app.inventory.commands.levels import Level, facts_of, lock_levels, open_level
from app.inventory.events import ReorderPointSet
from app.inventory.tables import LevelChangeReason, StockLevel, StockLevelId
from app.kernel.changes import expect_version
from app.kernel.limits import Between
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import VersionConflict, allows, refuses
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId


@dataclass(frozen=True, kw_only=True)
class SetReorderPoint:
    """Say at which number of available pieces more should be ordered."""

    product_id: Annotated[ProductId, "The product."]
    location_id: Annotated[LocationId, "The location that it is ordered for."]
    reorder_point: Annotated[int | None, "That number of pieces; null for none.", Between(0, 1_000_000)] = None
    expected_version: Annotated[int | None, "The version of the stock level that you read."] = None


@allows(STAFF)
@refuses(UnknownProduct, UnknownLocation, VersionConflict)
async def set_reorder_point(session: AsyncSession, point: SetReorderPoint, *, by: Principal) -> StockLevelId:
    """Say at which number of available pieces more of a product should be ordered for a location."""
    key = (point.product_id, point.location_id)
    known = await lock_levels(session, [key])
    opened = await open_level(session, key)
    level = await lock_one(session, StockLevel, opened.id)
    if level is None:
        raise UnknownLocation(field="location_id")
    expect_version(level, point.expected_version)
    if not known or level.reorder_point != point.reorder_point:
        record(session, _event(opened, point.reorder_point), by=by)
        level.reorder_point = point.reorder_point
        await session.flush()
    return StockLevelId(level.id)


def _event(level: Level, reorder_point: int | None) -> ReorderPointSet:
    """The event of a reorder point that becomes `reorder_point`."""
    return ReorderPointSet(
        **facts_of(level, replace(level, reorder_point=reorder_point), LevelChangeReason.REORDER_POINT_SET),
        reorder_point_before=level.reorder_point,
        reorder_point_after=reorder_point,
    )
