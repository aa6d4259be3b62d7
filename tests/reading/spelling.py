"""How values are written: in a document, and in an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Name:
    """The name of an enum's value, which is written without quotes."""

    text: str


def literal(value: Any) -> str:
    """A value as GraphQL writes it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    return value.text if isinstance(value, Name) else json.dumps(value)


def told(value: Any) -> Any:
    """A value as JSON shows it: decimals as text without idle zeros, instants as PostgreSQL writes them in UTC."""
    if isinstance(value, datetime):
        text = value.isoformat(timespec="microseconds")
        instant, zone = text[:-6], text[-6:]
        return instant.rstrip("0").rstrip(".") + zone
    if isinstance(value, Decimal):
        return format(value.normalize() if value else Decimal(0), "f")
    return str(value) if isinstance(value, str) else value
