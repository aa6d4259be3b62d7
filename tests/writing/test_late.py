"""What takes too long: it is stopped, and the caller is told so, and whether anything was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.inventory.tables import StockLevel
from app.kernel.identity import encode_id
from app.kernel.principal import SYSTEM
from app.server.database import asyncpg_url, driver_url, reading_pool, sessions_of, writing_engine
from tests.factories import inventory
from tests.factories.fulfilment import BERLIN, ordered, stocked_at
from tests.graph import GraphClient

MS_MAX = 300
ADJUST = """mutation ($input: StockAdjustInput!) {
  stockAdjust(input: $input) { stockLevel { onHand holds { totalCount } } userErrors { code } } }"""
PLAN = "query ($order: ID!) { sourcingPlan(orderId: $order) { candidates { verdict location { code } } } }"


@pytest.fixture
async def impatient(database_url: str) -> AsyncIterator[GraphClient]:
    """A client of a server that stops statements soon."""
    engine = writing_engine(database_url, pool=2, statement_ms_max=MS_MAX)
    async with reading_pool(database_url, pool=2, statement_ms_max=MS_MAX) as pool:
        yield GraphClient(pool, sessions_of(engine))
    await engine.dispose()


@pytest.fixture
async def yielding(database_url: str) -> AsyncIterator[GraphClient]:
    """A client of a server whose commands wait for no lock for long."""
    settings = {"server_settings": {"lock_timeout": "20ms"}}
    engine = create_async_engine(driver_url(database_url), connect_args=settings)
    async with reading_pool(database_url, pool=2) as pool:
        yield GraphClient(pool, sessions_of(engine))
    await engine.dispose()


@asynccontextmanager
async def locked(database_url: str, table: str) -> AsyncIterator[None]:
    """Nobody else reads or writes `table` within the block."""
    connection = await asyncpg.connect(asyncpg_url(database_url))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@pytest.fixture
async def adjustment(session: AsyncSession) -> dict[str, Any]:
    """The input that adds three pieces to ten."""
    product, place = await inventory.stocked(session, 10)
    await session.commit()
    ids = {"productId": encode_id("Product", product), "locationId": encode_id("Location", place)}
    return {**ids, "quantityChange": 3, "idempotencyKey": "late"}


async def on_hand(session: AsyncSession) -> int:
    """The pieces in the only stock level."""
    found = await session.scalar(StockLevel.__table__.select().with_only_columns(StockLevel.on_hand))
    await session.rollback()
    return int(found or 0)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_command_that_is_late_has_done_nothing_and_says_so(
    impatient: GraphClient, database_url: str, session: AsyncSession, adjustment: dict[str, Any], *, dry_run: bool
):
    async with locked(database_url, "stock_levels"):
        (error,) = await impatient.errors(ADJUST, {"input": {**adjustment, "dryRun": dry_run}})
    assert error["extensions"] == {"code": "TIMED_OUT"}
    assert "nothing was changed" in error["message"]
    assert await on_hand(session) == 10
    assert "errors" not in await impatient.response(ADJUST, {"input": adjustment})
    assert await on_hand(session) == 13


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_command_that_others_stand_in_the_way_of_says_so_and_may_be_sent_again(
    yielding: GraphClient, database_url: str, session: AsyncSession, adjustment: dict[str, Any], *, dry_run: bool
):
    async with locked(database_url, "stock_levels"):
        (error,) = await yielding.errors(ADJUST, {"input": {**adjustment, "dryRun": dry_run}})
    assert error["extensions"] == {"code": "BUSY"}
    assert "send it again" in error["message"]
    assert await on_hand(session) == 10
    assert "errors" not in await yielding.response(ADJUST, {"input": adjustment})
    assert await on_hand(session) == 13


async def test_a_payload_that_is_late_says_that_it_was_done(
    impatient: GraphClient, database_url: str, session: AsyncSession, adjustment: dict[str, Any]
):
    async with locked(database_url, "stock_holds"):
        (error,) = await impatient.errors(ADJUST, {"input": adjustment})
    assert error["extensions"] == {"code": "TIMED_OUT"}
    assert error["message"].startswith("It was done, ")
    assert await on_hand(session) == 13


@pytest.mark.parametrize("table", ["orders", "locations"])
async def test_a_question_that_is_late_says_so(
    impatient: GraphClient, database_url: str, session: AsyncSession, table: str
):
    product = await inventory.product(session, sku="TEA")
    await stocked_at(session, product, 5, BERLIN)
    order = encode_id("Order", await ordered(session, [(product, 2)]))
    await session.commit()
    async with locked(database_url, table):
        assert await impatient.code(PLAN, {"order": order}, by=SYSTEM) == "TIMED_OUT"


async def test_a_query_that_is_late_says_so(impatient: GraphClient, database_url: str):
    async with locked(database_url, "products"):
        for beside in ("", "__schema { description }"):
            assert await impatient.code(f"{{ products {{ totalCount }} {beside} }}") == "TIMED_OUT"
