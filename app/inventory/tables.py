"""Stock levels, the ledger of movements behind them, and the holds that promise pieces to carts and orders."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.choice import Choice
from app.kernel.tables import Row, choice, reference


class MovementReason(Choice):
    """Why pieces moved."""

    OPENING = "OPENING", "They were there when the books were opened."
    RECEIVED = "RECEIVED", "They arrived from outside."
    ADJUSTED = "ADJUSTED", "A count found more or fewer than the books said."
    TRANSFERRED = "TRANSFERRED", "They went from one of our locations to another."
    SHIPPED = "SHIPPED", "They left for a customer."
    RETURNED = "RETURNED", "They came back from a customer."
    SCRAPPED = "SCRAPPED", "They were destroyed or thrown away."


class LevelChangeReason(Choice):
    """Why a stock level changed."""

    OPENING = "OPENING", "The books were opened."
    RECEIVED = "RECEIVED", "Pieces arrived from outside."
    ADJUSTED = "ADJUSTED", "A count found more or fewer pieces than the books said."
    TRANSFERRED = "TRANSFERRED", "Pieces went from one of our locations to another."
    SHIPPED = "SHIPPED", "Pieces left for a customer."
    RETURNED = "RETURNED", "Pieces came back from a customer."
    SCRAPPED = "SCRAPPED", "Pieces were destroyed or thrown away."
    EXPECTED = "EXPECTED", "Pieces were announced, or called off before they arrived."
    HELD = "HELD", "Pieces were promised to a cart or an order."
    RELEASED = "RELEASED", "Pieces that were promised were given back."
    EXPIRED = "EXPIRED", "Pieces that a cart held too long were given back."
    SOURCED = "SOURCED", "The pieces of an order were promised from another location than before."
    REORDER_POINT_SET = "REORDER_POINT_SET", "Somebody said at which number of pieces more should be ordered."


class ReorderPointCrossing(Choice):
    """How the available pieces of a stock level came to stand on the other side of its reorder point."""

    DOWN = "DOWN", "There were more pieces than the reorder point, and there are no more than it now: order more."
    UP = "UP", "There were no more pieces than the reorder point, and there are now, or it has none any more."


class HoldKind(Choice):
    """What pieces are held for."""

    CART = "CART", "A cart, until the hold expires."
    ORDER = "ORDER", "An order that was placed, until it ships or is cancelled."


class HoldStatus(Choice):
    """What became of a hold."""

    ACTIVE = "ACTIVE", "The pieces are held."
    CONSUMED = "CONSUMED", "The pieces left with a shipment."
    RELEASED = "RELEASED", "The pieces were given back, or are held elsewhere."
    EXPIRED = "EXPIRED", "The time of the hold ran out and the pieces were given back."


class StockLevel(Row):
    """How many pieces of one product one location has."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        UniqueConstraint("product_id", "location_id"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("held <= on_hand", name="held_within_on_hand"),
        CheckConstraint("incoming >= 0", name="incoming_not_negative"),
        CheckConstraint("reorder_point >= 0", name="reorder_point_not_negative"),
        Index(None, "location_id", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "on_hand", "id"),
    )

    product_id: Mapped[int] = reference("products.id", index=False, doc="The product that is counted.")
    location_id: Mapped[int] = reference("locations.id", index=False, doc="Where it is counted.")
    on_hand: Mapped[int] = mapped_column(default=0, server_default="0", doc="Pieces that are physically there.")
    held: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces on hand that are promised to carts and orders."
    )
    incoming: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="Pieces that are under way to this location and not yet on hand."
    )
    reorder_point: Mapped[int | None] = mapped_column(
        doc="Order more when no more than this many pieces are available; null where nobody said."
    )


class StockMovement(Row):
    """Pieces that moved: one line of the ledger behind all stock levels. Lines are added and never changed."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("from_location_id IS NOT NULL OR to_location_id IS NOT NULL", name="somewhere"),
        CheckConstraint("from_location_id <> to_location_id", name="elsewhere"),
        Index(None, "product_id", "occurred_at", "id"),
        Index(None, "occurred_at", "id"),
    )

    product_id: Mapped[int] = reference("products.id", index=False, doc="The product that moved.")
    from_location_id: Mapped[int | None] = reference(
        "locations.id", doc="Where the pieces left; null where they came from outside."
    )
    to_location_id: Mapped[int | None] = reference(
        "locations.id", doc="Where the pieces arrived; null where they left for outside."
    )
    quantity: Mapped[int] = mapped_column(doc="How many pieces moved.")
    reason: Mapped[MovementReason] = choice(MovementReason, doc="Why they moved.")
    reference: Mapped[str | None] = mapped_column(
        index=True, doc="The document that the movement belongs to, such as an order or shipment number."
    )
    note: Mapped[str | None] = mapped_column(doc="What whoever moved them wrote about it.")
    actor: Mapped[str] = mapped_column(doc="Who moved them.")
    occurred_at: Mapped[datetime] = mapped_column(default=clock.now, doc="When they moved.")


class StockHold(Row):
    """Pieces of a product at one location, promised to a cart or an order."""

    __tablename__ = "stock_holds"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("kind <> 'CART' OR expires_at IS NOT NULL", name="cart_expires"),
        Index(
            "uq_stock_holds_order_line_id_stock_level_id_active",
            "order_line_id",
            "stock_level_id",
            unique=True,
            postgresql_where=text("status = 'ACTIVE'"),
        ),
        Index(None, "created_at", "id"),
        Index("ix_stock_holds_expires_at_active", "expires_at", "id", postgresql_where=text("status = 'ACTIVE'")),
    )

    stock_level_id: Mapped[int] = reference("stock_levels.id", doc="The stock level that the pieces are held from.")
    product_id: Mapped[int] = reference("products.id", doc="The product that is held.")
    location_id: Mapped[int] = reference("locations.id", doc="Where the pieces are held.")
    quantity: Mapped[int] = mapped_column(doc="How many pieces are held.")
    order_id: Mapped[int | None] = reference("orders.id", doc="The cart or order that the pieces are held for.")
    order_line_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("order_lines.id", ondelete="SET NULL"),
        index=True,
        doc="The line that the pieces are held for; null where the line was taken out of its cart.",
    )
    kind: Mapped[HoldKind] = choice(HoldKind, doc="What the pieces are held for.")
    status: Mapped[HoldStatus] = choice(HoldStatus, default=HoldStatus.ACTIVE, doc="What became of the hold.")
    expires_at: Mapped[datetime | None] = mapped_column(
        doc="When the pieces are given back unless the cart is placed as an order; null where the hold does not expire."
    )


StockLevelId = NewType("StockLevelId", int)
StockMovementId = NewType("StockMovementId", int)
StockHoldId = NewType("StockHoldId", int)
