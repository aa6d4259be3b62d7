"""One name in the three forms it takes: Python's, a field's and a type's."""

from __future__ import annotations

import re


def camel(name: str) -> str:
    """The GraphQL form of a Python name: `unit_price` → `unitPrice`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def pascal(name: str) -> str:
    """The GraphQL type form of a Python name: `order_place` → `OrderPlace`."""
    return camel(f"_{name}")


def snake(name: str) -> str:
    """The Python form of a GraphQL name: `OrderLine` → `order_line`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
