"""Goods: what a play may trade with, looked up once in the catalogue that there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from app.catalog.tables import Channel, ChannelId, Price, Product, ProductId, ProductStatus
from app.inventory.tables import StockLevel
from app.kernel.address import Address
from app.locations.tables import Location, LocationId
from app.parties.commands import CreateCarrier, create_carrier
from app.parties.tables import Carrier, CarrierId, Customer, CustomerId
from app.simulation.clerk import Clerk

CARRIER = CreateCarrier(code="SIMULATED-PARCEL", name="Simulated Parcel Service")
CUSTOMERS_MAX = 200
PRODUCTS_MAX = 500
PLACES_MAX = 50


class NothingToTrade(Exception):
    """There is nothing to sell: no channel has priced products with stock at a location that sells and fulfils."""


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What a play trades with."""

    channel_id: ChannelId
    products: tuple[ProductId, ...]
    places: tuple[LocationId, ...]
    customers: tuple[CustomerId, ...]
    carrier_id: CarrierId


def _destination(city: str, region: str, country_code: str, place: tuple[str, str]) -> Address:
    """Where a made-up buyer lives, in a city that is not made up."""
    latitude, longitude = (Decimal(degrees) for degrees in place)
    return Address(
        recipient="Simulated buyer",
        line1="1 Simulation Street",
        city=city,
        region=region,
        country_code=country_code,
        latitude=latitude,
        longitude=longitude,
    )


DESTINATIONS = (
    _destination("New York", "NY", "US", ("40.7128", "-74.0060")),
    _destination("Chicago", "IL", "US", ("41.8781", "-87.6298")),
    _destination("Houston", "TX", "US", ("29.7604", "-95.3698")),
    _destination("Seattle", "WA", "US", ("47.6062", "-122.3321")),
    _destination("San Diego", "CA", "US", ("32.7157", "-117.1611")),
    _destination("Denver", "CO", "US", ("39.7392", "-104.9903")),
    _destination("Miami", "FL", "US", ("25.7617", "-80.1918")),
    _destination("Ponce", "Puerto Rico", "PR", ("18.0111", "-66.6141")),
)
ROUTE: Mapping[str, str] = {"depot": "Depot on the way", "gate": "Depot near the recipient"}
"""Where a made-up journey is scanned."""


async def find_goods(clerk: Clerk) -> Goods:
    """What there is to trade with, always in the same order; NothingToTrade where there is nothing."""
    channel_id, currency = await _channel(clerk)
    places = await clerk.read(
        select(Location.id).where(Location.sells, Location.fulfils).order_by(Location.id).limit(PLACES_MAX)
    )
    customers = await clerk.read(select(Customer.id).order_by(Customer.id).limit(CUSTOMERS_MAX))
    priced = (
        select(Product.id)
        .join(Price, Price.product_id == Product.id)
        .where(Price.channel_id == channel_id, Price.currency == currency, Product.status == ProductStatus.PUBLISHED)
        .order_by(Product.id)
        .limit(PRODUCTS_MAX)
    )
    return Goods(
        channel_id=channel_id,
        products=tuple(row.id for row in await clerk.read(priced)),
        places=tuple(row.id for row in places),
        customers=tuple(row.id for row in customers),
        carrier_id=await _carrier(clerk),
    )


async def _channel(clerk: Clerk) -> tuple[ChannelId, str]:
    """The channel that could sell the most pieces now, and its currency."""
    pieces = func.sum(StockLevel.on_hand - StockLevel.held)
    best = (
        select(Channel.id, Channel.currency)
        .join(Price, (Price.channel_id == Channel.id) & (Price.currency == Channel.currency))
        .join(StockLevel, StockLevel.product_id == Price.product_id)
        .join(Location, Location.id == StockLevel.location_id)
        .where(Channel.sells, Location.sells, Location.fulfils, StockLevel.on_hand > StockLevel.held)
        .group_by(Channel.id)
        .order_by(pieces.desc(), Channel.id)
        .limit(1)
    )
    found = await clerk.read(best)
    if not found:
        raise NothingToTrade
    return ChannelId(found[0].id), found[0].currency


async def _carrier(clerk: Clerk) -> CarrierId:
    """The carrier that is made up, created the first time."""
    known = await clerk.read(select(Carrier.id).where(Carrier.code == CARRIER.code))
    return CarrierId(known[0].id) if known else await clerk.give(create_carrier, CARRIER)
