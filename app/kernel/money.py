"""Money: an exact amount in one currency, and the one place where amounts are rounded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

CurrencyCode = NewType("CurrencyCode", str)
"""The code of a currency by ISO 4217, such as `EUR`."""

AMOUNT_MAX = Decimal("1e14")
STORED_PLACES = Decimal("0.0001")
MINOR_DIGITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JPY": 0, "JOD": 3, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
"""Digits after the point where a currency has other than two (ISO 4217, table A.1)."""


@dataclass(frozen=True)
class Money:
    """An amount in one currency; sums never mix currencies."""

    amount: Decimal
    currency: CurrencyCode

    def __add__(self, other: Money) -> Money:
        """The sum of two amounts in the same currency; ValueError where the currencies differ."""
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Money(self.amount + other.amount, self.currency)

    def times(self, quantity: int | Decimal) -> Money:
        """The amount times `quantity`, rounded to what the currency can pay."""
        return Money(rounded(self.amount * quantity, self.currency), self.currency)


def rounded(amount: Decimal, currency: CurrencyCode) -> Decimal:
    """`amount` to the currency's smallest coin, halves to even, as accountants round."""
    return amount.quantize(Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2)), rounding=ROUND_HALF_EVEN)
