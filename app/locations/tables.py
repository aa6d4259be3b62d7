"""The table of locations: one tree of places, each with its address, its time zone and what it may be used for."""

from __future__ import annotations

from typing import NewType

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.addressed import Addressed
from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice, reference
from app.kernel.text_search import search_index

LocationId = NewType("LocationId", int)
SupplierId = NewType("SupplierId", int)
"""A supplier's id, by the name that it has in the graph; suppliers themselves belong to the parties."""


class LocationKind(Choice):
    """What kind of place a location is."""

    WAREHOUSE = "WAREHOUSE", "A building of ours where goods are kept."
    DISTRIBUTION_CENTRE = "DISTRIBUTION_CENTRE", "A building of ours that goods pass through on their way."
    STORE = "STORE", "A shop where customers buy and collect."
    PLANT = "PLANT", "A factory where goods are made."
    SUPPLIER = "SUPPLIER", "A supplier's own place, from which it ships for us."
    THIRD_PARTY = "THIRD_PARTY", "A place that another company runs for us."
    IN_TRANSIT = "IN_TRANSIT", "Goods on the road between two places."
    VIRTUAL = "VIRTUAL", "No place at all, but a name that stock is booked under."
    ZONE = "ZONE", "A part of a site, such as the cold store or the returns bay."
    AISLE = "AISLE", "A row of shelves."
    BIN = "BIN", "The smallest place: one shelf, pallet position or drawer."


class Location(Addressed, Row):
    """A place where goods are: a site, or a zone, aisle or bin inside one."""

    __tablename__ = "locations"
    __table_args__ = (
        search_index("locations", "code", "name"),
        CheckConstraint("code ~ '^[^/[:space:]]+$'", name="code_fits_a_path"),
        CheckConstraint("right(path, char_length(code) + 2) = '/' || code || '/'", name="path_ends_with_code"),
        CheckConstraint("parent_id <> id", name="not_inside_itself"),
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="on_earth"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
        Index(None, "priority", "id"),
    )

    code: Mapped[str] = mapped_column(SORTED, unique=True, doc="Its short name, never reused: no spaces or slashes.")
    name: Mapped[str] = mapped_column(SORTED, doc="What people call it.")
    kind: Mapped[LocationKind] = choice(LocationKind, doc="What kind of place it is.")
    parent_id: Mapped[int | None] = reference("locations.id", doc="The place that it lies inside.")
    path: Mapped[str] = mapped_column(
        SORTED, unique=True, doc="The codes from the outermost place down to this one, as in `/LONDON/COLD/A-01/`."
    )
    time_zone: Mapped[str] = mapped_column(doc="Its time zone by IANA, such as `America/Sao_Paulo`.")
    supplier_id: Mapped[int | None] = reference("suppliers.id", doc="The supplier whose place it is.")
    sells: Mapped[bool] = mapped_column(
        default=False, server_default="false", doc="Whether its stock is offered for sale and shown as available."
    )
    fulfils: Mapped[bool] = mapped_column(
        default=False, server_default="false", doc="Whether orders may be shipped from it."
    )
    priority: Mapped[int] = mapped_column(
        default=100, server_default="100", doc="The lower, the sooner stock is taken from it."
    )
