"""Following equals reading anew: mirrors that are kept by the feed have, for every caller, what a fresh reading has."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.catalog.commands import UpdateProduct, update_product
from app.kernel.outbox import OutboxEvent
from app.kernel.refusal import Refusal
from app.parties.commands import CreateSupplier, create_supplier
from app.server.wakeup import Wakeup
from app.simulation.clerk import Clerk
from app.simulation.goods import find_goods
from app.simulation.play import Play
from app.simulation.trade import Habits, Trade
from tests.following.processes import Process, process, relaying
from tests.simulation.mirrors import TYPES, Mirror, callers
from tests.simulation.mischief import play_prank
from tests.simulation.office import do_a_duty

STEPS, ROUNDS = 60, 3
PRANKS, DUTIES = 0.15, 0.25
SEED = 5
BUSY = Habits(abandons=0.05, cancels=0.1, knows_the_buyer=1, picks_short=0.2, returns=1, rejects=0.1)


@pytest.mark.usefixtures("shop", "signing_key")
class TestMirrors:
    async def test_have_what_a_fresh_reading_has(
        self, database_url: str, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        clerk, wakeup = Clerk(sessions), Wakeup("memory://")
        await wakeup.connect()
        goods = await find_goods(clerk)
        play = Play(Trade(clerk=clerk, goods=goods, chance=Random(SEED), habits=BUSY))  # noqa: S311
        supplier = await clerk.give(create_supplier, CreateSupplier(code="MIRRORED", name="Mirrored"))
        for product in goods.products[:3]:
            await clerk.give(update_product, UpdateProduct(product_id=product, supplier_id=supplier))  # type: ignore[arg-type]
        async with relaying(database_url, wakeup), process(database_url, sessions, wakeup) as served:
            known = callers(goods.customers[0], goods.carrier_id, supplier)
            mirrors = {name: Mirror(served, principal) for name, principal in known.items()}
            for mirror in mirrors.values():
                await mirror.begin()
            for _ in range(ROUNDS):
                for _ in range(STEPS):
                    await step(play)
                await self.compare(served, mirrors, await recorded(sessions))
            assert mirrors["stranger"].gone
            assert mirrors["stranger"].refetched
            assert all(mirrors["staff"].objects[name] for name in ("Order", "Shipment", "StockHold", "StockMovement"))
            assert mirrors["customer"].objects["Order"]
            assert mirrors["carrier"].objects["Shipment"]
            assert mirrors["supplier"].objects["StockMovement"]
            for mirror in mirrors.values():
                await mirror.close()
        await wakeup.disconnect()

    @staticmethod
    async def compare(served: Process, mirrors: dict[str, Mirror], events: int) -> None:
        """Require that each mirror has what its caller reads anew, once it was told of so many events."""
        await served.settled(events)
        for kind, mirror in mirrors.items():
            await mirror.catch_up(events)
            for name in TYPES:
                assert mirror.objects[name] == await mirror.fresh(name), (kind, name)


async def step(play: Play) -> None:
    """One step of trade, of mischief or of the office."""
    chance, clerk = play.trade.chance, play.trade.clerk
    what = chance.random()
    with suppress(Refusal):
        if what < PRANKS:
            await play_prank(clerk, play.trade.goods, chance)
        elif what < PRANKS + DUTIES:
            await do_a_duty(clerk, chance)
        else:
            await play.step()


async def recorded(sessions: async_sessionmaker[AsyncSession]) -> int:
    """How many events there are."""
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(OutboxEvent)) or 0
