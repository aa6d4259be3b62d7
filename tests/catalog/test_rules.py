"""Barcode numbers and the states of a product."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import rules
from app.catalog.tables import ProductStatus


class TestGtin:
    @pytest.mark.parametrize("gtin", ["96385074", "012345678905", "4006381333931", "10614141000415"])
    def test_is_right_in_each_length(self, gtin: str):
        assert rules.is_gtin(gtin)

    @pytest.mark.parametrize("text", ["4006381333930", "400638133393", "", "abcdefgh", "９６３８５０７４", "123456789"])  # noqa: RUF001
    def test_is_wrong_by_digit_length_or_letters(self, text: str):
        assert not rules.is_gtin(text)

    @given(st.text("0123456789", min_size=7, max_size=7) | st.text("0123456789", min_size=11, max_size=13))
    def test_with_its_check_digit_is_right_and_with_another_wrong(self, digits: str):
        right = rules.check_digit(digits)
        assert rules.is_gtin(f"{digits}{right}")
        assert not rules.is_gtin(f"{digits}{(right + 1) % 10}")

    @given(st.text("0123456789", min_size=7, max_size=13))
    def test_has_one_shortest_form_however_it_is_filled_up(self, digits: str):
        gtin = f"{digits}{rules.check_digit(digits)}"
        shortest = rules.shortest_gtin(gtin)
        assert rules.is_gtin(shortest)
        assert rules.shortest_gtin(gtin.zfill(14)) == shortest
        assert shortest.zfill(14) == gtin.zfill(14)


class TestStates:
    def test_each_state_says_what_it_allows(self):
        assert set(rules.ALLOWED) == set(ProductStatus)


class TestPrices:
    def test_have_four_digits_after_the_point_at_most(self):
        assert rules.is_payable(Decimal("12.3456"))
        assert not rules.is_payable(Decimal("12.34567"))
