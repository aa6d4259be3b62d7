"""What fulfilment is asked: which locations would serve an order, and why not the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ProductId
from app.fulfilment import rules
from app.fulfilment.tables import Fulfilment, FulfilmentLine, FulfilmentStatus, Parcel, ParcelLine
from app.inventory.tables import HoldStatus, StockHold, StockLevel
from app.kernel.principal import Principal
from app.kernel.visibility import viewer_values
from app.locations.tables import Location, LocationId
from app.orders.measures import order_visibility
from app.orders.tables import Order, OrderId, OrderLine, OrderLineId

LOCATIONS_WEIGHED_MAX = 250
"""How many locations one plan weighs: those with stock first, then by priority."""

Spot = tuple[OrderLineId, ProductId, LocationId]
"""A line of an order, its product, and a location."""


async def sourcing_plan(session: AsyncSession, order_id: OrderId, *, by: Principal) -> rules.SourcingPlan | None:
    """Which locations would serve what an order still lacks, and why not the others; null for an unknown order.

    Only staff may ask, for the answer tells how much stock is where.
    """
    if not by.is_staff:
        return None
    visible = order_visibility.condition(Order.__table__, by.roles)
    order = await session.scalar(
        select(Order).where(Order.id == order_id, visible),
        viewer_values(by),
        execution_options={"populate_existing": True},
    )
    return None if order is None else await plan_for(session, order)


async def plan_for(
    session: AsyncSession, order: Order, *, only: Collection[LocationId] | None = None
) -> rules.SourcingPlan:
    """The plan for what `order` still lacks, over all locations that fulfil, or `only` some of them."""
    needs = await needs_of(session, order.id)
    places = await _places(session, order.id, {need.product_id for need in needs}, only)
    return rules.source(needs, places, point(order.shipping_latitude, order.shipping_longitude))


async def needs_of(session: AsyncSession, order_id: int) -> list[rules.Need]:
    """What the lines of an order still lack a location for, in their order."""
    lacking = OrderLine.quantity - OrderLine.quantity_cancelled - OrderLine.quantity_allocated
    statement = select(OrderLine.id, OrderLine.product_id, lacking).where(OrderLine.order_id == order_id, lacking > 0)
    return [
        rules.Need(order_line_id=OrderLineId(line), product_id=ProductId(product), quantity=quantity)
        for line, product, quantity in await session.execute(statement.order_by(OrderLine.position))
    ]


async def committed_holds(session: AsyncSession, order_id: int) -> dict[Spot, int]:
    """The pieces that fulfilments of an order are to ship and did not, by line, product and location."""
    shipped = (
        select(func.coalesce(func.sum(ParcelLine.quantity), 0))
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(ParcelLine.fulfilment_line_id == FulfilmentLine.id, Parcel.shipped_at.is_not(None))
        .scalar_subquery()
    )
    due = func.sum(FulfilmentLine.quantity - FulfilmentLine.quantity_short - shipped)
    line = (FulfilmentLine.order_line_id, FulfilmentLine.product_id, Fulfilment.location_id)
    statement = (
        select(*line, due)
        .join(Fulfilment, Fulfilment.id == FulfilmentLine.fulfilment_id)
        .where(Fulfilment.order_id == order_id, Fulfilment.status.not_in([FulfilmentStatus.CANCELLED]))
        .group_by(*line)
        .having(due > 0)
    )
    return {
        (OrderLineId(one), ProductId(product), LocationId(location)): int(pieces)
        for one, product, location, pieces in await session.execute(statement)
    }


async def _places(
    session: AsyncSession, order_id: int, products: Collection[int], only: Collection[LocationId] | None
) -> list[rules.Place]:
    """The locations that may serve the order, each with what it can give of `products`."""
    found = (await session.execute(_locations(products, only))).all()
    pieces = await _pieces(session, order_id, products, [location for location, *_ in found])
    return [
        rules.Place(
            location_id=LocationId(location),
            point=point(latitude, longitude),
            priority=priority,
            pieces=pieces.get(LocationId(location), {}),
        )
        for location, latitude, longitude, priority in found
    ]


def _locations(
    products: Collection[int], only: Collection[LocationId] | None
) -> Select[int, Decimal | None, Decimal | None, int]:
    """The locations that fulfil: those with stock of `products` first, then by priority, up to the bound."""
    stocked = (
        select(StockLevel.id)
        .where(StockLevel.location_id == Location.id, StockLevel.product_id.in_(products), StockLevel.on_hand > 0)
        .exists()
    )
    statement = select(Location.id, Location.latitude, Location.longitude, Location.priority).where(Location.fulfils)
    if only is not None:
        statement = statement.where(Location.id.in_(only))
    return statement.order_by(stocked.desc(), Location.priority, Location.id).limit(LOCATIONS_WEIGHED_MAX)


async def _pieces(
    session: AsyncSession, order_id: int, products: Collection[int], locations: Sequence[int]
) -> Mapping[LocationId, dict[ProductId, int]]:
    """What each location can give the order: pieces that are free, and those the order itself holds uncommitted."""
    pieces: dict[LocationId, dict[ProductId, int]] = defaultdict(lambda: defaultdict(int))
    levels = select(StockLevel.location_id, StockLevel.product_id, StockLevel.on_hand - StockLevel.held).where(
        StockLevel.product_id.in_(products), StockLevel.location_id.in_(locations), StockLevel.on_hand > 0
    )
    own = select(StockHold.location_id, StockHold.product_id, StockHold.quantity).where(
        StockHold.order_id == order_id, StockHold.status == HoldStatus.ACTIVE, StockHold.product_id.in_(products)
    )
    for statement in (levels, own):
        for location, product, quantity in await session.execute(statement):
            pieces[LocationId(location)][ProductId(product)] += quantity
    for (_, product, location), quantity in (await committed_holds(session, order_id)).items():
        pieces[location][product] -= quantity
    return pieces


def point(latitude: Decimal | None, longitude: Decimal | None) -> rules.Point | None:
    """The point with these coordinates, where both are known."""
    return None if latitude is None or longitude is None else rules.Point(latitude, longitude)
