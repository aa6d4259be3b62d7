"""What is remembered of earlier readings: bounded under a flood, kept for those who come back, and never shared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS, SYSTEM
from resolvers.reading.cache import ProvenCache
from resolvers.reading.sql import print_query
from tests.graph import GraphClient
from tests.reading.conftest import FilledShop

FEW = replace(DEFAULTS, plans_cached_max=8, documents_cached_max=8)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are printed, which those remembered are not."""
    found: list[str] = []

    def noted(*arguments: Any) -> Any:
        statement = print_query(*arguments)
        found.append(statement.text)
        return statement

    monkeypatch.setattr("resolvers.reading.run.print_query", noted)
    return found


@pytest.fixture
def client(filled: FilledShop) -> GraphClient:
    """A client of the shop that remembers little."""
    return filled.client(FEW)


class TestProvenCache:
    def test_holds_no_more_than_it_may(self):
        cache: ProvenCache[int] = ProvenCache(10)
        for number in range(1_000):
            cache.put(number, number)
            cache.get(number - 1)
        assert len(cache) <= 10

    def test_keeps_what_came_twice_through_a_flood_of_newcomers(self):
        cache: ProvenCache[int] = ProvenCache(10)
        cache.put("proven", 1)
        assert cache.get("proven") == 1
        for number in range(1_000):
            cache.put(number, number)
        assert cache.get("proven") == 1
        assert cache.get(0) is None


class TestPlans:
    async def test_are_made_once_for_a_document_however_many_others_come(self, client: GraphClient, printed: list[str]):
        document = "query($sku: String) { product(sku: $sku) { name } }"
        for sku in ("CUP-1", "CUP-2"):
            assert (await client.query(document, {"sku": sku}))["product"]["name"] == "Cup"
        for number in range(50):
            await client.query(f"{{ products {{ a{number}: totalCount }} }}")
        made = len(printed)
        assert (await client.query(document, {"sku": "TEA"}))["product"]["name"] == "Tea"
        assert (made, len(printed)) == (51, 51)

    async def test_are_never_shared_between_roles(self, client: GraphClient, filled: FilledShop, printed: list[str]):
        document = "{ products { totalCount } stockLevels { totalCount } orders { totalCount } }"
        names = ("admin", "stranger", "customer", "business")
        answers = [(name, await client.query(document, by=filled.shop.callers[name])) for name in names * 3]
        told = dict(answers)
        assert answers == list(told.items()) * 3
        assert len(printed) == len(set(printed)) == 3
        counts = {name: answer["orders"]["totalCount"] for name, answer in told.items()}
        assert counts == {"admin": 7, "stranger": 0, "customer": 2, "business": 3}

    async def test_of_a_forbidden_field_are_not_made_by_those_who_may_read_it(self, client: GraphClient):
        document = "{ stockLevels { nodes { onHand } } }"
        for _ in range(2):
            await client.query(document, by=SYSTEM)
            assert await client.code(document, by=ANONYMOUS) == "FORBIDDEN"

    async def test_are_one_for_the_ids_of_a_filter_whatever_they_are_of(
        self, client: GraphClient, filled: FilledShop, printed: list[str]
    ):
        document = "query($ids: [ID!]) { products(where: { id: { in: $ids } }) { nodes { id } } }"
        everything = await client.query("{ products(first: 2) { nodes { id } } orders { nodes { id } } }")
        products, orders = ([node["id"] for node in everything[name]["nodes"]] for name in ("products", "orders"))
        del printed[:]
        for ids in (products, products[:1], [], products * 2):
            found = await client.query(document, {"ids": ids})
            assert {node["id"] for node in found["products"]["nodes"]} == set(ids)
        for ids in (orders, [*products, orders[0]], ["x"], ["x", *products]):
            assert await client.code(document, {"ids": ids}) == "INVALID_ID"
        assert await client.code(document, {"ids": ["x"] * (FEW.filter_values_max + 1)}) == "FILTER_TOO_LONG"
        assert len(printed) == 1

    async def test_are_one_however_often_an_order_is_told(self, client: GraphClient, printed: list[str]):
        document = "query($sort: [OrderSort!]) { orders(sort: $sort) { nodes { number } } }"
        told = ["TOTAL_ASC", "NUMBER_DESC"]
        answers = [await client.query(document, {"sort": told + more}) for more in ([], told * 1_000, told[1:])]
        assert answers[0] == answers[1] == answers[2]
        assert len(printed) == 1
        await client.query(document, {"sort": told[::-1]})
        assert len(printed) == 2

    async def test_are_one_for_all_values_that_choose_no_sql(self, client: GraphClient, printed: list[str]):
        document = "query($where: ProductFilter) { products(where: $where) { totalCount } }"
        for where in ({"sku": {"eq": "a"}}, {"sku": {"eq": "b"}}, {"sku": {"in": ["a"]}}, {"sku": {"in": ["b", "c"]}}):
            await client.query(document, {"where": where})
        assert len(printed) == 2
        for other in ({"sku": {"eq": None}}, {}, None):
            await client.query(document, {"where": other})
        assert len(printed) == 5
