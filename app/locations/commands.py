"""What is done with locations: places are added to the tree and corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.address import Address, is_country_code
from app.kernel.addressed import address_values
from app.kernel.changes import changed, expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, NAME, Between
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import InvalidInput, Refusal, VersionConflict, allows, refuses
from app.locations import events, rules
from app.locations.measures import location_visibility
from app.locations.tables import Location, LocationId, LocationKind, SupplierId

PRIORITY = Between(0, 1_000_000)


class UnknownLocation(Refusal):
    """There is no such location, or you may not see it."""


class UnknownParent(Refusal):
    """There is no such location to lie inside, or you may not see it."""


class UnknownSupplier(Refusal):
    """There is no such supplier, or you may not see it."""


class LocationCodeTaken(Refusal):
    """Another location has this code; a code is never used twice."""


class LocationDoesNotFit(Refusal):
    """A place of this kind may not lie there: bins, aisles and zones lie inside a site, in that order."""


class UnknownTimeZone(Refusal):
    """IANA names no such time zone; they are written like `Europe/Lisbon`."""


@dataclass(frozen=True, kw_only=True)
class CreateLocation:
    """A new place."""

    code: Annotated[str, "Its short name, never reused: no spaces or slashes.", CODE]
    name: Annotated[str, "What people call it.", NAME]
    kind: Annotated[LocationKind, "What kind of place it is."]
    parent_id: Annotated[LocationId | None, "The place that it lies inside; zones, aisles and bins need one."] = None
    address: Annotated[Address | None, "Where it is, with coordinates where they are known."] = None
    time_zone: Annotated[str | None, "Its time zone by IANA; else that of the place around it, else UTC.", NAME] = None
    supplier_id: Annotated[SupplierId | None, "The supplier whose place it is."] = None
    sells: Annotated[bool, "Whether its stock is offered for sale and shown as available."] = False
    fulfils: Annotated[bool, "Whether orders may be shipped from it."] = False
    priority: Annotated[int, "The lower, the sooner stock is taken from it.", PRIORITY] = 100


@dataclass(frozen=True, kw_only=True)
class UpdateLocation:
    """What to correct about a place; what is absent or null stays as it is. A place is never moved or renamed."""

    location_id: Annotated[LocationId, "The place to correct."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None
    name: Annotated[str | None, "What people call it.", NAME] = None
    address: Annotated[Address | None, "Where it is: the whole address, instead of the one before."] = None
    time_zone: Annotated[str | None, "Its time zone by IANA.", NAME] = None
    supplier_id: Annotated[SupplierId | None, "The supplier whose place it is."] = None
    sells: Annotated[bool | None, "Whether its stock is offered for sale and shown as available."] = None
    fulfils: Annotated[bool | None, "Whether orders may be shipped from it."] = None
    priority: Annotated[int | None, "The lower, the sooner stock is taken from it.", PRIORITY] = None


@allows(STAFF)
@refuses(LocationCodeTaken, LocationDoesNotFit, UnknownParent, UnknownSupplier, UnknownTimeZone)
async def create_location(session: AsyncSession, location: CreateLocation, *, by: Principal) -> LocationId:
    """Add a place to the tree of locations."""
    _require_spelling(location)
    if not rules.is_code(location.code):
        raise InvalidInput("A location's code has no spaces and no slashes.", field="code")
    parent = await _parent(session, location, by=by)
    row = Location(
        code=location.code,
        kind=location.kind,
        parent_id=location.parent_id,
        path=rules.path_of(location.code, parent.path if parent else None),
        **_described(location),
        **address_values(location.address),
    )
    row.time_zone = row.time_zone or (parent.time_zone if parent else "UTC")
    session.add(row)
    await flush_or_refuse(session, _conflicts())
    event = events.LocationCreated(
        location_id=row.id, parent_id=row.parent_id, code=row.code, path=row.path, kind=row.kind
    )
    record(session, event, by=by)
    return LocationId(row.id)


@allows(STAFF)
@refuses(UnknownLocation, UnknownSupplier, UnknownTimeZone, VersionConflict)
async def update_location(session: AsyncSession, change: UpdateLocation, *, by: Principal) -> LocationId:
    """Correct what is said about a place."""
    _require_spelling(change)
    row = await lock_one(session, Location, change.location_id, by=by, visibility=location_visibility)
    if row is None:
        raise UnknownLocation(field="location_id")
    expect_version(row, change.expected_version)
    sold, fulfilled, supplier = row.sells, row.fulfils, row.supplier_id
    names = changed(row, _described(change), whole=address_values(change.address))
    if names:
        await flush_or_refuse(session, _conflicts())
        event = events.LocationUpdated(
            location_id=row.id,
            parent_id=row.parent_id,
            changed=names,
            supplier_id_before=supplier,
            supplier_id=row.supplier_id,
            sells_before=sold,
            sells=row.sells,
            fulfils_before=fulfilled,
            fulfils=row.fulfils,
        )
        record(session, event, by=by)
    return LocationId(row.id)


async def _parent(session: AsyncSession, location: CreateLocation, *, by: Principal) -> Location | None:
    """The place around the new one, where it has one and the new one fits there."""
    parent = None
    if location.parent_id is not None:
        parent = await lock_one(session, Location, location.parent_id, by=by, visibility=location_visibility)
        if parent is None:
            raise UnknownParent(field="parent_id")
        if rules.depth_of(parent.path) >= rules.DEPTH_MAX:
            raise LocationDoesNotFit(f"Locations lie at most {rules.DEPTH_MAX} deep.", field="parent_id")
    if not rules.fits(location.kind, parent.kind if parent else None):
        raise LocationDoesNotFit(field="kind")
    return parent


def _require_spelling(location: CreateLocation | UpdateLocation) -> None:
    """Refuse a time zone or a country that nobody knows."""
    if location.time_zone is not None and not clock.is_time_zone(location.time_zone):
        raise UnknownTimeZone(field="time_zone")
    if location.address and location.address.country_code and not is_country_code(location.address.country_code):
        raise InvalidInput("A country code is two capital letters, such as BR.", field="address.country_code")


def _described(location: CreateLocation | UpdateLocation) -> dict[str, object]:
    """What is said about a place, by its columns."""
    return {
        "name": location.name,
        "time_zone": location.time_zone,
        "supplier_id": location.supplier_id,
        "sells": location.sells,
        "fulfils": location.fulfils,
        "priority": location.priority,
    }


def _conflicts() -> dict[str, Refusal]:
    """What the table's own constraints mean."""
    return {
        "uq_locations_code": LocationCodeTaken(field="code"),
        "fk_locations_supplier_id": UnknownSupplier(field="supplier_id"),
    }
