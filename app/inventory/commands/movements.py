"""Commands that move pieces: each changes the levels and writes the line of the ledger that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownProduct
from app.catalog.tables import ProductId
from app.inventory.commands.ledger import write_movements
from app.inventory.commands.levels import (
    InsufficientStock,
    TooMuchStock,
    change_levels,
    lock_levels,
    open_level,
)
from app.inventory.rules import LevelChange
from app.inventory.tables import LevelChangeReason, MovementReason, StockLevelId, StockMovement, StockMovementId
from app.kernel.limits import QUANTITY, Between, Length
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import InvalidInput, Refusal, allows, refuses
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId

NOTE = Length(1, 500)
REFERENCE = Length(1, 100)


class SameLocation(Refusal):
    """The pieces are to go where they are."""


@dataclass(frozen=True, kw_only=True)
class ReceiveStock:
    """Take in pieces that arrived from outside."""

    product_id: Annotated[ProductId, "The product that arrived."]
    location_id: Annotated[LocationId, "Where it arrived."]
    quantity: Annotated[int, "How many pieces arrived.", QUANTITY]
    announced: Annotated[bool, "Whether the pieces were counted as incoming, which falls by as many."] = False
    reference: Annotated[str | None, "The document they came with, such as a delivery note's number.", REFERENCE] = None
    note: Annotated[str | None, "What there is to say about it, in words.", NOTE] = None


@dataclass(frozen=True, kw_only=True)
class AdjustStock:
    """Set right what a count found."""

    product_id: Annotated[ProductId, "The product that was counted."]
    location_id: Annotated[LocationId, "Where it was counted."]
    quantity_change: Annotated[int, "Pieces found (positive) or missing (negative).", Between(-1_000_000, 1_000_000)]
    note: Annotated[str | None, "Why, in words.", NOTE] = None


@dataclass(frozen=True, kw_only=True)
class TransferStock:
    """Move pieces from one of our locations to another."""

    product_id: Annotated[ProductId, "The product that moves."]
    from_location_id: Annotated[LocationId, "Where the pieces are."]
    to_location_id: Annotated[LocationId, "Where they go."]
    quantity: Annotated[int, "How many pieces move.", QUANTITY]
    reference: Annotated[str | None, "The document that the move belongs to.", REFERENCE] = None
    note: Annotated[str | None, "What there is to say about it, in words.", NOTE] = None


@dataclass(frozen=True, kw_only=True)
class ReturnStock:
    """Take back pieces that a customer returned; called by `returns`."""

    product_id: int
    location_id: int
    quantity: int
    reference: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScrapStock:
    """Take out pieces that were destroyed or thrown away; called by `returns`."""

    product_id: int
    location_id: int
    quantity: int
    reference: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExpectStock:
    """Count pieces as incoming, or no longer where the number is negative; called by whoever orders them."""

    product_id: int
    location_id: int
    quantity_change: int


@allows(STAFF)
@refuses(UnknownProduct, UnknownLocation, InsufficientStock, TooMuchStock)
async def receive_stock(session: AsyncSession, receipt: ReceiveStock, *, by: Principal) -> StockLevelId:
    """Take pieces from outside into stock at a location."""
    movement = _arrival(receipt, MovementReason.RECEIVED, by)
    return await _take_in(session, movement, incoming=receipt.quantity if receipt.announced else 0, by=by)


@allows(STAFF)
@refuses(UnknownProduct, UnknownLocation, InsufficientStock, TooMuchStock)
async def adjust_stock(session: AsyncSession, adjustment: AdjustStock, *, by: Principal) -> StockLevelId:
    """Correct the stock on hand after a count."""
    if not adjustment.quantity_change:
        raise InvalidInput("The quantity change is zero, so there is nothing to adjust.", field="quantity_change")
    found = adjustment.quantity_change > 0
    movement = StockMovement(
        product_id=adjustment.product_id,
        from_location_id=None if found else adjustment.location_id,
        to_location_id=adjustment.location_id if found else None,
        quantity=abs(adjustment.quantity_change),
        reason=MovementReason.ADJUSTED,
        note=adjustment.note,
        actor=by.name,
    )
    return await (_take_in if found else _take_out)(session, movement, by=by)


@allows(STAFF)
@refuses(UnknownProduct, UnknownLocation, InsufficientStock, TooMuchStock, SameLocation)
async def transfer_stock(session: AsyncSession, transfer: TransferStock, *, by: Principal) -> StockMovementId:
    """Move pieces that nobody was promised from one location to another."""
    if transfer.from_location_id == transfer.to_location_id:
        raise SameLocation(field="to_location_id")
    source, target = (transfer.product_id, transfer.from_location_id), (transfer.product_id, transfer.to_location_id)
    await lock_levels(session, [source, target])
    for key, field in ((source, "from_location_id"), (target, "to_location_id")):
        await open_level(session, key, field=field)
    movement = StockMovement(
        product_id=transfer.product_id,
        from_location_id=transfer.from_location_id,
        to_location_id=transfer.to_location_id,
        quantity=transfer.quantity,
        reason=MovementReason.TRANSFERRED,
        reference=transfer.reference,
        note=transfer.note,
        actor=by.name,
    )
    out, into = (
        LevelChange(product_id=key[0], location_id=key[1], on_hand=change)
        for key, change in ((source, -transfer.quantity), (target, transfer.quantity))
    )
    await change_levels(session, [out, into], reason=LevelChangeReason.TRANSFERRED, by=by)
    await write_movements(session, [movement], by=by)
    return StockMovementId(movement.id)


async def return_stock(session: AsyncSession, returned: ReturnStock, *, by: Principal) -> StockLevelId:
    """Put pieces that a customer returned back into stock."""
    return await _take_in(session, _arrival(returned, MovementReason.RETURNED, by), by=by)


async def scrap_stock(session: AsyncSession, scrapped: ScrapStock, *, by: Principal) -> StockLevelId:
    """Take pieces that are no good any more out of stock."""
    movement = StockMovement(
        product_id=scrapped.product_id,
        from_location_id=scrapped.location_id,
        quantity=scrapped.quantity,
        reason=MovementReason.SCRAPPED,
        reference=scrapped.reference,
        note=scrapped.note,
        actor=by.name,
    )
    return await _take_out(session, movement, by=by)


async def expect_stock(session: AsyncSession, expected: ExpectStock, *, by: Principal) -> StockLevelId:
    """Count pieces as under way to a location, or call them off."""
    key = (expected.product_id, expected.location_id)
    await open_level(session, key)
    change = LevelChange(product_id=key[0], location_id=key[1], incoming=expected.quantity_change)
    after = await change_levels(session, [change], reason=LevelChangeReason.EXPECTED, by=by)
    return StockLevelId(after[key].id)


def _arrival(arrived: ReceiveStock | ReturnStock, reason: MovementReason, by: Principal) -> StockMovement:
    """The line of the ledger for pieces that came from outside."""
    return StockMovement(
        product_id=arrived.product_id,
        to_location_id=arrived.location_id,
        quantity=arrived.quantity,
        reason=reason,
        reference=arrived.reference,
        note=arrived.note,
        actor=by.name,
    )


async def _take_in(session: AsyncSession, movement: StockMovement, *, by: Principal, incoming: int = 0) -> StockLevelId:
    """Write `movement` into its location, of which `incoming` pieces had been announced."""
    key = (movement.product_id, movement.to_location_id or 0)
    await open_level(session, key)
    change = LevelChange(product_id=key[0], location_id=key[1], on_hand=movement.quantity, incoming=-incoming)
    after = await change_levels(session, [change], reason=LevelChangeReason[movement.reason.name], by=by)
    await write_movements(session, [movement], by=by)
    return StockLevelId(after[key].id)


async def _take_out(session: AsyncSession, movement: StockMovement, *, by: Principal) -> StockLevelId:
    """Write `movement` out of its location."""
    key = (movement.product_id, movement.from_location_id or 0)
    await open_level(session, key)
    change = LevelChange(product_id=key[0], location_id=key[1], on_hand=-movement.quantity)
    after = await change_levels(session, [change], reason=LevelChangeReason[movement.reason.name], by=by)
    await write_movements(session, [movement], by=by)
    return StockLevelId(after[key].id)
