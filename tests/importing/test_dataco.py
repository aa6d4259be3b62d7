"""The demo's orders: the committed cut comes in whole, and what it does not tell is unknown or said to be made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.importing.dataco import FOLDER, SIMULATED, DataCo
from app.importing.run import Import
from app.locations.tables import Location
from app.orders.tables import Order, OrderLine, OrderStatus
from app.shipments.tables import Shipment, TrackingEvent, TrackingStatus
from tests.importing.ledger import require_balance


@pytest.fixture
async def session(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """A session on a database that has the demo's orders."""
    report = await Import(sessions, DataCo()).run()
    assert report.refusals == ()
    async with sessions() as session:
        yield session


class TestImportDataCo:
    async def test_brings_every_order(self, session: AsyncSession) -> None:
        statuses = Counter(await session.scalars(select(Order.status)))
        assert statuses == {
            OrderStatus.DELIVERED: 200,
            OrderStatus.PLACED: 145,
            OrderStatus.ALLOCATED: 41,
            OrderStatus.CANCELLED: 17,
        }
        assert await session.scalar(select(func.count()).select_from(OrderLine)) == 559
        assert await session.scalar(select(func.sum(Order.subtotal_amount))) == Decimal("101125.95")
        await require_balance(session)

    async def test_says_what_is_made_up(self, session: AsyncSession) -> None:
        by_status = select(TrackingEvent.status, func.bool_and(TrackingEvent.is_simulated).label("made_up"))
        told = await session.execute(by_status.group_by(TrackingEvent.status))
        simulated = {row.status: row.made_up for row in told}
        assert simulated == {
            TrackingStatus.PICKED_UP: False,
            TrackingStatus.IN_TRANSIT: True,
            TrackingStatus.OUT_FOR_DELIVERY: True,
            TrackingStatus.DELIVERED: True,
        }
        for row in (*await session.scalars(select(Location)), *await session.scalars(select(Shipment))):
            assert SIMULATED in {reference["source"] for reference in row.external_references}

    async def test_leaves_what_nobody_told_unknown(self, session: AsyncSession) -> None:
        unknown = select(
            func.count(Shipment.carrier_id),
            func.count(Shipment.tracking_number),
            func.count(Shipment.estimated_delivery_at),
            func.count(Shipment.destination_latitude),
            func.count(Shipment.destination_line1),
        )
        assert tuple((await session.execute(unknown)).one()) == (0, 0, 0, 0, 0)

    def test_keeps_its_licence_beside_the_data(self) -> None:
        told = (FOLDER / "README.md").read_text()
        assert "CC BY 4.0" in told
        assert "doi:10.17632/8gx2fvg2k6" in told
