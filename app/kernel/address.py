"""Addresses: a place that mail and lorries reach, as a value; whoever needs one keeps its own copy."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated

from app.kernel.limits import Between, Length


@dataclass(frozen=True, kw_only=True)
class Address:
    """A postal address, with coordinates where they are known. Country codes are ISO 3166-1 alpha-2."""

    recipient: Annotated[str | None, "Whose name stands on the parcel.", Length(1, 200)] = None
    line1: Annotated[str | None, "Street and number.", Length(1, 200)] = None
    line2: Annotated[str | None, "What else helps to find the door.", Length(1, 200)] = None
    city: Annotated[str | None, "City or town.", Length(1, 100)] = None
    region: Annotated[str | None, "State, province or region.", Length(1, 100)] = None
    postal_code: Annotated[str | None, "Postal code, as the country writes it.", Length(1, 20)] = None
    country_code: Annotated[str | None, "Country by ISO 3166-1 alpha-2, such as `BR`.", Length(2, 2)] = None
    latitude: Annotated[Decimal | None, "Degrees north of the equator (WGS 84).", Between(-90, 90)] = None
    longitude: Annotated[Decimal | None, "Degrees east of Greenwich (WGS 84).", Between(-180, 180)] = None


EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
ADDRESS_FIELDS = tuple(field.name for field in fields(Address))


def is_country_code(text: str) -> bool:
    """Whether `text` is written as ISO 3166-1 alpha-2 has it: two capital letters."""
    return len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()


def is_email(text: str) -> bool:
    """Whether `text` is written like an e-mail address; only a message sent there proves that it is one."""
    return EMAIL.fullmatch(text) is not None
