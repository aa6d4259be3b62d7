"""The graph's values: scalars and small objects without identity, with the forms they take in JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, get_args, get_type_hints

import strawberry

from app.kernel.address import Address
from app.kernel.money import CurrencyCode, Money

DECIMAL_DIGITS_MAX = 30
VALUE_OBJECTS: dict[type, str] = {
    Money: "An exact amount in one currency.",
    Address: "A postal address, with coordinates where they are known.",
}
"""Plain frozen dataclasses of the kernel that the graph shows as objects, with their descriptions."""
VALUE_FIELDS = {
    ("Money", "amount"): "The amount, exact, in the currency's main unit.",
    ("Money", "currency"): "The currency, by its ISO 4217 code.",
}


@strawberry.type(description="What another system calls an object: use it to find ours by yours.")
class ExternalReference:
    """What another system calls an object."""

    source: str = strawberry.field(description="The other system, such as `olist`.")
    value: str = strawberry.field(description="Its name for the object.")


def parse_decimal(value: Any) -> Decimal:
    """A decimal of the input: text, or a JSON number; ValueError where it is neither, endless or too long."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError('a Decimal is a number or a text that holds one, such as "12.50"')
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError('a Decimal is a number or a text that holds one, such as "12.50"') from None
    if (
        not number.is_finite()
        or len(number.as_tuple().digits) > DECIMAL_DIGITS_MAX
        or abs(number.adjusted()) > DECIMAL_DIGITS_MAX
    ):
        raise ValueError(f"a Decimal is finite and has at most {DECIMAL_DIGITS_MAX} digits")
    return number


def parse_instant(value: Any) -> datetime:
    """An instant of the input, by RFC 3339 and with its offset; ValueError where it is not."""
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError('a DateTime is an instant by RFC 3339 with its offset, such as "2026-11-22T18:00:00Z"')


def parse_day(value: Any) -> date:
    """A day of the input, by RFC 3339's full-date; ValueError where it is not."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError('a Date is a day such as "2026-11-22"') from None


def parse_currency(value: Any) -> CurrencyCode:
    """A currency code of the input: three capital letters."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper():
        return CurrencyCode(value)
    raise ValueError('a CurrencyCode is three capital letters by ISO 4217, such as "EUR"')


def value_parts(kind: type) -> dict[str, tuple[Any, str]]:
    """The parts of a plain value of the kernel, each with its type and what it means."""
    parts = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        said = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)]
        parts[name] = (get_args(hint)[0], said[0]) if said else (hint, VALUE_FIELDS[kind.__name__, name])
    return parts


SCALARS: dict[object, Any] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, sent as text such as `"12.50"`.',
        serialize=str,
        parse_value=parse_decimal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant by RFC 3339, told in UTC with microseconds.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=datetime.isoformat,
        parse_value=parse_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day by RFC 3339's full-date, such as `2026-11-22`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_day,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="The code of a currency by ISO 4217, such as `EUR`.",
        serialize=str,
        parse_value=parse_currency,
    ),
}
