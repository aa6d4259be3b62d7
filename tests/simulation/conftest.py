"""A small trade to play with: three warehouses, some products and customers, and a web shop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.access.questions import callers, signing
from app.inventory.commands import ReceiveStock, receive_stock
from app.kernel.address import Address
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM
from app.server.database import writing_engine
from tests.factories import catalog, locations, parties

PLACES = (("40.7", "-74.0"), ("41.9", "-87.6"), ("34.1", "-118.2"))
PRODUCTS, CUSTOMERS, PIECES = 6, 4, 12


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine that keeps its connections, for a play has hundreds of transactions one after another."""
    made = writing_engine(database_url, pool=3)
    yield made
    await made.dispose()


@pytest.fixture
def signing_key() -> Iterator[None]:
    """Sign with a key of the test's, and forget every caller."""
    signing.use_key(b"a signing key of thirty-two bytes")
    yield
    callers.forget()


@pytest.fixture
async def shop(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Stock that can be sold; little of it, so that it runs out now and then."""
    async with sessions() as session:
        channel = await catalog.channel(session)
        places = [
            await locations.location(
                session, address=Address(city="Somewhere", latitude=Decimal(latitude), longitude=Decimal(longitude))
            )
            for latitude, longitude in PLACES
        ]
        for number in range(PRODUCTS):
            product = await catalog.product(session)
            await catalog.priced(session, product, channel, f"{9 + number}.90")
            for place in places:
                receipt = ReceiveStock(product_id=product, location_id=place, quantity=PIECES)
                await receive_stock(session, receipt, by=SYSTEM)
        for _ in range(CUSTOMERS):
            await parties.customer(session)
        await write_outbox(session)
        await session.commit()
