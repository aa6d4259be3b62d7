"""A stock Strawberry server, written as its documentation teaches: types, SQLAlchemy's ORM, a DataLoader a relation.

It answers the reads of `bench/operations.py` from the same tables, with Strawberry's caches of parsing and validation.
Nothing is held against it: it checks no caller, counts no cost and writes no log lines.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry
import uvicorn
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from app.catalog import tables as catalog
from app.inventory import tables as inventory
from app.locations import tables as places
from app.orders import tables as trade
from app.parties import tables as parties
from app.returns import tables as back
from app.server.database import driver_url, server_settings
from app.shipments import tables as transport
from bench.stock_dashboard import DashboardQueries
from bench.stock_loaders import Money, OrderSort, Sessions, cursor_of, global_id, loaders_of, place_of

T = TypeVar("T")
Info = strawberry.Info[dict[str, Any], None]


@strawberry.type
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None


@strawberry.type
class Connection(Generic[T]):
    """A page of a list."""

    nodes: list[T]
    page_info: PageInfo


@strawberry.type
class Location:
    """A place."""

    code: str
    name: str

    @classmethod
    def of(cls, row: places.Location) -> Location:
        """The type of a row."""
        return cls(code=row.code, name=row.name)


@strawberry.type
class Carrier:
    """Someone who carries."""

    name: str

    @classmethod
    def of(cls, row: parties.Carrier) -> Carrier:
        """The type of a row."""
        return cls(name=row.name)


@strawberry.type
class StockLevel:
    """How much there is at a place."""

    available: int
    row: strawberry.Private[inventory.StockLevel]

    @strawberry.field
    async def location(self, info: Info) -> Location:
        """Where it is."""
        return Location.of(await info.context["locations"].load(self.row.location_id))

    @classmethod
    def of(cls, row: inventory.StockLevel) -> StockLevel:
        """The type of a row."""
        return cls(available=row.on_hand - row.held, row=row)


@strawberry.type
class Product:
    """What is sold."""

    id: strawberry.ID
    sku: str
    name: str
    category: str | None
    status: str
    weight_grams: int | None
    row: strawberry.Private[catalog.Product]

    @strawberry.field
    async def stock_levels(self, info: Info, first: int = 20) -> Connection[StockLevel]:
        """Its stock."""
        return page(StockLevel, await info.context["stock_levels"].load(self.row.id), first)

    @classmethod
    def of(cls, row: catalog.Product) -> Product:
        """The type of a row."""
        return cls(
            id=global_id("Product", row.id),
            sku=row.sku,
            name=row.name,
            category=row.category,
            status=row.status,
            weight_grams=row.weight_grams,
            row=row,
        )


@strawberry.type
class OrderLine:
    """One product of an order."""

    position: int
    quantity: int
    unit_price: Money
    total: Money
    row: strawberry.Private[trade.OrderLine]

    @strawberry.field
    async def product(self, info: Info) -> Product:
        """What was ordered."""
        return Product.of(await info.context["products"].load(self.row.product_id))

    @classmethod
    def of(cls, row: trade.OrderLine) -> OrderLine:
        """The type of a row."""
        return cls(
            position=row.position,
            quantity=row.quantity,
            unit_price=Money(amount=row.unit_price_amount, currency=row.currency),
            total=Money(amount=row.total_amount, currency=row.currency),
            row=row,
        )


@strawberry.type
class TrackingEvent:
    """One step of a journey."""

    status: str
    occurred_at: datetime
    place: str | None
    description: str | None

    @classmethod
    def of(cls, row: transport.TrackingEvent) -> TrackingEvent:
        """The type of a row."""
        return cls(status=row.status, occurred_at=row.occurred_at, place=row.place, description=row.description)


@strawberry.type
class Shipment:
    """Goods on their way."""

    number: str
    status: str
    tracking_number: str | None
    estimated_delivery_at: datetime | None
    row: strawberry.Private[transport.Shipment]

    @strawberry.field
    async def origin(self, info: Info) -> Location | None:
        """Where it left."""
        place = self.row.origin_location_id
        return Location.of(await info.context["locations"].load(place)) if place else None

    @strawberry.field
    async def carrier(self, info: Info) -> Carrier | None:
        """Who carries it."""
        carrier = self.row.carrier_id
        return Carrier.of(await info.context["carriers"].load(carrier)) if carrier else None

    @strawberry.field
    async def tracking_events(self, info: Info, first: int = 20) -> Connection[TrackingEvent]:
        """Its journey."""
        return page(TrackingEvent, await info.context["tracking_events"].load(self.row.id), first)

    @classmethod
    def of(cls, row: transport.Shipment) -> Shipment:
        """The type of a row."""
        return cls(
            number=row.number,
            status=row.status,
            tracking_number=row.tracking_number,
            estimated_delivery_at=row.estimated_delivery_at,
            row=row,
        )


@strawberry.type
class ReturnLine:
    """What comes back of one line."""

    quantity: int
    row: strawberry.Private[back.ReturnLine]

    @strawberry.field
    async def product(self, info: Info) -> Product:
        """What comes back."""
        return Product.of(await info.context["products"].load(self.row.product_id))

    @classmethod
    def of(cls, row: back.ReturnLine) -> ReturnLine:
        """The type of a row."""
        return cls(quantity=row.quantity, row=row)


@strawberry.type
class Return:
    """Goods that come back."""

    number: str
    status: str
    reason: str
    row: strawberry.Private[back.Return]

    @strawberry.field
    async def lines(self, info: Info, first: int = 20) -> Connection[ReturnLine]:
        """What comes back."""
        return page(ReturnLine, await info.context["return_lines"].load(self.row.id), first)

    @classmethod
    def of(cls, row: back.Return) -> Return:
        """The type of a row."""
        return cls(number=row.number, status=row.status, reason=row.reason, row=row)


@strawberry.type
class Order:
    """What a customer asked for."""

    id: strawberry.ID
    number: str
    status: str
    placed_at: datetime | None
    total: Money
    row: strawberry.Private[trade.Order]

    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        """Who ordered."""
        customer = self.row.customer_id
        return Customer.of(await info.context["customers"].load(customer)) if customer else None

    @strawberry.field
    async def lines(self, info: Info, first: int = 20) -> Connection[OrderLine]:
        """What was ordered."""
        return page(OrderLine, await info.context["lines"].load(self.row.id), first)

    @strawberry.field
    async def shipments(self, info: Info, first: int = 20) -> Connection[Shipment]:
        """What was sent."""
        return page(Shipment, await info.context["shipments"].load(self.row.id), first)

    @strawberry.field
    async def returns(self, info: Info, first: int = 20) -> Connection[Return]:
        """What came back."""
        return page(Return, await info.context["returns"].load(self.row.id), first)

    @classmethod
    def of(cls, row: trade.Order) -> Order:
        """The type of a row."""
        return cls(
            id=global_id("Order", row.id),
            number=row.number,
            status=row.status,
            placed_at=row.placed_at,
            total=Money(amount=row.total_amount, currency=row.currency),
            row=row,
        )


@strawberry.type
class Customer:
    """Someone who buys."""

    number: str
    name: str
    email: str | None
    row: strawberry.Private[parties.Customer]

    @strawberry.field
    async def orders(self, info: Info, first: int = 20) -> Connection[Order]:
        """What was ordered."""
        return page(Order, await info.context["orders"].load(self.row.id), first)

    @classmethod
    def of(cls, row: parties.Customer) -> Customer:
        """The type of a row."""
        return cls(number=row.number, name=row.name, email=row.email, row=row)


def page(kind: Any, rows: list[Any], first: int) -> Connection[Any]:
    """A page of rows that were loaded."""
    return Connection(nodes=[kind.of(row) for row in rows[:first]], page_info=PageInfo(end_cursor=None))


@strawberry.type
class Query(DashboardQueries):
    """What may be read."""

    @strawberry.field
    async def products(self, info: Info, first: int = 20, after: str | None = None) -> Connection[Product]:
        """Products by their SKU."""
        asked = select(catalog.Product).order_by(catalog.Product.sku).limit(first)
        if after:
            asked = asked.where(catalog.Product.sku > place_of(after))
        async with info.context["sessions"]() as session:
            rows = (await session.scalars(asked)).all()
        end = cursor_of(rows[-1].sku) if rows else None
        return Connection(nodes=[Product.of(row) for row in rows], page_info=PageInfo(end_cursor=end))

    @strawberry.field
    async def orders(
        self, info: Info, first: int = 20, after: str | None = None, sort: list[OrderSort] | None = None
    ) -> Connection[Order]:
        """Orders, the newest first."""
        del sort
        asked = select(trade.Order).order_by(trade.Order.created_at.desc()).limit(first)
        if after:
            asked = asked.where(trade.Order.created_at < datetime.fromisoformat(place_of(after)))
        async with info.context["sessions"]() as session:
            rows = (await session.scalars(asked)).all()
        end = cursor_of(rows[-1].created_at.isoformat()) if rows else None
        return Connection(nodes=[Order.of(row) for row in rows], page_info=PageInfo(end_cursor=end))

    @strawberry.field
    async def order(self, info: Info, number: str) -> Order | None:
        """One order."""
        async with info.context["sessions"]() as session:
            row = await session.scalar(select(trade.Order).where(trade.Order.number == number))
        return Order.of(row) if row else None

    @strawberry.field
    async def customer(self, info: Info, number: str) -> Customer | None:
        """One customer."""
        async with info.context["sessions"]() as session:
            row = await session.scalar(select(parties.Customer).where(parties.Customer.number == number))
        return Customer.of(row) if row else None


class Stock(GraphQL[dict[str, Any], None]):
    """The endpoint, whose context has the request's own loaders."""

    sessions: Sessions

    async def get_context(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Loaders for one request."""
        return {"sessions": self.sessions, **loaders_of(self.sessions)}


def main() -> None:
    """Serve what the job on the input describes, until stopped."""
    job = json.load(sys.stdin)
    engine = create_async_engine(
        driver_url(job["database_url"]),
        pool_size=job["connections"],
        max_overflow=0,
        connect_args={"server_settings": server_settings(10_000, application="bench stock")},
    )
    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    endpoint = Stock(schema, graphql_ide=None)
    endpoint.sessions = async_sessionmaker(engine, expire_on_commit=False)
    uvicorn.run(
        endpoint,
        port=job["port"],
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
    )


if __name__ == "__main__":
    main()
