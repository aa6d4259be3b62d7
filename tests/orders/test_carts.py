"""Beginning, filling and giving up carts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.commands import UnknownChannel, UnknownProduct
from app.catalog.tables import ChannelId
from app.inventory.commands import InsufficientStock, expire_holds
from app.inventory.tables import HoldKind, HoldStatus, StockHold
from app.kernel import clock
from app.kernel.money import CurrencyCode
from app.kernel.principal import ANONYMOUS, SYSTEM
from app.kernel.refusal import InvalidInput, VersionConflict
from app.orders.commands import (
    AbandonCart,
    ActionNotAllowed,
    CartExpired,
    ChannelClosed,
    CreateCart,
    NotPriced,
    SetCartLine,
    UnknownCart,
    WrongCurrency,
    abandon_cart,
    create_cart,
    set_cart_line,
)
from app.orders.reactions import abandon_idle_cart
from app.orders.tables import Order, OrderLine, OrderStatus
from app.parties.commands import UnknownCustomer
from app.parties.tables import CustomerId
from tests.factories import inventory as stock
from tests.factories import orders as make


class TestCreateCart:
    async def test_tells_the_token_once_and_keeps_only_its_hash(self, session: AsyncSession) -> None:
        made = await create_cart(session, CreateCart(channel_id=await make.channel(session)), by=ANONYMOUS)
        cart = await session.get_one(Order, made.id)
        assert len(made.cart_token) >= 43
        assert made.cart_token.encode() not in (cart.cart_token_hash or b"")
        assert (cart.status, cart.currency, cart.customer_id) == (OrderStatus.CART, "EUR", None)
        assert cart.number == f"O-{10_000_000 + cart.id}"

    async def test_belongs_to_the_customer_who_is_signed_in(self, session: AsyncSession) -> None:
        customer = await make.customer(session)
        made = await create_cart(session, CreateCart(channel_id=await make.channel(session)), by=customer)
        assert (await session.get_one(Order, made.id)).customer_id == customer.customer_id

    async def test_refuses_unknown_and_closed_channels(self, session: AsyncSession) -> None:
        with pytest.raises(UnknownChannel):
            await create_cart(session, CreateCart(channel_id=ChannelId(999_999)), by=ANONYMOUS)
        closed = await make.channel(session, sells=False)
        with pytest.raises(ChannelClosed):
            await create_cart(session, CreateCart(channel_id=closed), by=ANONYMOUS)

    async def test_refuses_a_cart_for_another_customer_in_the_words_for_an_unknown_one(
        self, session: AsyncSession
    ) -> None:
        channel_id, customer, other = await make.channel(session), await make.customer(session), 999_999
        with pytest.raises(UnknownCustomer):
            await create_cart(
                session,
                CreateCart(channel_id=channel_id, customer_id=CustomerId(customer.customer_id or 0)),
                by=ANONYMOUS,
            )
        with pytest.raises(UnknownCustomer):
            await create_cart(session, CreateCart(channel_id=channel_id, customer_id=CustomerId(other)), by=SYSTEM)


class TestSetCartLine:
    async def test_holds_the_pieces_and_reckons_the_amounts(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id, amount="19.99")
        cart_id, _ = await make.cart(session, channel_id, {product_id: 3})
        cart = await session.get_one(Order, cart_id)
        hold = (await session.scalars(select(StockHold))).one()
        assert (cart.subtotal_amount, cart.total_amount) == (Decimal("59.97"), Decimal("59.97"))
        assert (hold.kind, hold.quantity, hold.location_id) == (HoldKind.CART, 3, location_id)
        assert hold.expires_at == pytest.approx(clock.now() + timedelta(minutes=20), abs=timedelta(minutes=1))
        assert await stock.counts(session, product_id, location_id) == (5, 3, 0)

    @pytest.mark.parametrize("quantity", [1, 3, 5])
    async def test_holds_the_difference_when_it_changes(self, session: AsyncSession, quantity: int) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        cart_id, token = await make.cart(session, channel_id, {product_id: 3})
        setting = SetCartLine(cart_token=token, product_id=product_id, quantity=quantity)
        await set_cart_line(session, setting, by=ANONYMOUS)
        line = (await session.scalars(select(OrderLine).where(OrderLine.order_id == cart_id))).one()
        assert line.quantity == quantity
        assert await stock.counts(session, product_id, location_id) == (5, quantity, 0)
        await stock.assert_balanced(session)

    async def test_takes_the_line_out_at_zero(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        cart_id, token = await make.cart(session, channel_id, {product_id: 3})
        await set_cart_line(session, SetCartLine(cart_token=token, product_id=product_id, quantity=0), by=ANONYMOUS)
        assert (await session.scalars(select(OrderLine))).all() == []
        assert (await session.get_one(Order, cart_id)).total_amount == 0
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)

    async def test_refuses_more_than_is_available_and_changes_nothing(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        await session.commit()
        before = await stock.row_counts(session)
        with pytest.raises(InsufficientStock) as refused:
            await set_cart_line(session, SetCartLine(cart_token=token, product_id=product_id, quantity=6), by=ANONYMOUS)
        await session.rollback()
        assert (refused.value.field, refused.value.details) == (("quantity",), {"available": 5})
        assert await stock.row_counts(session) == before
        assert await stock.counts(session, product_id, location_id) == (5, 3, 0)

    async def test_refuses_unknown_unpriced_and_wrongly_priced_products(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        draft, unpriced = await stock.product(session, publish=False), await stock.product(session)
        priced, _ = await make.offered(session, 5, channel_id=channel_id)
        created = CreateCart(channel_id=channel_id, currency=CurrencyCode("USD"))
        token = (await create_cart(session, created, by=ANONYMOUS)).cart_token
        for product_id, refusal in ((draft, UnknownProduct), (unpriced, NotPriced), (priced, WrongCurrency)):
            with pytest.raises(refusal):
                await set_cart_line(
                    session, SetCartLine(cart_token=token, product_id=product_id, quantity=1), by=ANONYMOUS
                )

    async def test_knows_the_cart_by_its_token_or_its_customer_only(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        owner, stranger = await make.customer(session), await make.customer(session)
        cart_id, _ = await make.cart(session, channel_id, {}, by=owner)
        setting = SetCartLine(cart_id=cart_id, product_id=product_id, quantity=1)
        await set_cart_line(session, setting, by=owner)
        for caller in (stranger, ANONYMOUS):
            with pytest.raises(UnknownCart):
                await set_cart_line(session, setting, by=caller)
        with pytest.raises(UnknownCart):
            await set_cart_line(session, SetCartLine(cart_token="guessed", product_id=product_id, quantity=1), by=owner)
        with pytest.raises(InvalidInput):
            await set_cart_line(session, SetCartLine(product_id=product_id, quantity=1), by=owner)

    async def test_refuses_a_version_that_somebody_changed(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 1})
        old = SetCartLine(cart_token=token, product_id=product_id, quantity=2, expected_version=1)
        with pytest.raises(VersionConflict):
            await set_cart_line(session, old, by=ANONYMOUS)

    async def test_tells_the_quantity_before_and_after(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 1})
        session.info.clear()
        await set_cart_line(session, SetCartLine(cart_token=token, product_id=product_id, quantity=3), by=ANONYMOUS)
        kept, level, hold, line = stock.events_of(session)
        assert kept["name"] == hold["name"] == "inventory.stock_hold_changed"
        assert (kept["quantity"], hold["quantity"], hold["status"]) == (1, 3, "ACTIVE")
        assert (level["name"], level["held_before"], level["held_after"]) == ("inventory.stock_level_changed", 1, 3)
        assert (line["name"], line["quantity_before"], line["quantity_after"]) == ("orders.cart_line_set", 1, 3)

    async def test_tells_that_the_cart_lives_on_though_the_quantity_stays(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        cart_id, token = await make.cart(session, channel_id, {product_id: 2})
        await make.price(session, product_id, channel_id, "12.50")
        session.info.clear()
        await set_cart_line(session, SetCartLine(cart_token=token, product_id=product_id, quantity=2), by=ANONYMOUS)
        assert (await session.get_one(Order, cart_id)).total_amount == Decimal(25)
        kept, line = stock.events_of(session)
        assert (kept["name"], kept["quantity"]) == ("inventory.stock_hold_changed", 2)
        assert (line["name"], line["quantity_before"], line["quantity_after"]) == ("orders.cart_line_set", 2, 2)


class TestAbandonCart:
    async def test_gives_back_what_it_held(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        cart_id, token = await make.cart(session, channel_id, {product_id: 3})
        await abandon_cart(session, AbandonCart(cart_token=token), by=ANONYMOUS)
        assert (await session.get_one(Order, cart_id)).status == OrderStatus.ABANDONED
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)
        with pytest.raises(CartExpired):
            await abandon_cart(session, AbandonCart(cart_token=token), by=ANONYMOUS)

    async def test_does_not_end_a_placed_order(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, _ = await make.offered(session, 5, channel_id=channel_id)
        order_id = await make.placed(session, channel_id, {product_id: 3})
        with pytest.raises(ActionNotAllowed):
            await abandon_cart(session, AbandonCart(cart_id=order_id), by=SYSTEM)


class TestIdleCarts:
    async def test_are_given_up_when_nobody_touched_them_for_long(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        cart_id, token = await make.cart(session, channel_id, {product_id: 3})
        assert not await abandon_idle_cart(session)
        with clock.stopped_at(clock.now() + timedelta(days=31)):
            with pytest.raises(CartExpired):
                await set_cart_line(
                    session, SetCartLine(cart_token=token, product_id=product_id, quantity=1), by=ANONYMOUS
                )
            assert await abandon_idle_cart(session)
            assert not await abandon_idle_cart(session)
        assert (await session.get_one(Order, cart_id)).status == OrderStatus.ABANDONED
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)

    async def test_give_their_pieces_back_sooner_and_hold_them_anew_when_touched(self, session: AsyncSession) -> None:
        channel_id = await make.channel(session)
        product_id, location_id = await make.offered(session, 5, channel_id=channel_id)
        _, token = await make.cart(session, channel_id, {product_id: 3})
        assert await expire_holds(session, clock.now() + timedelta(hours=1)) == 1
        assert await stock.counts(session, product_id, location_id) == (5, 0, 0)
        await set_cart_line(session, SetCartLine(cart_token=token, product_id=product_id, quantity=3), by=ANONYMOUS)
        assert await stock.counts(session, product_id, location_id) == (5, 3, 0)
        assert {hold.status for hold in await session.scalars(select(StockHold))} == {
            HoldStatus.EXPIRED,
            HoldStatus.ACTIVE,
        }
