"""Stock in the graph: how much there is where, what moved, and what is held for whom."""

from __future__ import annotations

from datetime import datetime

from app.inventory import commands, events, measures, tables
from app.kernel.principal import STAFF, Role
from schema import catalog, locations, orders
from schema.language import (
    Connection,
    alert,
    column,
    command,
    follow,
    groups,
    listing,
    lookup,
    many,
    measure,
    node,
    one,
    one_of,
    only,
    subject,
    union,
)

INSIDERS = STAFF | {Role.SUPPLIER}
"""Who sees counts behind the available pieces: staff, and suppliers of their own products."""


@node(
    tables.StockLevel,
    visibility=measures.stock_level_visibility,
    sorts=("updated_at", "on_hand"),
    groups=groups("location", "product", "below_reorder_point", sums=("available", "on_hand", "held", "incoming")),
)
class StockLevel:
    """How many pieces of one product one location has."""

    product: catalog.Product | None = one(tables.StockLevel.product_id)
    location: locations.Location | None = one(tables.StockLevel.location_id)
    available: int = measure(measures.available, filterable=True)
    on_hand: int = column(roles=INSIDERS)
    held: int = column(roles=INSIDERS)
    incoming: int = column(roles=INSIDERS)
    reorder_point: int | None = column(roles=INSIDERS)
    below_reorder_point: bool = measure(measures.below_reorder_point, roles=INSIDERS, filterable=True)
    holds: Connection[StockHold] = many(
        tables.StockHold.stock_level_id, order_by=tables.StockHold.id, doc="What is and was held from it."
    )


@node(
    tables.StockMovement,
    visibility=measures.stock_movement_visibility,
    sorts=("occurred_at",),
    groups=groups("reason", "product", "from_location", "to_location", "occurred_at", sums=("quantity",)),
)
class StockMovement:
    """Pieces that moved: one line of the ledger behind all stock levels."""

    product: catalog.Product | None = one(tables.StockMovement.product_id)
    from_location: locations.Location | None = one(tables.StockMovement.from_location_id)
    to_location: locations.Location | None = one(tables.StockMovement.to_location_id)
    quantity: int
    reason: tables.MovementReason
    reference: str | None
    note: str | None
    actor: str = column(roles=STAFF)
    occurred_at: datetime


@union("OrderLine", "Order")
class HeldFor:
    """What pieces are held for: one line of a cart or an order, or all of it."""


@node(
    tables.StockHold,
    visibility=measures.stock_hold_visibility,
    sorts=("created_at",),
    groups=groups("status", "kind", "location", "product", sums=("quantity",)),
)
class StockHold:
    """Pieces of a product at one location, promised to a cart or an order."""

    stock_level: StockLevel | None = one(tables.StockHold.stock_level_id)
    product: catalog.Product | None = one(tables.StockHold.product_id)
    location: locations.Location | None = one(tables.StockHold.location_id)
    order: orders.Order | None = one(tables.StockHold.order_id)
    order_line: orders.OrderLine | None = one(tables.StockHold.order_line_id)
    held_for: HeldFor | None = one_of(
        tables.StockHold.order_line_id,
        tables.StockHold.order_id,
        doc="What the pieces are held for: the line, or the cart or order where its line is gone.",
    )
    quantity: int
    kind: tables.HoldKind
    status: tables.HoldStatus
    expires_at: datetime | None


class InventoryQueries:
    """What may be read about stock."""

    stock_level: StockLevel | None = lookup(doc="One stock level by its id.")
    stock_levels: Connection[StockLevel] = listing(StockLevel, "Stock levels that you may see.")
    stock_movements: Connection[StockMovement] = listing(
        StockMovement, "The ledger of stock, as far as you may see it."
    )
    stock_holds: Connection[StockHold] = listing(StockHold, "What is and was held of the stock that you may see.")


class InventoryMutations:
    """What may be done to stock."""

    stock_receive = command(commands.receive_stock, returns=StockLevel, moves=True)
    stock_adjust = command(commands.adjust_stock, returns=StockLevel, moves=True)
    stock_transfer = command(commands.transfer_stock, returns=StockMovement, moves=True)
    stock_reorder_point_set = command(commands.set_reorder_point, returns=StockLevel)


class InventorySubscriptions:
    """What may be followed about stock."""

    stock_level_changed = follow(
        events.STOCK_LEVEL_CHANGES,
        shows=StockLevel,
        key="stock_level_id",
        by=(
            "product_id",
            "location_id",
            only(
                "within_location_ids",
                argument="within_location_id",
                doc="Only events of this location and of all that lies inside it, however deep.",
            ),
            only(
                "reorder_point_crossing",
                argument="reorder_point_crossings",
                doc="Only events by which a level comes to stand on the other side of its reorder point, these ways.",
            ),
            only("reason", argument="reasons", doc="Only events with one of these reasons."),
        ),
        tells=("reason", "available_before", "available_after", "reorder_point_crossing"),
        roles={"reorder_point_crossing": INSIDERS},
        conflates=True,
        doc="The stock of a product at a location changed, or the number at which more of it should be ordered.",
    )


class InventoryEvents:
    """What the feed tells of stock, beside what is followed."""

    holds = subject((events.StockHoldChanged, events.StockHoldExpired), shows=StockHold, key="stock_hold_id")
    low = alert(
        events.STOCK_LEVEL_CHANGES,
        kind="LOW_STOCK",
        when=lambda facts: facts.get("reorder_point_crossing") == tables.ReorderPointCrossing.DOWN,
        doc="No more pieces are available at a location than its reorder point: order more, or orders may be late.",
    )
    expired = alert(
        events.StockHoldExpired,
        kind="HOLD_EXPIRED",
        doc="The time of what a cart held ran out: it was left standing, and its pieces are available again.",
    )
    movements = subject(events.StockMoved, shows=StockMovement, key="stock_movement_id")
