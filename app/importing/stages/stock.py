"""Stock: levels are opened with what the orders of the source will take, and follow each of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.importing.copying import copy_rows
from app.importing.records import Kind, StockRecord
from app.importing.stages.books import Books, Written
from app.inventory.commands.levels import lock_levels
from app.inventory.rules import LevelKey
from app.inventory.tables import MovementReason, StockMovement
from app.kernel import clock

OPEN_LEVELS = text("""
INSERT INTO stock_levels (product_id, location_id, on_hand, created_at, updated_at)
SELECT product_id, location_id, quantity, :now, :now
FROM unnest(CAST(:products AS bigint[]), CAST(:locations AS bigint[]), CAST(:quantities AS int[]))
    AS opened (product_id, location_id, quantity)
ORDER BY product_id, location_id
ON CONFLICT (product_id, location_id) DO UPDATE
SET on_hand = stock_levels.on_hand + excluded.on_hand, version = stock_levels.version + 1, updated_at = :now
RETURNING id, product_id, location_id
""")
CHANGE_LEVELS = text("""
UPDATE stock_levels AS level
SET on_hand = level.on_hand + change.on_hand, held = level.held + change.held,
    version = level.version + 1, updated_at = :now
FROM unnest(CAST(:ids AS bigint[]), CAST(:on_hand AS int[]), CAST(:held AS int[])) AS change (id, on_hand, held)
WHERE level.id = change.id
""")


@dataclass
class Change:
    """By how much a level changes."""

    on_hand: int = 0
    held: int = 0


async def write_stock(session: AsyncSession, books: Books, records: Sequence[StockRecord]) -> Written:
    """Open stock levels, with a line of the ledger for each opening."""
    opened: dict[LevelKey, int] = defaultdict(int)
    for record in records:
        opened[_level_key(record, books)] += record.quantity
    values = {
        "products": [product for product, _ in opened],
        "locations": [location for _, location in opened],
        "quantities": list(opened.values()),
        "now": clock.now(),
    }
    levels = {(row.product_id, row.location_id): row.id for row in await session.execute(OPEN_LEVELS, values)}
    movements = [
        {
            "product_id": books.id_of(Kind.PRODUCT, record.product),
            "to_location_id": books.id_of(Kind.LOCATION, record.location),
            "quantity": record.quantity,
            "reason": MovementReason.OPENING,
            "reference": books.source,
            "note": record.note,
            "actor": books.by.name,
            "occurred_at": record.occurred_at,
        }
        for record in records
    ]
    rows = Counter(stock_levels=len(levels), stock_movements=await copy_rows(session, StockMovement, movements))
    return Written({record.key: levels[_level_key(record, books)] for record in records}, rows)


async def change_stock(session: AsyncSession, changes: Mapping[LevelKey, Change]) -> dict[LevelKey, int]:
    """Change levels that were opened before, locked in the order that all share; answers their keys."""
    levels = {key: level.id for key, level in (await lock_levels(session, changes)).items()} if changes else {}
    values = {
        "ids": [levels[key] for key in changes],
        "on_hand": [change.on_hand for change in changes.values()],
        "held": [change.held for change in changes.values()],
        "now": clock.now(),
    }
    if changes:
        await session.execute(CHANGE_LEVELS, values)
    return levels


def _level_key(record: StockRecord, books: Books) -> LevelKey:
    """The level that a record opens."""
    return (books.id_of(Kind.PRODUCT, record.product), books.id_of(Kind.LOCATION, record.location))
