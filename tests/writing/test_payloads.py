"""What a payload may show is settled before the command is given: what cannot be answered is not done either."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import encode_id
from app.kernel.outbox import OutboxEvent
from app.kernel.principal import ANONYMOUS
from app.orders.tables import Order
from tests.factories import orders
from tests.graph import GraphClient

CREATE = "mutation ($channel: ID!, $key: String) { %s }"
CREATED = "cartCreate(input: { channelId: $channel, idempotencyKey: $key }) { cartToken order { %s } }"
DEAR = "lines(first: 100) { nodes { product { prices(first: 100) { nodes { channel { code } } } } } }"


async def rows(session: AsyncSession) -> tuple[int, ...]:
    """How many orders and events there are."""
    counts = [await session.scalar(select(func.count()).select_from(table)) for table in (Order, OutboxEvent)]
    await session.rollback()
    return tuple(count or 0 for count in counts)


async def test_does_nothing_of_several_where_one_cannot_be_shown(graph: GraphClient, session: AsyncSession):
    channel = await orders.channel(session)
    await session.commit()
    before = await rows(session)
    given: dict[str, Any] = {"channel": encode_id("Channel", channel), "key": None}
    both = f"good: {CREATED % 'id'} bad: {CREATED % 'holds { nodes { stockLevel { onHand } } }'}"
    assert await graph.code(CREATE % both, given, by=ANONYMOUS) == "FORBIDDEN"
    assert await rows(session) == before
    share = "lines(first: 90) { nodes { product { prices(first: 60) { nodes { id } } } } }"
    both = f"one: {CREATED % share} two: {CREATED % share}"
    assert await graph.code(CREATE % both, given, by=ANONYMOUS) == "TOO_MANY_NODES"
    assert await rows(session) == before


@pytest.mark.parametrize("key", [None, "cart-1"])
@pytest.mark.parametrize(
    ("selection", "code"),
    [
        ("holds { nodes { stockLevel { onHand } } }", "FORBIDDEN"),
        (DEAR, "COST_TOO_HIGH"),
        ("lines(first: 101) { nodes { id } }", "PAGE_TOO_LARGE"),
        ('lines(after: "junk") { nodes { id } }', "INVALID_CURSOR"),
        ('lines(where: { id: { eq: "junk" } }) { nodes { id } }', "INVALID_ID"),
    ],
)
async def test_does_nothing_that_cannot_be_shown(
    graph: GraphClient, session: AsyncSession, selection: str, code: str, key: str | None
):
    channel = await orders.channel(session)
    await session.commit()
    before = await rows(session)
    given: dict[str, Any] = {"channel": encode_id("Channel", channel), "key": key}
    assert await graph.code(CREATE % (CREATED % selection), given, by=ANONYMOUS) == code
    assert await rows(session) == before
