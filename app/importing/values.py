"""Values: how the text of a cell becomes a number, an instant or a name, or is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from app.importing.sources import RowRefused, Values
from app.kernel.money import STORED_PLACES

Coordinates = tuple[Decimal | None, Decimal | None]
AMOUNT_MAX = Decimal(1_000_000_000)
MEASURE_MAX = 100_000_000
DEGREE_PLACES = Decimal("0.000001")


def number(text: str, what: str) -> Decimal:
    """The number that `text` writes; RowRefused where it writes none."""
    try:
        written = Decimal(text)
    except InvalidOperation:
        raise RowRefused(f"{what} is no number: {text[:40]!r}") from None
    if not written.is_finite():
        raise RowRefused(f"{what} is no number: {text[:40]!r}")
    return written


def amount(text: str, what: str) -> Decimal:
    """The amount of money that `text` writes: not negative, not absurd, with at most four digits after the point."""
    written = number(text, what)
    if not 0 <= written <= AMOUNT_MAX:
        raise RowRefused(f"{what} is {text}, which no amount can be")
    if written != written.quantize(STORED_PLACES):
        raise RowRefused(f"{what} has more than four digits after the point: {text}")
    return written


def whole(text: str, what: str) -> int:
    """The whole number above zero that `text` writes."""
    written = number(text, what)
    if written != written.to_integral_value() or not 0 < written <= MEASURE_MAX:
        raise RowRefused(f"{what} is {text}, which is no count")
    return int(written)


def measure(text: str, *, times: int = 1) -> int | None:
    """A weight or a length in whole units; None where nobody measured, which some write as zero."""
    if not text:
        return None
    written = round(number(text, "a measure") * times)
    if not 0 <= written <= MEASURE_MAX:
        raise RowRefused(f"a measure is {text}, which nothing measures")
    return written or None


def instant(text: str, zone: ZoneInfo, what: str, *, form: str = "%Y-%m-%d %H:%M:%S") -> datetime | None:
    """The instant that a local time means; None where there is none. A time that a clock shows twice is its first."""
    if not text:
        return None
    try:
        local = datetime.strptime(text, form)  # noqa: DTZ007 — the zone is set in the next line.
    except ValueError:
        raise RowRefused(f"{what} is no time: {text[:40]!r}") from None
    return local.replace(tzinfo=zone).astimezone(UTC)


def coordinates(row: Values) -> Coordinates:
    """The latitude and longitude of a row, to a tenth of a metre; nothing where they are not both on earth."""
    try:
        latitude, longitude = number(row["latitude"], "latitude"), number(row["longitude"], "longitude")
    except RowRefused:
        return None, None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None, None
    return latitude.quantize(DEGREE_PLACES), longitude.quantize(DEGREE_PLACES)


def title(text: str) -> str | None:
    """A name that is written in small letters, with a capital at its beginning or, where it has several words, each."""
    return " ".join(word.capitalize() for word in text.split()) or None
