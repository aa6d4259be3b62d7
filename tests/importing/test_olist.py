"""The Olist import: what becomes of the rows of a set, what is refused, and that nothing comes in twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.catalog.tables import Price, Product
from app.fulfilment.tables import Fulfilment, FulfilmentLine, FulfilmentStatus
from app.importing.olist import Olist
from app.importing.records import Kind
from app.importing.run import Import, Report
from app.importing.sources import ImportFailure
from app.importing.tables import ImportedRecord, ImportRefusal
from app.inventory.tables import HoldKind, StockHold, StockLevel, StockMovement
from app.kernel.outbox import OutboxEvent
from app.locations.tables import Location, LocationKind
from app.orders.tables import Order, OrderLine, OrderStatus, PaymentStatus
from app.parties.tables import Customer, Supplier
from app.shipments.tables import Shipment, ShipmentStatus, TrackingEvent, TrackingStatus
from tests.importing import olist_set
from tests.importing.ledger import require_balance

Sessions = async_sessionmaker[AsyncSession]
TABLES: tuple[Any, ...] = (
    *(Supplier, Location, Customer, Product, Price, Order, OrderLine, Fulfilment, FulfilmentLine, Shipment),
    *(TrackingEvent, StockLevel, StockMovement, StockHold, ImportedRecord, ImportRefusal, OutboxEvent),
)


async def imported(sessions: Sessions, folder: Path, **options: Any) -> Report:
    """The report of a run over the set in `folder`."""
    return await Import(sessions, Olist(folder), **options).run()


async def order_of(session: AsyncSession, key: str) -> Order:
    """The order that Olist calls `key`."""
    found = select(Order).where(Order.external_references.contains([{"source": "olist", "value": key}]))
    return (await session.scalars(found)).one()


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many rows each table has."""
    return {table.__tablename__: await session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


class TestImportOlist:
    @pytest.fixture
    async def session(self, sessions: Sessions, tmp_path: Path) -> AsyncIterator[AsyncSession]:
        await imported(sessions, olist_set.write(tmp_path / "set"))
        async with sessions() as session:
            yield session

    async def test_makes_one_line_of_each_row(self, session: AsyncSession) -> None:
        late = await order_of(session, "late")
        lines = list(await session.scalars(select(OrderLine).where(OrderLine.order_id == late.id)))
        assert [(line.position, line.quantity, line.unit_price_amount) for line in lines] == [
            (1, 1, Decimal("48.90")),
            (2, 1, Decimal("48.90")),
        ]
        assert late.currency == "BRL"
        assert (late.subtotal_amount, late.shipping_amount, late.total_amount) == (
            Decimal("97.80"),
            Decimal("20.20"),
            Decimal("118.00"),
        )

    async def test_takes_local_times_as_those_of_sao_paulo(self, session: AsyncSession) -> None:
        assert (await order_of(session, "late")).placed_at == datetime(2017, 5, 2, 13, tzinfo=UTC)
        assert (await order_of(session, "midnight")).placed_at == datetime(2017, 11, 1, 1, 30, tzinfo=UTC)

    async def test_lets_what_happened_decide_over_the_label(self, session: AsyncSession) -> None:
        states = {
            "late": (OrderStatus.DELIVERED, PaymentStatus.PAID),
            "midnight": (OrderStatus.DELIVERED, PaymentStatus.PENDING),
            "working": (OrderStatus.ALLOCATED, PaymentStatus.PAID),
            "stopped": (OrderStatus.SHIPPED, PaymentStatus.PAID),
            "called-off": (OrderStatus.CANCELLED, PaymentStatus.PAID),
            "nothing": (OrderStatus.CANCELLED, PaymentStatus.PENDING),
            "bare": (OrderStatus.PLACED, PaymentStatus.PAID),
            "new": (OrderStatus.PLACED, PaymentStatus.PENDING),
        }
        for key, state in states.items():
            order = await order_of(session, key)
            assert (order.status, order.payment_status) == state, key
        stopped = await order_of(session, "stopped")
        assert {"source": "olist.order_status", "value": "canceled"} in stopped.external_references

    async def test_makes_a_shipment_of_each_sellers_share(self, session: AsyncSession) -> None:
        split = await order_of(session, "split")
        shipments = list(await session.scalars(select(Shipment).where(Shipment.order_id == split.id)))
        assert [shipment.status for shipment in shipments] == [ShipmentStatus.DELIVERED] * 2
        assert len({shipment.origin_location_id for shipment in shipments}) == 2
        assert shipments[0].destination_city == "Rio De Janeiro"
        assert shipments[0].destination_latitude == Decimal("-22.90642")
        of_first = select(TrackingEvent.status, TrackingEvent.occurred_at, TrackingEvent.is_simulated)
        events = await session.execute(of_first.where(TrackingEvent.shipment_id == shipments[0].id))
        assert [tuple(event) for event in events] == [
            (TrackingStatus.PICKED_UP, datetime(2017, 6, 2, 12, tzinfo=UTC), False),
            (TrackingStatus.DELIVERED, datetime(2017, 6, 5, 14, tzinfo=UTC), False),
        ]

    async def test_allocates_what_is_being_prepared(self, session: AsyncSession) -> None:
        working = await order_of(session, "working")
        fulfilment = (await session.scalars(select(Fulfilment).where(Fulfilment.order_id == working.id))).one()
        hold = (await session.scalars(select(StockHold).where(StockHold.order_id == working.id))).one()
        assert fulfilment.status is FulfilmentStatus.ALLOCATED
        assert (hold.kind, hold.quantity, hold.location_id) == (HoldKind.ORDER, 1, fulfilment.location_id)

    async def test_leaves_what_nobody_told_unknown(self, session: AsyncSession) -> None:
        places = {place.code: place for place in await session.scalars(select(Location))}
        assert places["OLIST-ana"].city == "Sao Paulo"
        assert places["OLIST-ana"].kind is LocationKind.SUPPLIER
        assert (places["OLIST-bruno"].city, places["OLIST-bruno"].latitude) == (None, None)
        products = {product.sku: product for product in await session.scalars(select(Product))}
        assert (products["OLIST-VASE"].name, products["OLIST-VASE"].length_mm) == ("Furniture Decor vase", 270)
        assert (products["OLIST-DRILL"].weight_grams, products["OLIST-DRILL"].length_mm) == (None, 305)
        assert (products["OLIST-MUG"].name, products["OLIST-MUG"].category) == ("Product mug", None)
        assert (await order_of(session, "new")).shipping_latitude is None

    async def test_knows_a_customer_by_all_its_orders(self, session: AsyncSession) -> None:
        maria = (await session.scalars(select(Customer).where(Customer.number == "OLIST-maria"))).one()
        assert maria.city == "Rio De Janeiro"
        of_maria = select(func.count()).select_from(Order).where(Order.customer_id == maria.id)
        assert await session.scalar(of_maria) == 2

    async def test_balances_the_ledger(self, session: AsyncSession) -> None:
        await require_balance(session)
        totals = select(func.sum(StockLevel.on_hand), func.sum(StockLevel.held))
        assert (await session.execute(totals)).one() == (2, 2)

    async def test_tells_one_event_a_batch(self, session: AsyncSession) -> None:
        told = Counter(
            event.facts["stage"]
            for event in await session.scalars(select(OutboxEvent))
            if event.name == "importing.batch_imported"
        )
        assert told == dict.fromkeys(("supplier", "location", "customer", "product", "stock", "order"), 1)

    async def test_does_nothing_the_second_time(
        self, session: AsyncSession, sessions: Sessions, tmp_path: Path
    ) -> None:
        before = await counts(session)
        report = await imported(sessions, tmp_path / "set")
        assert report.was_finished
        assert await counts(session) == before


class TestRefusals:
    async def test_name_what_did_not_come_in_and_why(self, sessions: Sessions, tmp_path: Path) -> None:
        report = await imported(sessions, olist_set.write(tmp_path, rotten=True))
        assert {key: reason for kind, key, reason in report.refusals if kind is Kind.ORDER} == {
            "late": "it is in the file twice",
            "odd": "its status 'lost' is none of Olist's",
            "timeless": "order_purchase_timestamp is no time: 'yesterday'",
            "stranger": "it names the customer nobody, whom the set does not have",
            "priceless": "the price of item 2 is no number: 'free'",
            "unlisted": "it names the product ghost, which did not come in",
            "orphan": "the set has 1 items of this order and not the order itself",
        }
        assert {stage.kind: stage.imported for stage in report.stages}[Kind.ORDER] == 9
        async with sessions() as session:
            await require_balance(session)

    async def test_of_a_folder_without_the_files(self, sessions: Sessions, tmp_path: Path) -> None:
        with pytest.raises(ImportFailure, match=r"holds neither orders\.csv nor"):
            await imported(sessions, tmp_path)

    async def test_of_a_file_that_lacks_a_column(self, sessions: Sessions, tmp_path: Path) -> None:
        folder = olist_set.write(tmp_path)
        (folder / "orders.csv").write_text("order_id\nlate\n")
        with pytest.raises(ImportFailure, match="lacks the column customer_id"):
            await imported(sessions, folder)

    async def test_of_names_that_others_have(self, sessions: Sessions, session: AsyncSession, tmp_path: Path) -> None:
        session.add(Product(sku="OLIST-MUG", name="Another mug"))
        await session.commit()
        report = await imported(sessions, olist_set.write(tmp_path))
        told = {(kind, key): reason for kind, key, reason in report.refusals}
        assert told[Kind.PRODUCT, "mug"] == "OLIST-MUG is taken by another"
        assert told[Kind.ORDER, "new"] == "it names the product mug, which did not come in"


class Killed(Exception):
    """Stands for the end of the process."""


class TestKilledImport:
    @pytest.mark.parametrize("committed", [False, True], ids=["before its commit", "after its commit"])
    async def test_goes_on_without_duplicates(
        self, sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, committed: bool
    ) -> None:
        folder = olist_set.write(tmp_path, rotten=True)
        commits = kill_at_commits(monkeypatch, committed=committed)
        deaths = 0
        while True:
            try:
                report = await imported(sessions, folder, batch_rows=2)
                break
            except Killed:
                deaths += 1
        assert deaths > 8
        assert commits() > deaths
        async with sessions() as session:
            await require_balance(session)
            assert {
                name: count for name, count in (await counts(session)).items() if name != OutboxEvent.__tablename__
            } == EXPECTED
        assert sum(stage.refused for stage in report.stages) == 8
        assert sum(stage.known for stage in report.stages) == 0

    async def test_knows_what_came_in_with_other_files(self, sessions: Sessions, tmp_path: Path) -> None:
        await imported(sessions, olist_set.write(tmp_path / "before"))
        report = await imported(sessions, olist_set.write(tmp_path / "after", rotten=True))
        orders = next(stage for stage in report.stages if stage.kind is Kind.ORDER)
        assert (orders.imported, orders.known, orders.refused) == (0, 9, 7)
        async with sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Order)) == 9
            await require_balance(session)


