"""Buyers for the race: each process of them fills carts and places orders at once with all others."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.catalog.tables import ChannelId, ProductId
from app.inventory.commands import InsufficientStock, expire_holds
from app.kernel import clock
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS
from app.orders.commands import (
    AbandonCart,
    CancelOrder,
    CreateCart,
    NewCart,
    PlaceOrder,
    SetCartLine,
    abandon_cart,
    cancel_order,
    create_cart,
    place_order,
    set_cart_line,
)
from app.server.database import driver_url, sessions_of
from tests.factories.orders import ADDRESS

Sessions = async_sessionmaker[AsyncSession]
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Race:
    """What the buyers of one process do: how many, how often, what they may want, and how many pieces at most."""

    database_url: str
    channel_id: ChannelId
    products: tuple[ProductId, ...]
    buyers: int
    carts: int
    pieces_max: int
    fickle: bool
    seed: int


def buy(race: Race) -> Counter[str]:
    """Run the buyers of one process; answers what came of their carts. Anything unexpected is raised."""
    return asyncio.run(_buy(race))


async def _buy(race: Race) -> Counter[str]:
    engine = create_async_engine(driver_url(race.database_url), pool_size=race.buyers)
    sessions = sessions_of(engine)
    outcomes = Counter[str]()
    choices = [random.Random(f"{race.seed}-{number}") for number in range(race.buyers)]  # noqa: S311
    await asyncio.gather(*(_shop(race, sessions, chance, outcomes) for chance in choices))
    await engine.dispose()
    return outcomes


async def _shop(race: Race, sessions: Sessions, chance: random.Random, outcomes: Counter[str]) -> None:
    """One buyer: cart after cart, the products of each in an order of its own."""
    for _ in range(race.carts):
        wanted = {of: chance.randint(1, race.pieces_max) for of in chance.sample(race.products, len(race.products))}
        try:
            cart = await _filled(race, sessions, wanted)
        except InsufficientStock:
            outcomes["refused"] += 1
            continue
        await _end(race, sessions, cart, chance, outcomes)


async def _filled(race: Race, sessions: Sessions, wanted: dict[ProductId, int]) -> NewCart:
    """A cart with all that is wanted; where one product ran out, the cart is given up."""
    creation = CreateCart(channel_id=race.channel_id)
    cart = await done(sessions, lambda session: create_cart(session, creation, by=ANONYMOUS))
    try:
        for product_id, quantity in wanted.items():
            setting = SetCartLine(cart_token=cart.cart_token, product_id=product_id, quantity=quantity)
            await done(sessions, partial(_set, setting))
    except InsufficientStock:
        giving_up = AbandonCart(cart_token=cart.cart_token)
        await done(sessions, lambda session: abandon_cart(session, giving_up, by=ANONYMOUS))
        raise
    return cart


async def _end(race: Race, sessions: Sessions, cart: NewCart, chance: random.Random, outcomes: Counter[str]) -> None:
    """Place the cart; the fickle sometimes let its holds expire before, or call the order off after."""
    if race.fickle and chance.random() < 0.2:
        later = clock.now() + timedelta(hours=1)
        await done(sessions, lambda session: expire_holds(session, later))
    placing = PlaceOrder(cart_token=cart.cart_token, shipping_address=ADDRESS)
    try:
        order_id = await done(sessions, lambda session: place_order(session, placing, by=ANONYMOUS))
    except InsufficientStock:
        outcomes["too late"] += 1
        return
    if race.fickle and order_id and chance.random() < 0.3:
        calling_off = CancelOrder(cart_token=cart.cart_token)
        await done(sessions, lambda session: cancel_order(session, calling_off, by=ANONYMOUS))
        outcomes["cancelled"] += 1
        return
    outcomes["placed"] += 1


async def _set(setting: SetCartLine, session: AsyncSession) -> object:
    return await set_cart_line(session, setting, by=ANONYMOUS)


async def done(sessions: Sessions, work: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    """Do `work` in a transaction of its own, with its events, as the writing resolver does."""
    async with sessions() as session:
        answer = await work(session)
        await write_outbox(session)
        await session.commit()
        return answer
