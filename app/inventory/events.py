"""What happened to stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from app.inventory.tables import HoldStatus, LevelChangeReason, MovementReason, ReorderPointCrossing
from app.kernel.outbox import Event
from app.locations.tables import LocationId

KEYS = ("product_id", "location_id", "within_location_ids", "reorder_point_crossing", "reason")


@dataclass(frozen=True, kw_only=True)
class StockLevelFacts:
    """What every event of a stock level tells."""

    stock_level_id: int
    product_id: int
    location_id: int
    location_path: str
    within_location_ids: Annotated[tuple[LocationId, ...], "The location and all that it lies inside, outermost first."]
    reason: LevelChangeReason
    available_before: int
    available_after: int
    reorder_point_crossing: Annotated[
        ReorderPointCrossing | None, "How it crossed its reorder point; null where it stayed on its side."
    ]


@dataclass(frozen=True, kw_only=True)
class StockLevelChanged(StockLevelFacts, Event, name="inventory.stock_level_changed", keys=KEYS):
    """The stock of a product at a location changed: pieces came, left, were promised or given back."""

    on_hand_before: int
    on_hand_after: int
    held_before: int
    held_after: int
    incoming_before: int
    incoming_after: int


@dataclass(frozen=True, kw_only=True)
class ReorderPointSet(StockLevelFacts, Event, name="inventory.reorder_point_set", keys=KEYS):
    """Somebody said at which number of available pieces more should be ordered."""

    reorder_point_before: int | None
    reorder_point_after: int | None


@dataclass(frozen=True, kw_only=True)
class StockHoldFacts:
    """What every event of a hold tells."""

    stock_hold_id: int
    product_id: int
    location_id: int
    order_id: int | None
    order_line_id: int | None
    quantity: int


@dataclass(frozen=True, kw_only=True)
class StockHoldChanged(StockHoldFacts, Event, name="inventory.stock_hold_changed", keys=("order_id", "product_id")):
    """Pieces were promised to a cart or an order, other ones or for longer, or are promised no more."""

    status: HoldStatus


@dataclass(frozen=True, kw_only=True)
class StockHoldExpired(StockHoldFacts, Event, name="inventory.stock_hold_expired", keys=("order_id", "product_id")):
    """The time of a hold ran out, and its pieces are available again."""


@dataclass(frozen=True, kw_only=True)
class StockMoved(Event, name="inventory.stock_moved", keys=("product_id", "from_location_id", "to_location_id")):
    """Pieces moved: a line was added to the ledger behind all stock levels."""

    stock_movement_id: int
    product_id: int
    from_location_id: int | None
    to_location_id: int | None
    quantity: int
    reason: MovementReason


STOCK_LEVEL_CHANGES = (StockLevelChanged, ReorderPointSet)
"""Every event that changes a stock level."""
