"""Cursors: those that we did not make are refused, and those that we did keep what they stand for."""

from __future__ import annotations

import base64

import orjson
import pytest

from tests.reading.conftest import FilledShop


class TestCursors:
    @pytest.mark.parametrize(
        "keys",
        [
            ["created_at+,id+", "0001-01-01T00:00:00+14:00", 1],
            ["created_at+,id+", "2026-03-02T08:30:15", 1],
            ["created_at+,id+", "infinity", 1],
            ["created_at+,id+", 5, 1],
            ["created_at+,id+", "2026-03-02T08:30:15Z", 1.5],
            ["created_at+,id+", "2026-03-02T08:30:15Z", 2**63],
            ["created_at+,id+", "2026-03-02T08:30:15Z"],
            ["created_at-,id-", "2026-03-02T08:30:15Z", 1],
            "created_at+,id+",
            {},
        ],
    )
    async def test_that_we_did_not_make_are_refused(self, filled: FilledShop, keys: object):
        document = "query($after: String) { products(sort: CREATED_AT_ASC, after: $after) { totalCount nodes { id } } }"
        forged = base64.b64encode(orjson.dumps(keys)).decode()
        assert await filled.graph.code(document, {"after": forged}) == "INVALID_CURSOR"

    @pytest.mark.parametrize(
        ("order", "keys"),
        [
            ("PLACED_AT_ASC", ["placed_at+,id+", None, None]),
            ("PLACED_AT_ASC", ["placed_at+,id+", "2026-03-02T08:30:15Z", None]),
            ("PLACED_AT_ASC", ["placed_at+,id+", None, 1, None]),
            ("PLACED_AT_ASC", ["placed_at+,id+", None]),
            ("PLACED_AT_DESC", ["placed_at+,id+", None, 1]),
            ("PLACED_AT_ASC", [None, None, 1]),
            ("PLACED_AT_ASC", ["placed_at+,id+", None, True]),
            ("NUMBER_ASC", ["number+,id+", None, 1]),
            ("NUMBER_ASC", ["number+,id+", "a\0b", 1]),
            ("TOTAL_ASC", ["total_amount+,id+", "Infinity", 1]),
            ("TOTAL_ASC", ["total_amount+,id+", "1e999999", 1]),
            ("TOTAL_ASC", ["total_amount+,id+", 12.5, 1]),
        ],
    )
    async def test_with_null_where_there_is_none_are_refused(self, filled: FilledShop, order: str, keys: list[object]):
        document = f"query($after: String) {{ orders(sort: {order}, after: $after) {{ nodes {{ id }} }} }}"
        forged = base64.b64encode(orjson.dumps(keys)).decode()
        filled.graph.pool.statements.clear()
        assert await filled.graph.code(document, {"after": forged}) == "INVALID_CURSOR"
        assert filled.graph.pool.statements == []

    async def test_longer_than_any_of_ours_are_refused(self, filled: FilledShop):
        long = base64.b64encode(orjson.dumps(["sku+,id+", "x" * 4_000, 1])).decode()
        document = "query($after: String) { products(sort: SKU_ASC, after: $after) { nodes { id } } }"
        assert await filled.graph.code(document, {"after": long}) == "INVALID_CURSOR"

    async def test_of_whole_numbers_too_large_for_the_column_stand_after_all(self, filled: FilledShop):
        beyond = base64.b64encode(orjson.dumps(["on_hand+,id+", 2**40, 1])).decode()
        document = "query($after: String) { stockLevels(sort: ON_HAND_ASC, after: $after) { nodes { id } } }"
        assert (await filled.graph.query(document, {"after": beyond}))["stockLevels"]["nodes"] == []

    async def test_keep_every_digit_of_a_decimal(self, filled: FilledShop):
        document = """query($after: String) { channel(code: "WEB") {
          prices(sort: AMOUNT_DESC, after: $after, first: 1) { edges { cursor } nodes { amount { amount } } } } }"""
        page = (await filled.graph.query(document))["channel"]["prices"]
        assert page["nodes"] == [{"amount": {"amount": "9000000000.0001"}}]
        after = {"after": page["edges"][0]["cursor"]}
        assert orjson.loads(base64.b64decode(after["after"]))[1] == "9000000000.0001"
        page = (await filled.graph.query(document, after))["channel"]["prices"]
        assert page["nodes"] == [{"amount": {"amount": "12.5"}}]

    async def test_of_one_plan_follow_the_nulls_of_their_own(self, filled: FilledShop):
        document = (
            "query($after: String) { orders(sort: DELIVERED_AT_ASC, after: $after) { nodes { id deliveredAt } } }"
        )
        whole = (await filled.graph.query(document))["orders"]["nodes"]
        assert {order["deliveredAt"] is None for order in whole} == {True, False}
        for keys, rest in (
            (["2026-01-01T00:00:00Z", 1], whole),
            ([None, 0], [order for order in whole if order["deliveredAt"] is None]),
            (["2027-01-01T00:00:00Z", 1], [order for order in whole if order["deliveredAt"] is None]),
        ):
            after = base64.b64encode(orjson.dumps(["delivered_at+,id+", *keys])).decode()
            assert (await filled.graph.query(document, {"after": after}))["orders"]["nodes"] == rest
