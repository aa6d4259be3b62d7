"""What happens to locations."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.outbox import Event
from app.locations.tables import LocationKind


@dataclass(frozen=True, kw_only=True)
class LocationCreated(Event, name="locations.location_created", keys=("location_id", "parent_id")):
    """A place was added."""

    location_id: int
    parent_id: int | None
    code: str
    path: str
    kind: LocationKind


@dataclass(frozen=True, kw_only=True)
class LocationUpdated(Event, name="locations.location_updated", keys=("location_id", "parent_id")):
    """What is said about a place was corrected."""

    location_id: int
    parent_id: int | None
    changed: tuple[str, ...]
    supplier_id_before: int | None
    supplier_id: int | None
    sells_before: bool
    sells: bool
    fulfils_before: bool
    fulfils: bool
