"""The whole Olist set against its own files: every figure that an owner of the shop would ask for first."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.importing.olist import Olist
from app.importing.run import Import
from app.inventory.tables import MovementReason, StockMovement
from app.orders.tables import Order, OrderLine
from tests.importing.ledger import require_balance

ORDERS, LINES, WITHOUT_LINES, LATE = 11_487, 13_223, 50, 1_003
REVENUE, FREIGHT = Decimal("1558290.76"), Decimal("256610.21")


def revenue_by_month(folder: Path) -> dict[str, Decimal]:
    """What was sold by the local month of purchase, as the files themselves say."""
    months = {row["order_id"]: row["order_purchase_timestamp"][:7] for row in rows(folder, "orders")}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(folder, "order_items"):
        sums[months[row["order_id"]]] += Decimal(row["price"])
    return dict(sums)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a file of the set."""
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestWholeSet:
    async def test_agrees_with_its_files(self, sessions: async_sessionmaker[AsyncSession], whole_set: Path) -> None:
        report = await Import(sessions, Olist(whole_set)).run()
        assert report.refusals == ()
        async with sessions() as session:
            await self.require_totals(session)
            local_month = func.to_char(func.timezone("America/Sao_Paulo", Order.placed_at), "YYYY-MM")
            by_month = select(local_month, func.sum(Order.subtotal_amount)).group_by(local_month)
            months = {month: revenue for month, revenue in await session.execute(by_month) if revenue}
            assert months == revenue_by_month(whole_set)
            await require_balance(session)
            moved = select(func.sum(StockMovement.quantity)).where(StockMovement.reason == MovementReason.SHIPPED)
            shipped = select(func.sum(OrderLine.quantity_shipped))
            assert await session.scalar(moved) == await session.scalar(shipped)

    async def require_totals(self, session: AsyncSession) -> None:
        """The figures that are known of the set, by orders and by lines."""
        of_orders = select(func.count(), func.sum(Order.subtotal_amount), func.sum(Order.shipping_amount))
        assert tuple((await session.execute(of_orders)).one()) == (ORDERS, REVENUE, FREIGHT)
        of_lines = select(func.count(), func.sum(OrderLine.total_amount), func.sum(OrderLine.freight_amount))
        assert tuple((await session.execute(of_lines)).one()) == (LINES, REVENUE, FREIGHT)
        late = select(func.count()).select_from(Order).where(Order.delivered_at > Order.estimated_delivery_at)
        assert await session.scalar(late) == LATE
        bare = select(func.count()).select_from(Order).where(Order.id.not_in(select(OrderLine.order_id)))
        assert await session.scalar(bare) == WITHOUT_LINES
