"""The tables of the parties: customers, suppliers and carriers."""

from __future__ import annotations

from typing import NewType

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.addressed import Addressed
from app.kernel.choice import Choice
from app.kernel.tables import SORTED, Row, choice
from app.kernel.text_search import search_index

CustomerId = NewType("CustomerId", int)
SupplierId = NewType("SupplierId", int)
CarrierId = NewType("CarrierId", int)


class CustomerKind(Choice):
    """Whether a customer is a person or a business."""

    PERSON = "PERSON", "One person, who buys for itself."
    BUSINESS = "BUSINESS", "A company or other body."


class Customer(Addressed, Row):
    """Someone who buys from us."""

    __tablename__ = "customers"
    __table_args__ = (
        search_index("customers", "number", "name", "email"),
        Index(None, "name", "id"),
        Index(None, "email", "id"),
        Index(None, "created_at", "id"),
    )

    number: Mapped[str] = mapped_column(SORTED, unique=True, doc="Our number for it, never reused.")
    name: Mapped[str] = mapped_column(SORTED, doc="What it is called.")
    kind: Mapped[CustomerKind] = choice(
        CustomerKind,
        doc="Whether it is a person or a business.",
        default=CustomerKind.PERSON,
        server_default=CustomerKind.PERSON.value,
    )
    email: Mapped[str | None] = mapped_column(SORTED, doc="Where messages about its orders go.")
    phone: Mapped[str | None] = mapped_column(doc="The number to call about a delivery.")


class Supplier(Addressed, Row):
    """Someone we buy from, or who ships for us."""

    __tablename__ = "suppliers"
    __table_args__ = (
        search_index("suppliers", "code", "name", "email"),
        CheckConstraint("lead_time_days >= 0", name="lead_time_not_negative"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
    )

    code: Mapped[str] = mapped_column(SORTED, unique=True, doc="Its short name, never reused.")
    name: Mapped[str] = mapped_column(SORTED, doc="What it is called.")
    email: Mapped[str | None] = mapped_column(SORTED, doc="Where orders to it go.")
    phone: Mapped[str | None] = mapped_column(doc="The number to call about an order.")
    lead_time_days: Mapped[int | None] = mapped_column(doc="Days from our order until its goods are here.")


class Carrier(Row):
    """Someone who carries goods for us or for our customers."""

    __tablename__ = "carriers"
    few = True
    __table_args__ = (
        search_index("carriers", "code", "scac", "name"),
        CheckConstraint("scac ~ '^[A-Z]{2,4}$'", name="scac_is_a_code"),
        Index(None, "name", "id"),
        Index(None, "created_at", "id"),
    )

    code: Mapped[str] = mapped_column(SORTED, unique=True, doc="Its short name, never reused.")
    scac: Mapped[str | None] = mapped_column(
        SORTED, unique=True, doc="Its Standard Carrier Alpha Code of two to four letters, where it has one."
    )
    name: Mapped[str] = mapped_column(SORTED, doc="What it is called.")
    email: Mapped[str | None] = mapped_column(SORTED, doc="Where questions about a shipment go.")
    phone: Mapped[str | None] = mapped_column(doc="The number to call about a shipment.")
    tracking_url_template: Mapped[str | None] = mapped_column(
        doc="The address of its tracking page, with `{tracking_number}` where the number goes."
    )
