"""Placing orders and calling them off."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands import InsufficientStock, expire_holds
from app.inventory.tables import HoldKind, HoldStatus, StockHold
from app.kernel import clock
from app.kernel.address import Address
from app.kernel.principal import ANONYMOUS, SYSTEM
from app.kernel.refusal import InvalidInput
from app.orders.commands import (
    ActionNotAllowed,
    CancelOrder,
    EmptyCart,
    IncompleteAddress,
    PlaceOrder,
    UnknownCart,
    UnknownOrder,
    cancel_order,
    place_order,
)
from app.orders.tables import Order, OrderLine, OrderStatus, PaymentStatus
from tests.factories import inventory as stock
from tests.factories import orders as make


class TestPlaceOrder:
    async def test_makes_the_holds_the_orders_own(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        order_id = await make.placed(session, channel_id, {product_id: 3})
        hold = (await session.scalars(select(StockHold))).one()
        assert (hold.kind, hold.status, hold.expires_at) == (HoldKind.ORDER, HoldStatus.ACTIVE, None)
        assert await expire_holds(session, clock.now() + timedelta(days=999)) == 0
        assert await stock.counts(session, product_id, location_id) == (5, 3, 0)
        order = await session.get_one(Order, order_id)
        assert (order.status, order.payment_status) == (OrderStatus.PLACED, PaymentStatus.PENDING)
        assert (order.shipping_line1, order.shipping_country_code) == ("1 Quay Street", "PT")

    async def test_tells_the_state_before_and_after(self, session: AsyncSession) -> None:
        channel_id, customer = await make.channel(session), await make.customer(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        session.info.clear()
        placing = PlaceOrder(cart_token=token, shipping_address=make.ADDRESS)
        await place_order(session, placing, by=customer)
        hold, event = stock.events_of(session)
        assert (hold["name"], hold["status"]) == ("inventory.stock_hold_changed", "ACTIVE")
        assert event["name"] == "orders.order_placed"
        assert (event["status_before"], event["status_after"]) == ("CART", "PLACED")
        assert (event["customer_id"], Decimal(event["total_amount"])) == (customer.customer_id, Decimal(30))

    async def test_holds_anew_what_expired_meanwhile(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        await expire_holds(session, clock.now() + timedelta(hours=1))
        await place_order(session, PlaceOrder(cart_token=token, shipping_address=make.ADDRESS), by=ANONYMOUS)
        assert await stock.counts(session, product_id, location_id) == (5, 3, 0)
        await stock.assert_balanced(session)

    async def test_refuses_when_others_took_what_expired(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        await expire_holds(session, clock.now() + timedelta(hours=1))
        await make.placed(session, channel_id, {product_id: 4})
        await session.commit()
        before = await stock.row_counts(session)
        with pytest.raises(InsufficientStock) as refused:
            await place_order(session, PlaceOrder(cart_token=token, shipping_address=make.ADDRESS), by=ANONYMOUS)
        await session.rollback()
        assert refused.value.details == {"available": 1}
        assert await stock.row_counts(session) == before
        assert await stock.counts(session, product_id, location_id) == (5, 4, 0)

    async def test_is_done_once(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        placing = PlaceOrder(cart_token=token, shipping_address=make.ADDRESS)
        await place_order(session, placing, by=ANONYMOUS)
        with pytest.raises(ActionNotAllowed):
            await place_order(session, placing, by=ANONYMOUS)

    async def test_refuses_an_empty_cart_and_addresses_that_lead_nowhere(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        _, empty = await make.cart(session, channel_id, {})
        _, full = await make.cart(session, channel_id, {product_id: 1})
        with pytest.raises(EmptyCart):
            await place_order(session, PlaceOrder(cart_token=empty, shipping_address=make.ADDRESS), by=ANONYMOUS)
        with pytest.raises(IncompleteAddress):
            await place_order(
                session, PlaceOrder(cart_token=full, shipping_address=Address(city="Lisbon")), by=ANONYMOUS
            )
        wrong = Address(line1="1 Quay Street", city="Lisbon", country_code="pt")
        with pytest.raises(InvalidInput):
            await place_order(session, PlaceOrder(cart_token=full, shipping_address=wrong), by=ANONYMOUS)
        with pytest.raises(UnknownCart):
            await place_order(session, PlaceOrder(cart_token="guessed", shipping_address=make.ADDRESS), by=ANONYMOUS)


class TestCancelOrder:
    async def test_gives_back_what_it_held(self, session: AsyncSession) -> None:
        channel_id, customer = await make.channel(session), await make.customer(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        order_id = await make.placed(session, channel_id, {product_id: 3}, by=customer)
        await cancel_order(session, CancelOrder(order_id=order_id, reason="Changed my mind."), by=customer)
        order = await session.get_one(Order, order_id)
        line = (await session.scalars(select(OrderLine))).one()
        assert (order.status, order.cancellation_reason) == (OrderStatus.CANCELLED, "Changed my mind.")
        assert (line.quantity_cancelled, line.quantity_allocated) == (3, 0)
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)
        await stock.assert_balanced(session)

    async def test_is_for_its_customer_its_token_and_staff(self, session: AsyncSession) -> None:
        channel_id, owner, other = (
            await make.channel(session),
            await make.customer(session),
            await make.customer(session),
        )
        product_id, _ = await make.offered(session, 9, channel_id=channel_id)
        order_id = await make.placed(session, channel_id, {product_id: 1}, by=owner)
        with pytest.raises(UnknownOrder):
            await cancel_order(session, CancelOrder(order_id=order_id), by=other)
        await cancel_order(session, CancelOrder(order_id=order_id), by=SYSTEM)
        with pytest.raises(ActionNotAllowed):
            await cancel_order(session, CancelOrder(order_id=order_id), by=SYSTEM)
