"""The form of every filter and sort: what may be asked of a column of each kind. The same for every type."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.kernel.choice import is_choice
from app.kernel.money import CurrencyCode

OPERATORS = {
    "eq": "Equal to this.",
    "ne": "Other than this, and not null.",
    "in": "One of these; an empty list matches nothing.",
    "lt": "Less than this.",
    "lte": "Less than or equal to this.",
    "gt": "Greater than this.",
    "gte": "Greater than or equal to this.",
    "isNull": "Whether it is null.",
    "has": "Has this among its values.",
    "startsWith": "Begins with this text, in any case and with or without accents.",
    "contains": "Contains this text, in any case and with or without accents.",
}
"""Every operator of a filter, with its description."""
RANGE = ("lt", "lte", "gt", "gte")
OFFERED: dict[Any, tuple[str, ...]] = {
    str: ("eq", "ne", "in", *RANGE, "isNull", "startsWith", "contains"),
    int: ("eq", "ne", "in", *RANGE, "isNull"),
    Decimal: ("eq", "ne", "in", *RANGE, "isNull"),
    datetime: ("eq", "ne", "in", *RANGE, "isNull"),
    date: ("eq", "ne", "in", *RANGE, "isNull"),
    CurrencyCode: ("eq", "ne", "in", "isNull"),
    bool: ("eq", "isNull"),
}
"""The operators offered for a column of each Python type."""
CHOICE_OPERATORS = ("eq", "ne", "in", "isNull")
LIST_OPERATORS = ("has",)
IDENTITY_OPERATORS = ("eq", "ne", "in")
BOOLEAN_FIELDS = {
    "and": "All of these hold.",
    "or": "At least one of these holds; an empty list matches nothing.",
    "not": "This does not hold.",
}
SEARCH = "All of these words, in any case and with or without accents, occur in {told}; one has three letters or more."
"""The description of a filter's key `search`."""
LIST_FIELDS = {
    "some": "At least one of them matches this.",
    "every": "All of them match this, as they do where there are none.",
    "none": "None of them matches this.",
}
VALUE_IS_NULL = "Whether there is none."


def operators_of(kind: Any) -> tuple[str, ...]:
    """The operators offered for a column of the Python type `kind`; none where it cannot be filtered by."""
    if is_choice(kind):
        return CHOICE_OPERATORS
    return OFFERED.get(kind, ())


def filter_name(kind: Any) -> str:
    """The name of the filter over columns of the Python type `kind`, such as `StringFilter`."""
    names = {str: "String", int: "Int", bool: "Boolean", datetime: "DateTime", date: "Date"}
    return f"{names.get(kind, kind.__name__)}Filter"
