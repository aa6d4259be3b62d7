"""The rules of the catalogue: what may be done with a product, and which barcode numbers are right."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app.catalog.tables import ProductStatus
from app.kernel.choice import Choice
from app.kernel.money import STORED_PLACES

GTIN_LENGTHS = (8, 12, 13, 14)


class ProductAction(Choice):
    """What may be done with a product."""

    UPDATE = "UPDATE", "Correct what is said about it."
    PUBLISH = "PUBLISH", "Offer it to everyone."
    ARCHIVE = "ARCHIVE", "Stop offering it."


ALLOWED: Mapping[ProductStatus, frozenset[ProductAction]] = {
    ProductStatus.DRAFT: frozenset({ProductAction.UPDATE, ProductAction.PUBLISH, ProductAction.ARCHIVE}),
    ProductStatus.PUBLISHED: frozenset({ProductAction.UPDATE, ProductAction.ARCHIVE}),
    ProductStatus.ARCHIVED: frozenset({ProductAction.UPDATE, ProductAction.PUBLISH}),
}
"""What may be done with a product in each of its states."""


def is_gtin(text: str) -> bool:
    """Whether `text` is a GTIN-8, -12, -13 or -14 whose last digit checks the others, as GS1 has it."""
    if len(text) not in GTIN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    return check_digit(text[:-1]) == int(text[-1])


def check_digit(digits: str) -> int:
    """The digit that GS1 puts after `digits`: weights 3 and 1 by turns from the right, filled up to a ten."""
    weighted = (int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return -sum(weighted) % 10


def shortest_gtin(gtin: str) -> str:
    """The shortest standard form of `gtin`, for `0012345678905` and `012345678905` are one number."""
    significant = gtin.lstrip("0")
    return significant.zfill(next(length for length in GTIN_LENGTHS if length >= len(significant)))


def is_payable(amount: Decimal) -> bool:
    """Whether `amount` has no more digits after the point than are kept."""
    return amount == amount.quantize(STORED_PLACES)
