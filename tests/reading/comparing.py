"""How a filter's operators compare values in plain Python."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.reading.naive_searches import folded


def compared(operator: str, present: Any, given: Any) -> bool:
    """Whether a column's value and that of a filter compare as `operator` says; null is neither more nor less."""
    if operator == "isNull":
        return given is None or (present is None) is given
    if given is None:
        return operator != "eq" or present is None
    if present is None:
        return False
    if operator == "in":
        return any(present == parsed(each, present) for each in given)
    if operator == "has":
        return given in present
    if operator == "contains":
        return folded(given) in folded(present)
    if operator == "startsWith":
        return folded(present).startswith(folded(given))
    wanted = parsed(given, present)
    comparisons = {
        "eq": present == wanted,
        "ne": present != wanted,
        "lt": present < wanted,
        "lte": present <= wanted,
        "gt": present > wanted,
        "gte": present >= wanted,
    }
    return bool(comparisons[operator])


def parsed(given: Any, present: Any) -> Any:
    """What a filter was given, as the type of the column that it is compared with."""
    if isinstance(present, datetime):
        return datetime.fromisoformat(given)
    return Decimal(str(given)) if isinstance(present, Decimal) else given
