"""The dashboard's figures in the stock Strawberry server: a resolver each, and in it SQLAlchemy's `group by`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, Date, cast, func, select

from app.catalog import tables as catalog
from app.inventory import tables as inventory
from app.locations import tables as places
from app.orders import tables as trade
from bench.stock_loaders import Money

Info = strawberry.Info[dict[str, Any], None]
COUNTED = (func.count(), func.sum(trade.Order.total_amount), trade.Order.currency)


@strawberry.type
class OrderTotals:
    """Orders that have something in common, counted and summed."""

    count: int
    total: list[Money]


@strawberry.type
class StatusTotals(OrderTotals):
    """The orders in one status."""

    status: str


@strawberry.type
class ChannelTotals(OrderTotals):
    """The orders of one channel."""

    channel: str


@strawberry.type
class DayTotals(OrderTotals):
    """The orders of one day."""

    day: date


@strawberry.type
class LocationTotals:
    """The stock of one location."""

    location: str
    count: int
    on_hand: int
    available: int


@strawberry.type
class DashboardQueries:
    """What a dashboard shows."""

    @strawberry.field
    async def orders_by_status(self, info: Info) -> list[StatusTotals]:
        """How many orders are how far, and what they come to."""
        rows = await fetched(info, grouped(trade.Order.status))
        return [StatusTotals(status=key, **told) for key, told in totals(rows).items()]

    @strawberry.field
    async def orders_by_channel(self, info: Info) -> list[ChannelTotals]:
        """How many orders came through which channel, and what they come to."""
        rows = await fetched(
            info, grouped(catalog.Channel.code).join(catalog.Channel, trade.Order.channel_id == catalog.Channel.id)
        )
        return [ChannelTotals(channel=key, **told) for key, told in totals(rows).items()]

    @strawberry.field
    async def orders_by_day(self, info: Info, since: datetime) -> list[DayTotals]:
        """How many orders were placed on which day, and what they come to."""
        day = cast(func.timezone("UTC", trade.Order.placed_at), Date)
        rows = await fetched(info, grouped(day).where(trade.Order.placed_at >= since))
        return [DayTotals(day=key, **told) for key, told in totals(rows).items()]

    @strawberry.field
    async def stock_by_location(self, info: Info) -> list[LocationTotals]:
        """How much there is where."""
        level, place = inventory.StockLevel, places.Location
        sums = (func.sum(level.on_hand), func.sum(level.on_hand - level.held))
        asked = select(place.code, func.count(), *sums).join(place, level.location_id == place.id)
        rows = await fetched(info, asked.group_by(place.code).order_by(place.code))
        return [
            LocationTotals(location=code, count=count, on_hand=on_hand, available=available)
            for code, count, on_hand, available in rows
        ]


def grouped(key: Any) -> Any:
    """Orders counted and summed by `key`, for each currency."""
    told: ColumnElement[Any] = key
    return select(told, *COUNTED).select_from(trade.Order).group_by(told, trade.Order.currency).order_by(told)


async def fetched(info: Info, asked: Any) -> list[Any]:
    """The rows of a statement, in a session of their own, so that the fields of a request run beside each other."""
    async with info.context["sessions"]() as session:
        return list((await session.execute(asked)).all())


def totals(rows: list[Any]) -> dict[Any, dict[str, Any]]:
    """Counts and sums by key, out of rows that are apart by currency."""
    told: dict[Any, dict[str, Any]] = {}
    for key, count, amount, currency in rows:
        found = told.setdefault(key, {"count": 0, "total": []})
        found["count"] += count
        found["total"].append(Money(amount=amount, currency=currency))
    return told
