"""What the tests of following share: a wake-up within this process, a relay, a process, and stock to follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.inventory.commands import AdjustStock, adjust_stock
from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM
from app.server.wakeup import Wakeup
from tests.factories import inventory as make
from tests.following.own_redis import OwnRedis
from tests.following.processes import Process, process, relaying


@dataclass
class Shelf:
    """One product at one location, whose stock a test changes."""

    sessions: async_sessionmaker[AsyncSession]
    product: int
    location: int

    @property
    def product_id(self) -> str:
        """The product's global id."""
        return encode_id("Product", self.product)

    async def change(self, quantity: int = 1, *, by: str = "system") -> None:
        """Find so many pieces more."""
        async with self.sessions() as session:
            await self.change_in(session, quantity)
            await session.commit()

    async def change_in(self, session: AsyncSession, quantity: int = 1) -> None:
        """Find so many pieces more, without committing it."""
        given = AdjustStock(product_id=self.product, location_id=self.location, quantity_change=quantity)  # type: ignore[arg-type]
        await adjust_stock(session, given, by=SYSTEM)
        await write_outbox(session)


async def shelf_of(sessions: async_sessionmaker[AsyncSession], **details: bool) -> Shelf:
    """A shelf with a hundred pieces; `publish=False` hides the product from strangers."""
    async with sessions() as session:
        product = await make.product(session, **details)
        _, location = await make.stocked(session, 100, product_id=product)
        await write_outbox(session)
        await session.commit()
    return Shelf(sessions, product, location)


@pytest.fixture
async def shelf(sessions: async_sessionmaker[AsyncSession]) -> Shelf:
    """A shelf with a hundred pieces of a published product."""
    return await shelf_of(sessions)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of this test's own, running."""
    made = OwnRedis(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def wakeup() -> AsyncIterator[Wakeup]:
    """A wake-up within this process."""
    made = Wakeup("memory://")
    await made.connect()
    yield made
    await made.disconnect()


@pytest.fixture
async def served(
    database_url: str, sessions: async_sessionmaker[AsyncSession], shelf: Shelf, wakeup: Wakeup
) -> AsyncIterator[Process]:
    """A process that follows a log which a relay keeps; what made the shelf is in the past."""
    async with relaying(database_url, wakeup), process(database_url, sessions, wakeup) as made:
        await made.settled()
        yield made
