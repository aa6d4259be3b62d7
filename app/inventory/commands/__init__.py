"""What may be done to stock: commands for callers, and functions that other domains call inside their transaction."""

from app.inventory.commands.expiry import expire_holds
from app.inventory.commands.holds import (
    HoldLine,
    HoldStock,
    ReleaseHolds,
    convert_holds,
    extend_holds,
    forget_line,
    hold_stock,
    lock_holds,
    release_holds,
)
from app.inventory.commands.levels import InsufficientStock, TooMuchStock
from app.inventory.commands.movements import (
    AdjustStock,
    ExpectStock,
    ReceiveStock,
    ReturnStock,
    SameLocation,
    ScrapStock,
    TransferStock,
    adjust_stock,
    expect_stock,
    receive_stock,
    return_stock,
    scrap_stock,
    transfer_stock,
)
from app.inventory.commands.reorder_points import SetReorderPoint, set_reorder_point
from app.inventory.commands.sourcing import ConsumeHolds, MoveHolds, NotHeld, consume_holds, move_holds

__all__ = [
    "AdjustStock",
    "ConsumeHolds",
    "ExpectStock",
    "HoldLine",
    "HoldStock",
    "InsufficientStock",
    "MoveHolds",
    "NotHeld",
    "ReceiveStock",
    "ReleaseHolds",
    "ReturnStock",
    "SameLocation",
    "ScrapStock",
    "SetReorderPoint",
    "TooMuchStock",
    "TransferStock",
    "adjust_stock",
    "consume_holds",
    "convert_holds",
    "expect_stock",
    "expire_holds",
    "extend_holds",
    "forget_line",
    "hold_stock",
    "lock_holds",
    "move_holds",
    "receive_stock",
    "release_holds",
    "return_stock",
    "scrap_stock",
    "set_reorder_point",
    "transfer_stock",
]
