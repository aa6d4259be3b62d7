"""Texts are searched in any case and with or without accents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.kernel.limits import DEFAULTS
from app.kernel.principal import Principal
from tests.reading.conftest import FilledShop

FIND = "query($where: CustomerFilter) { customers(where: $where) { nodes { number } } }"


class TestFilter:
    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"search": "avila"}, ["C-1"]),
            ({"search": "ÁVILA ines"}, ["C-1"]),
            ({"search": "lading.example c-1"}, ["C-1"]),
            ({"search": "works avila"}, []),
            ({"search": "works & sons"}, ["C-2"]),
            ({"search": None}, ["C-1", "C-2"]),
            ({"name": {"contains": "ÁV"}}, ["C-1"]),
            ({"name": {"startsWith": "INÉ"}}, ["C-1"]),
            ({"name": {"startsWith": "nes"}}, []),
            ({"name": {"contains": "%"}}, []),
            ({"name": {"contains": "\uff05"}}, []),
            ({"not": {"search": "avila"}}, ["C-2"]),
        ],
    )
    async def test_finds_texts_in_any_case_with_or_without_accents(
        self, filled: FilledShop, where: dict[str, Any], found: list[str]
    ):
        data = await filled.graph.query(FIND, {"where": where})
        assert [customer["number"] for customer in data["customers"]["nodes"]] == found

    @pytest.mark.parametrize(
        ("short", "longest"),
        [("", 0), ("  ", 0), ("ab", 2), ("a b c", 1), ("--- --", 0), ("a_b", 1), ("x éé", 2)],
    )
    async def test_refuses_what_an_index_cannot_find(self, filled: FilledShop, short: str, longest: int):
        found = await filled.graph.response(FIND, {"where": {"search": short}})
        (error,) = found["errors"]
        assert error["extensions"] == {"code": "SEARCH_TOO_SHORT", "found": longest, "limit": 3}
        assert "data" not in found

    async def test_bounds_its_words_and_characters(self, filled: FilledShop):
        client = filled.client(replace(DEFAULTS, search_words_max=3, search_characters_max=20))
        assert await client.code(FIND, {"where": {"search": "one two three four"}}) == "SEARCH_TOO_LONG"
        assert await client.code(FIND, {"where": {"search": "k" * 21}}) == "SEARCH_TOO_LONG"
        assert (await client.query(FIND, {"where": {"search": "one two three"}}))["customers"]["nodes"] == []

    async def test_finds_only_what_the_caller_sees(self, filled: FilledShop):
        ines: Principal = filled.shop.callers["customer"]
        assert (await filled.graph.query(FIND, {"where": {"search": "works"}}, by=ines))["customers"]["nodes"] == []
        assert (await filled.graph.query(FIND, {"where": {"search": "ines"}}, by=ines))["customers"]["nodes"]
