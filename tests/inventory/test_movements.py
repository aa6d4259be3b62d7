"""Receiving, adjusting, transferring and scrapping stock."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownProduct
from app.catalog.tables import ProductId
from app.inventory.commands import (
    AdjustStock,
    ExpectStock,
    InsufficientStock,
    ReceiveStock,
    ReturnStock,
    SameLocation,
    ScrapStock,
    TooMuchStock,
    TransferStock,
    adjust_stock,
    expect_stock,
    receive_stock,
    return_stock,
    scrap_stock,
    transfer_stock,
)
from app.inventory.tables import MovementReason, StockLevel, StockMovement
from app.kernel.principal import SYSTEM
from app.kernel.refusal import InvalidInput
from app.locations.commands import UnknownLocation
from app.locations.tables import LocationId
from tests.factories import inventory as make

NOWHERE = LocationId(999_999)
NOTHING = ProductId(999_999)


class TestReceiveStock:
    async def test_opens_the_level_and_writes_the_ledger(self, session: AsyncSession) -> None:
        product_id, location_id = await make.product(session), await make.location(session)
        receipt = ReceiveStock(product_id=product_id, location_id=location_id, quantity=5, reference="DN-1")
        level_id = await receive_stock(session, receipt, by=SYSTEM)
        level = await session.get_one(StockLevel, level_id)
        movement = (await session.scalars(select(StockMovement))).one()
        assert (level.on_hand, level.held, level.incoming) == (5, 0, 0)
        assert (movement.from_location_id, movement.to_location_id) == (None, location_id)
        assert (movement.reason, movement.reference, movement.actor) == (MovementReason.RECEIVED, "DN-1", "system")

    async def test_tells_the_counts_before_and_after(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        session.info.clear()
        await make.stocked(session, 3, product_id=product_id, location_id=location_id)
        event, moved = make.events_of(session)
        assert event["name"] == "inventory.stock_level_changed"
        assert (moved["name"], moved["to_location_id"], moved["quantity"]) == ("inventory.stock_moved", location_id, 3)
        assert (event["on_hand_before"], event["on_hand_after"]) == (5, 8)
        assert (event["available_before"], event["available_after"]) == (5, 8)
        assert (event["reason"], event["location_path"][0]) == ("RECEIVED", "/")

    async def test_takes_announced_pieces_from_those_incoming(self, session: AsyncSession) -> None:
        product_id, location_id = await make.product(session), await make.location(session)
        expected = ExpectStock(product_id=product_id, location_id=location_id, quantity_change=7)
        await expect_stock(session, expected, by=SYSTEM)
        receipt = ReceiveStock(product_id=product_id, location_id=location_id, quantity=5, announced=True)
        await receive_stock(session, receipt, by=SYSTEM)
        assert await make.counts(session, product_id, location_id) == (5, 0, 2)

    async def test_refuses_unknown_products_and_locations(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        with pytest.raises(UnknownProduct):
            await receive_stock(
                session, ReceiveStock(product_id=NOTHING, location_id=location_id, quantity=1), by=SYSTEM
            )
        with pytest.raises(UnknownLocation):
            await receive_stock(
                session, ReceiveStock(product_id=product_id, location_id=NOWHERE, quantity=1), by=SYSTEM
            )

    async def test_refuses_more_than_a_level_can_count(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        receipt = ReceiveStock(product_id=product_id, location_id=location_id, quantity=2_147_483_647)
        with pytest.raises(TooMuchStock):
            await receive_stock(session, receipt, by=SYSTEM)


class TestAdjustStock:
    @pytest.mark.parametrize(("change", "left"), [(4, 9), (-4, 1), (-5, 0)])
    async def test_sets_right_what_a_count_found(self, session: AsyncSession, change: int, left: int) -> None:
        product_id, location_id = await make.stocked(session, 5)
        adjustment = AdjustStock(product_id=product_id, location_id=location_id, quantity_change=change)
        await adjust_stock(session, adjustment, by=SYSTEM)
        assert await make.counts(session, product_id, location_id) == (left, 0, 0)
        await make.assert_balanced(session)

    async def test_refuses_to_go_below_zero(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        await session.commit()
        before = await make.row_counts(session)
        adjustment = AdjustStock(product_id=product_id, location_id=location_id, quantity_change=-6)
        with pytest.raises(InsufficientStock) as refused:
            await adjust_stock(session, adjustment, by=SYSTEM)
        await session.rollback()
        assert refused.value.details == {"available": 5}
        assert await make.row_counts(session) == before
        assert await make.counts(session, product_id, location_id) == (5, 0, 0)

    async def test_refuses_a_change_of_nothing(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        adjustment = AdjustStock(product_id=product_id, location_id=location_id, quantity_change=0)
        with pytest.raises(InvalidInput):
            await adjust_stock(session, adjustment, by=SYSTEM)


class TestTransferStock:
    async def test_moves_pieces_by_one_line_of_the_ledger(self, session: AsyncSession) -> None:
        product_id, source = await make.stocked(session, 5)
        target = await make.location(session)
        transfer = TransferStock(product_id=product_id, from_location_id=source, to_location_id=target, quantity=2)
        movement = await session.get_one(StockMovement, await transfer_stock(session, transfer, by=SYSTEM))
        assert (movement.from_location_id, movement.to_location_id, movement.quantity) == (source, target, 2)
        assert await make.counts(session, product_id, source) == (3, 0, 0)
        assert await make.counts(session, product_id, target) == (2, 0, 0)
        await make.assert_balanced(session)

    async def test_refuses_more_than_there_is(self, session: AsyncSession) -> None:
        product_id, source = await make.stocked(session, 5)
        target = await make.location(session)
        transfer = TransferStock(product_id=product_id, from_location_id=source, to_location_id=target, quantity=6)
        with pytest.raises(InsufficientStock):
            await transfer_stock(session, transfer, by=SYSTEM)

    async def test_refuses_a_transfer_to_the_same_place(self, session: AsyncSession) -> None:
        product_id, source = await make.stocked(session, 5)
        transfer = TransferStock(product_id=product_id, from_location_id=source, to_location_id=source, quantity=1)
        with pytest.raises(SameLocation):
            await transfer_stock(session, transfer, by=SYSTEM)


class TestReturnAndScrapStock:
    async def test_leave_a_ledger_that_balances(self, session: AsyncSession) -> None:
        product_id, location_id = await make.stocked(session, 5)
        back = ReturnStock(product_id=product_id, location_id=location_id, quantity=2, reference="RMA-1")
        gone = ScrapStock(product_id=product_id, location_id=location_id, quantity=3, reference="RMA-1")
        await return_stock(session, back, by=SYSTEM)
        await scrap_stock(session, gone, by=SYSTEM)
        assert await make.counts(session, product_id, location_id) == (4, 0, 0)
        await make.assert_balanced(session)
