"""Paging while the list changes: every page is what a plain model of the list says, and no row that stays is missed."""

from __future__ import annotations

import asyncio
import base64
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from itertools import count
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.graph import GraphClient

Row = dict[str, Any]
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
COLUMNS = {"SKU": "sku", "NAME": "name", "CATEGORY": "category", "CREATED_AT": "created_at"}
FILTERS: tuple[tuple[dict[str, Any], Callable[[Row], bool]], ...] = (
    ({}, lambda _: True),
    ({"category": {"isNull": True}}, lambda row: row["category"] is None),
    ({"category": {"ne": "cup"}}, lambda row: row["category"] not in (None, "cup")),
    (
        {"or": [{"name": {"lt": "b"}}, {"category": {"eq": None}}]},
        lambda row: row["name"] < "b" or row["category"] is None,
    ),
)
"""Filters, each with what it means."""
PAGE = """
query($where: ProductFilter, $sort: [ProductSort!], $first: Int, $after: String, $last: Int, $before: String) {
  products(where: $where, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { sku } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
INSERT = """INSERT INTO products (sku, name, category, status, created_at)
VALUES (:sku, :name, :category, 'PUBLISHED', :created_at) RETURNING id"""


@dataclass
class Catalogue:
    """The products as the model has them, by their keys, and in the database."""

    session: AsyncSession
    chance: Random
    rows: dict[int, Row] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    async def add(self, many: int) -> None:
        """Products with few different names and categories, so that ties and nulls are common."""
        for _ in range(many):
            row = {
                "sku": f"{self.chance.randrange(1000)}-{next(self.numbers)}",
                "name": self.chance.choice("abcä"),
                "category": self.chance.choice((None, None, "cup", "tea", "")),
                "created_at": BEGAN + timedelta(microseconds=self.chance.randrange(3)),
            }
            key = await self.session.scalar(text(INSERT), row)
            self.rows[key] = {**row, "id": key}

    async def change(self) -> None:
        """Let some products come, some go, and some change in what no list here is sorted or filtered by."""
        await self.add(self.chance.randrange(3))
        for key in self.chance.sample(sorted(self.rows), min(len(self.rows), self.chance.randrange(3))):
            del self.rows[key]
            await self.session.execute(text("DELETE FROM products WHERE id = :key"), {"key": key})
        await self.session.execute(
            text("UPDATE products SET description = 'changed', version = version + 1 WHERE id % 3 = :part"),
            {"part": self.chance.randrange(3)},
        )
        await self.session.commit()


@dataclass
class Walk:
    """One way through the list: its order, its filter, the length of its pages, and from which end it goes."""

    chance: Random
    sort: list[str] = field(init=False)
    keys: dict[str, bool] = field(init=False)
    where: dict[str, Any] = field(init=False)
    holds: Callable[[Row], bool] = field(init=False)

    def __post_init__(self) -> None:
        names = self.chance.sample(sorted(COLUMNS), self.chance.randrange(4))
        self.sort = [f"{name}_{self.chance.choice(('ASC', 'DESC'))}" for name in names]
        self.keys = {COLUMNS[each.rpartition("_")[0]]: each.endswith("DESC") for each in self.sort}
        self.keys["id"] = list(self.keys.values())[-1] if self.keys else False
        self.where, self.holds = self.chance.choice(FILTERS)
        self.size = self.chance.randint(1, 5)
        self.backward = self.chance.random() < 0.5

    def compare(self, one: Row, other: Row) -> int:
        """Which of two rows comes first; null is above everything."""
        for column, descends in self.keys.items():
            a, b = ((row[column] is not None, row[column]) for row in (one, other))
            if a != b:
                less = a[0] and (not b[0] or a[1] < b[1])
                return -1 if less is not descends else 1
        return 0

    def listed(self, rows: dict[int, Row]) -> list[Row]:
        """The list as it is now."""
        return sorted((row for row in rows.values() if self.holds(row)), key=cmp_to_key(self.compare))

    def cursor(self, row: Row) -> str:
        """The cursor of a row, whose instants are as PostgreSQL writes them."""
        signature = ",".join(f"{column}{'-' if descends else '+'}" for column, descends in self.keys.items())
        values = [row[column] for column in self.keys]
        told = [each.isoformat() if isinstance(each, datetime) else each for each in values]
        return base64.b64encode(b"[" + b", ".join(orjson.dumps(each) for each in (signature, *told)) + b"]").decode()

    def page(self, rows: dict[int, Row], at: Row | None) -> tuple[list[Row], dict[str, Any]]:
        """The page beyond the row `at`, which may be gone, and all that is told of it."""
        whole = self.listed(rows)
        side = 1 if self.backward else -1
        beyond = [row for row in whole if at is None or self.compare(at, row) == side]
        shown = beyond[-self.size :] if self.backward else beyond[: self.size]
        behind, ahead = len(beyond) < len(whole), len(shown) < len(beyond)
        cursors = [self.cursor(row) for row in shown]
        info = {
            "hasNextPage": behind if self.backward else ahead,
            "hasPreviousPage": ahead if self.backward else behind,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }
        edges = [{"cursor": cursor, "node": {"sku": row["sku"]}} for cursor, row in zip(cursors, shown, strict=True)]
        return shown, {"edges": edges, "totalCount": len(whole), "pageInfo": info}

    def arguments(self, at: Row | None) -> dict[str, Any]:
        """How to ask for that page."""
        size, side = ("last", "before") if self.backward else ("first", "after")
        given = {"where": self.where, "sort": self.sort or None, size: self.size}
        return {**given, side: self.cursor(at)} if at else given


async def walked(graph: GraphClient, session: AsyncSession, chance: Random) -> None:
    """Go through a list while it changes, and compare every page with the model."""
    await session.execute(text("DELETE FROM products"))
    catalogue, walk = Catalogue(session, chance), Walk(chance)
    await catalogue.add(chance.randrange(20))
    await session.commit()
    staying = {row["id"] for row in walk.listed(catalogue.rows)}
    seen: list[Row] = []
    at: Row | None = None
    while True:
        shown, told = walk.page(catalogue.rows, at)
        assert (await graph.query(PAGE, walk.arguments(at)))["products"] == told
        if not shown:
            break
        seen += reversed(shown) if walk.backward else shown
        at = seen[-1]
        if len(seen) < 60:
            await catalogue.change()
            staying &= catalogue.rows.keys()
    passed = [row for row in seen if row["id"] in staying]
    whole = [row for row in walk.listed(catalogue.rows) if row["id"] in staying]
    assert passed == (whole[::-1] if walk.backward else whole)


@pytest.fixture
async def loop() -> AbstractEventLoop:
    """The loop on which the database is spoken to."""
    return asyncio.get_running_loop()


class TestPagesOfAChangingList:
    def test_show_every_row_that_stays_once_and_in_order(
        self, graph: GraphClient, session: AsyncSession, loop: AbstractEventLoop
    ):
        @settings(
            max_examples=40,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.randoms(use_true_random=True))
        def is_stable(chance: Random) -> None:
            loop.run_until_complete(walked(graph, session, chance))

        is_stable()
