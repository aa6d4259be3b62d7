"""Addressed: the columns of one postal address, inline on the row that it belongs to, and their values."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, get_type_hints

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from app.kernel.address import Address

DEGREES = Numeric(9, 6)


def address_column(name: str, *options: Any) -> MappedColumn[Any]:
    """A nullable column for the field `name` of an address, described as that field is."""
    return mapped_column(*options, doc=get_type_hints(Address, include_extras=True)[name].__metadata__[0])


def address_values(address: Address | None, prefix: str = "") -> dict[str, Any]:
    """The values of an address's columns, by their names after `prefix`; none where there is no address."""
    return {} if address is None else {f"{prefix}{name}": value for name, value in asdict(address).items()}


class Addressed:
    """A row with one address of its own."""

    recipient: Mapped[str | None] = address_column("recipient")
    line1: Mapped[str | None] = address_column("line1")
    line2: Mapped[str | None] = address_column("line2")
    city: Mapped[str | None] = address_column("city")
    region: Mapped[str | None] = address_column("region")
    postal_code: Mapped[str | None] = address_column("postal_code")
    country_code: Mapped[str | None] = address_column("country_code")
    latitude: Mapped[Decimal | None] = address_column("latitude", DEGREES)
    longitude: Mapped[Decimal | None] = address_column("longitude", DEGREES)
