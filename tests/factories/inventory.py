"""Products, places and stock for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import CreateProduct, create_product
from app.catalog.tables import ProductId
from app.inventory.commands import ReceiveStock, receive_stock
from app.inventory.tables import HoldStatus, StockHold, StockLevel, StockMovement
from app.kernel.outbox import BUFFER, OutboxEvent
from app.kernel.principal import SYSTEM
from app.locations.commands import CreateLocation, create_location
from app.locations.tables import LocationId, LocationKind

_numbers = count(1)


async def product(session: AsyncSession, **details: Any) -> ProductId:
    """A published product with an SKU of its own."""
    number = next(_numbers)
    given = {"sku": f"SKU-{number}", "name": f"Product {number}", "publish": True, **details}
    return await create_product(session, CreateProduct(**given), by=SYSTEM)


async def location(session: AsyncSession, **details: Any) -> LocationId:
    """A warehouse that sells and fulfils."""
    number = next(_numbers)
    given = {"code": f"WH-{number}", "name": f"Warehouse {number}", "kind": LocationKind.WAREHOUSE}
    flags = {"sells": True, "fulfils": True}
    return await create_location(session, CreateLocation(**{**given, **flags, **details}), by=SYSTEM)


async def stocked(
    session: AsyncSession, quantity: int, *, product_id: ProductId | None = None, location_id: LocationId | None = None
) -> tuple[ProductId, LocationId]:
    """A product of which a location has `quantity` pieces."""
    of = product_id or await product(session)
    at = location_id or await location(session)
    await receive_stock(session, ReceiveStock(product_id=of, location_id=at, quantity=quantity), by=SYSTEM)
    return of, at


async def counts(session: AsyncSession, product_id: int, location_id: int) -> tuple[int, int, int]:
    """Pieces on hand, held and incoming."""
    counted = select(StockLevel.on_hand, StockLevel.held, StockLevel.incoming).where(
        StockLevel.product_id == product_id, StockLevel.location_id == location_id
    )
    on_hand, held, incoming = (await session.execute(counted)).one()
    return on_hand, held, incoming


def events_of(session: AsyncSession) -> list[dict[str, Any]]:
    """What the session recorded and did not write yet: names and facts."""
    return [{"name": event["name"], **event["facts"]} for event in session.info.get(BUFFER, [])]


async def row_counts(session: AsyncSession) -> dict[str, int]:
    """How many rows stock, holds, movements and outbox have, to see that a refusal changed nothing."""
    tables = (StockLevel, StockHold, StockMovement, OutboxEvent)
    return {table.__tablename__: await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


async def assert_balanced(session: AsyncSession) -> None:
    """The ledger explains what is on hand, and the active holds what is held, at every level."""
    moved_in = select(func.coalesce(func.sum(StockMovement.quantity), 0)).where(
        StockMovement.product_id == StockLevel.product_id, StockMovement.to_location_id == StockLevel.location_id
    )
    moved_out = select(func.coalesce(func.sum(StockMovement.quantity), 0)).where(
        StockMovement.product_id == StockLevel.product_id, StockMovement.from_location_id == StockLevel.location_id
    )
    promised = select(func.coalesce(func.sum(StockHold.quantity), 0)).where(
        StockHold.stock_level_id == StockLevel.id, StockHold.status == HoldStatus.ACTIVE
    )
    on_hand = moved_in.scalar_subquery() - moved_out.scalar_subquery()
    wrong = select(StockLevel.id).where(
        (StockLevel.on_hand != on_hand) | (StockLevel.held != promised.scalar_subquery())
    )
    assert (await session.scalars(wrong)).all() == []