class TestTwoAtOnce:
    async def test_bring_nothing_in_twice(self, sessions: Sessions, tmp_path: Path) -> None:
        folder = olist_set.write(tmp_path, rotten=True)
        runs = (imported(sessions, folder, batch_rows=2) for _ in range(2))
        ended = await asyncio.gather(*runs, return_exceptions=True)
        assert all(isinstance(end, Report | ImportFailure) for end in ended), ended
        await imported(sessions, folder, batch_rows=2)
        async with sessions() as session:
            found = await counts(session)
            await require_balance(session)
        found.pop(OutboxEvent.__tablename__)
        assert found == EXPECTED


EXPECTED = {
    "suppliers": 3,
    "locations": 3,
    "customers": 8,
    "products": 3,
    "prices": 3,
    "orders": 9,
    "order_lines": 9,
    "fulfilments": 6,
    "fulfilment_lines": 7,
    "shipments": 5,
    "tracking_events": 9,
    "stock_levels": 3,
    "stock_movements": 9,
    "stock_holds": 2,
    "imported_records": 29,
    "import_refusals": 8,
}


def kill_at_commits(monkeypatch: pytest.MonkeyPatch, *, committed: bool) -> Callable[[], int]:
    """Let every third commit of a session be its process's end, before or after it is done; answers their number."""
    commit, count = AsyncSession.commit, 0

    async def killing(session: AsyncSession) -> None:
        nonlocal count
        count += 1
        dies = count % 3 == 0
        if dies and not committed:
            raise Killed
        await commit(session)
        if dies:
            raise Killed

    monkeypatch.setattr(AsyncSession, "commit", killing)
    return lambda: count
