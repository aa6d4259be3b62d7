"""Pages of lists: forwards, backwards, filtered, sorted and bounded."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import ANONYMOUS
from tests.factories import catalog
from tests.graph import GraphClient

PAGE = """
query($first: Int, $after: String, $last: Int, $before: String, $where: ProductFilter, $sort: [ProductSort!]) {
  products(first: $first, after: $after, last: $last, before: $before, where: $where, sort: $sort) {
    nodes { sku }
    edges { cursor node { sku } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}
"""


CATEGORIES = ("tea", None, "cup", None, "tea", "cup", None)
ORDERS = (
    None,
    ["SKU_ASC"],
    ["NAME_ASC"],
    ["NAME_DESC"],
    ["NAME_ASC", "SKU_DESC"],
    ["CATEGORY_ASC"],
    ["CATEGORY_DESC"],
    ["CATEGORY_ASC", "NAME_DESC"],
    ["CATEGORY_DESC", "NAME_ASC", "SKU_DESC"],
    ["NAME_DESC", "CATEGORY_ASC"],
    ["NAME_DESC", "CATEGORY_DESC"],
)
"""Orders of every kind: by what is never null and by what may be, one way and both ways, one and several."""


@pytest.fixture
async def seven(session: AsyncSession) -> None:
    """Seven products, whose names run against their SKUs, of which two share a name and three have no category."""
    for number in range(7):
        await catalog.product(
            session,
            sku=f"SKU-{number}",
            name=f"Name {6 - number // 2}",
            weight_grams=None if number % 3 else 100 + number,
            category=CATEGORIES[number],
        )
    await session.commit()


async def page(graph: GraphClient, **variables: Any) -> tuple[list[str], dict[str, Any]]:
    """The SKUs of a page, and where it stands."""
    found = (await graph.query(PAGE, variables))["products"]
    skus = [node["sku"] for node in found["nodes"]]
    assert skus == [edge["node"]["sku"] for edge in found["edges"]]
    return [sku.removeprefix("SKU-") for sku in skus], found["pageInfo"]


class TestPaging:
    @pytest.mark.parametrize(
        ("sort", "expected"),
        [(["CATEGORY_ASC"], "2504136"), (["CATEGORY_DESC"], "6314052"), (["NAME_DESC"], "1032546")],
    )
    async def test_puts_null_above_all_and_breaks_ties_the_same_way(
        self, graph: GraphClient, seven: None, sort: list[str], expected: str
    ):
        rows, _ = await page(graph, sort=sort)
        assert "".join(rows) == expected

    @pytest.mark.parametrize("size", [1, 2, 3])
    @pytest.mark.parametrize("sort", ORDERS)
    async def test_meets_every_row_once_forwards_and_backwards(
        self, graph: GraphClient, seven: None, sort: list[str] | None, size: int
    ):
        whole, _ = await page(graph, sort=sort)
        forwards: list[str] = []
        info: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
        while info["hasNextPage"]:
            rows, info = await page(graph, first=size, after=info["endCursor"], sort=sort)
            assert info["hasPreviousPage"] is bool(forwards)
            forwards += rows
        backwards: list[str] = []
        info = {"startCursor": None, "hasPreviousPage": True}
        while info["hasPreviousPage"]:
            rows, info = await page(graph, last=size, before=info["startCursor"], sort=sort)
            assert info["hasNextPage"] is bool(backwards)
            backwards = rows + backwards
        assert forwards == backwards == whole
        assert len(whole) == 7

    @pytest.mark.parametrize("sort", ORDERS)
    async def test_gives_what_lies_between_any_two_cursors(
        self, graph: GraphClient, seven: None, sort: list[str] | None
    ):
        whole, _ = await page(graph, sort=sort)
        found = (await graph.query(PAGE, {"sort": sort}))["products"]
        at = [edge["cursor"] for edge in found["edges"]]
        for low, high in product(range(7), repeat=2):
            rows, info = await page(graph, after=at[low], before=at[high], sort=sort)
            assert rows == whole[low + 1 : high]
            assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, True)

    async def test_is_stable_while_rows_come_and_go(self, graph: GraphClient, seven: None, session: AsyncSession):
        _, info = await page(graph, first=3, sort=["SKU_ASC"])
        await catalog.product(session, sku="SKU-00", name="New")
        await session.commit()
        rows, _ = await page(graph, first=3, after=info["endCursor"], sort=["SKU_ASC"])
        assert rows == ["3", "4", "5"]

    async def test_counts_the_whole_list_only_when_asked(self, graph: GraphClient, seven: None):
        assert (await graph.query("{ products(first: 2) { totalCount } }"))["products"]["totalCount"] == 7
        await graph.query("{ products(first: 2) { nodes { sku } } }")
        assert "count(*)" not in graph.pool.statements[0]

    async def test_answers_an_empty_page(self, graph: GraphClient, seven: None):
        rows, info = await page(graph, where={"sku": {"in": []}})
        assert rows == []
        assert info == {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


class TestBounds:
    @pytest.mark.parametrize(
        ("document", "code"),
        [
            ("{ products(first: 101) { nodes { sku } } }", "PAGE_TOO_LARGE"),
            ("{ products(first: -1) { nodes { sku } } }", "BAD_USER_INPUT"),
            ("{ products(first: 1, last: 1) { nodes { sku } } }", "BAD_USER_INPUT"),
            ("{ products(last: 101) { nodes { sku } } }", "PAGE_TOO_LARGE"),
            ("{ products(last: -1) { nodes { sku } } }", "BAD_USER_INPUT"),
            ('{ products(before: "") { nodes { sku } } }', "INVALID_CURSOR"),
            ('{ products(after: "junk") { nodes { sku } } }', "INVALID_CURSOR"),
            ('{ products(where: { id: { eq: "junk" } }) { nodes { sku } } }', "INVALID_ID"),
            ("{ product { sku } }", "BAD_USER_INPUT"),
            ('{ products(where: { sku: { eq: "\\u0000" } }) { nodes { sku } } }', "BAD_USER_INPUT"),
            ("{ products { nodes { nothing } } }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ products {", "GRAPHQL_PARSE_FAILED"),
            ("subscription { stockLevelChanged { cursor } }", "SUBSCRIPTION_NEEDS_A_STREAM"),
        ],
    )
    async def test_says_what_is_wrong(self, graph: GraphClient, document: str, code: str):
        assert await graph.code(document, by=ANONYMOUS) == code

    async def test_refuses_a_cursor_of_another_order(self, graph: GraphClient, seven: None):
        _, info = await page(graph, first=2, sort=["SKU_ASC"])
        assert await graph.code(PAGE, {"after": info["endCursor"], "sort": ["NAME_ASC"]}) == "INVALID_CURSOR"

    async def test_costs_nested_pages_before_it_reads(self, graph: GraphClient):
        inner = "stockLevels(first: 100) { nodes { holds(first: 100) { nodes { id } } } }"
        (error,) = await graph.errors(f"{{ products(first: 100) {{ nodes {{ {inner} }} }} }}", by=ANONYMOUS)
        assert error["extensions"]["code"] == "COST_TOO_HIGH"
        assert error["extensions"]["cost"] > error["extensions"]["limit"] == 20_000
        assert graph.pool.statements == []

    async def test_costs_a_remembered_plan_anew(self, graph: GraphClient):
        inner = "stockLevels(first: $n) { nodes { holds(first: $n) { nodes { id } } } }"
        document = f"query($n: Int) {{ products(first: $n) {{ nodes {{ {inner} }} }} }}"
        await graph.query(document, {"n": 1}, by=ANONYMOUS)
        assert await graph.code(document, {"n": 100}, by=ANONYMOUS) == "COST_TOO_HIGH"

    async def test_bounds_the_objects_of_one_answer(self, graph: GraphClient):
        inner = "stockLevels(first: 100) { nodes { id } }"
        found = await graph.errors(f"{{ products(first: 900) {{ nodes {{ {inner} }} }} }}")
        assert found[0]["extensions"] == {"code": "TOO_MANY_NODES", "found": 90_900, "limit": 10_000}

    async def test_measures_fragments_in_fragments_fast(self, graph: GraphClient):
        spreads = " ".join(f"fragment F{n} on Product {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
        document = f'{{ product(sku: "x") {{ ...F0 }} }} {spreads} fragment F60 on Product {{ sku }}'
        assert await graph.code(document) == "TOO_MANY_FIELDS"


class TestFilters:
    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"sku": {"eq": "SKU-3"}}, ["3"]),
            ({"sku": {"ne": "SKU-3"}}, ["0", "1", "2", "4", "5", "6"]),
            ({"sku": {"in": ["SKU-3", "SKU-9"]}}, ["3"]),
            ({"sku": {"gte": "SKU-5"}, "name": {"eq": "Name 4"}}, ["5"]),
            ({"weightGrams": {"isNull": True}}, ["1", "2", "4", "5"]),
            ({"weightGrams": {"eq": None}}, ["1", "2", "4", "5"]),
            ({"weightGrams": {"lt": 104}}, ["0", "3"]),
            ({"name": {"contains": "ME 3"}}, ["6"]),
            ({"name": {"contains": "%"}}, []),
            ({"or": [{"sku": {"eq": "SKU-1"}}, {"sku": {"eq": "SKU-2"}}]}, ["1", "2"]),
            ({"or": []}, []),
            ({"and": []}, ["0", "1", "2", "3", "4", "5", "6"]),
            ({"not": {"weightGrams": {"gt": 0}}}, ["1", "2", "4", "5"]),
            ({"status": {"eq": "DRAFT"}}, []),
            ({"stockLevels": {"some": {"onHand": {"gt": 0}}}}, []),
            ({"stockLevels": {"none": {"onHand": {"gt": 0}}}}, ["0", "1", "2", "3", "4", "5", "6"]),
        ],
    )
    async def test_gives_what_matches(self, graph: GraphClient, seven: None, where: dict[str, Any], found: list[str]):
        rows, _ = await page(graph, where=where, sort=["SKU_ASC"])
        assert rows == found
