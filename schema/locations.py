"""The locations in the graph: one tree of places."""

from __future__ import annotations

from app.inventory.tables import StockLevel
from app.kernel.address import Address
from app.locations import commands, events, measures, tables
from schema import inventory, parties
from schema.language import (
    Connection,
    address,
    command,
    follow,
    groups,
    listing,
    lookup,
    many,
    measure,
    node,
    one,
    subject,
)


@node(
    tables.Location,
    visibility=measures.location_visibility,
    sorts=("code", "name", "path", "priority", "created_at"),
    groups=groups("kind", "time_zone", "sells", "fulfils", "is_site", "supplier"),
    search=("code", "name"),
)
class Location:
    """A place where goods are: a site, or a zone, aisle or bin inside one."""

    code: str
    name: str
    kind: tables.LocationKind
    path: str
    time_zone: str
    sells: bool
    fulfils: bool
    priority: int
    is_site: bool = measure(measures.is_site, filterable=True)
    address: Address | None = address(tables.Location, prefix="", doc="Where it is.")
    parent: Location | None = one(tables.Location.parent_id)
    children: Connection[Location] = many(
        tables.Location.parent_id, order_by=tables.Location.code, doc="The places directly inside it."
    )
    supplier: parties.Supplier | None = one(tables.Location.supplier_id)
    stock_levels: Connection[inventory.StockLevel] = many(
        StockLevel.location_id, order_by=StockLevel.product_id, doc="How many pieces of each product lie here."
    )


class LocationsQueries:
    """What may be asked of locations."""

    location: Location | None = lookup(tables.Location.code)
    locations: Connection[Location] = listing(Location, "Places that you may see.")


class LocationsMutations:
    """What may be done with locations."""

    location_create = command(commands.create_location, returns=Location)
    location_update = command(commands.update_location, returns=Location)


class LocationsSubscriptions:
    """What may be followed of locations."""

    location_changed = follow(
        (events.LocationCreated, events.LocationUpdated),
        shows=Location,
        key="location_id",
        by=("location_id",),
        conflates=True,
        doc="Places as they are added and corrected.",
    )


class LocationsEvents:
    """What the feed tells of locations, beside what is followed."""

    seen = subject(
        events.LocationUpdated,
        shows=Location,
        key="location_id",
        before={"sells": "sells_before", "supplier_id": "supplier_id_before"},
        around={"sells": ("StockLevel",)},
    )
