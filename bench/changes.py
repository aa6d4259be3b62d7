"""Changes of stock as a command tells them: through the outbox for this server, and by Redis for the others."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import asyncpg
from broadcaster import Broadcast

from app.inventory.events import StockLevelChanged
from app.inventory.tables import LevelChangeReason
from app.kernel.outbox import record, write_outbox
from app.kernel.principal import SYSTEM
from app.locations.tables import LocationId
from app.server.database import sessions_of, writing_engine
from app.server.wakeup import Bell, Wakeup
from bench.stock_loaders import global_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

TOPICS = """
select level.id, level.product_id, level.location_id, place.path::text as path, level.on_hand, level.held
from stock_levels as level join locations as place on place.id = level.location_id
order by level.id limit $1
"""


@dataclass(frozen=True)
class Topic:
    """One stock level, whose changes are told."""

    id: int
    product_id: int
    location_id: int
    path: str
    on_hand: int
    held: int

    @property
    def variables(self) -> dict[str, str]:
        """How a follower of this level alone asks for it."""
        return {
            "product": global_id("Product", self.product_id),
            "location": global_id("Location", self.location_id),
        }


@dataclass(frozen=True)
class Change:
    """One change of a level; its number is told as what is available after."""

    topic: Topic
    number: int


class Maker(Protocol):
    """What makes changes happen."""

    async def make(self, changes: Sequence[Change]) -> float:
        """Make changes in one transaction; answers the moment before it was committed, on the monotonic clock."""


async def topics_of(watching: asyncpg.Connection, count: int) -> list[Topic]:
    """So many stock levels."""
    return [Topic(*row) for row in await watching.fetch(TOPICS, count)]


def channel_of(product: str | None, location: str | None) -> str:
    """The channel that tells of one level, or of all."""
    return f"stock:{product}:{location}" if product else "stock"


class Outbox:
    """Changes as a command writes them: as the last thing of a transaction, after which the relay is rung for."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], bell: Bell) -> None:
        self._sessions = sessions
        self._bell = bell

    async def make(self, changes: Sequence[Change]) -> float:
        """Write and commit."""
        async with self._sessions() as session:
            for change in changes:
                record(session, _event(change), by=SYSTEM)
            await write_outbox(session)
            before = time.monotonic()
            await session.commit()
        self._bell.ring()
        return before


class Published:
    """Changes as servers without a log tell them: published, with all that followers select."""

    def __init__(self, broadcast: Broadcast, *, shared: bool) -> None:
        self._broadcast = broadcast
        self._shared = shared

    async def make(self, changes: Sequence[Change]) -> float:
        """Publish."""
        before = time.monotonic()
        for change in changes:
            channel = channel_of(None, None) if self._shared else channel_of(*change.topic.variables.values())
            told = {
                "cursor": f"{change.number:032}",
                "availableAfter": change.number,
                "available": change.topic.on_hand - change.topic.held,
            }
            await self._broadcast.publish(channel, json.dumps(told))
        return before


def _event(change: Change) -> StockLevelChanged:
    """What a command tells of a change."""
    topic = change.topic
    return StockLevelChanged(
        stock_level_id=topic.id,
        product_id=topic.product_id,
        location_id=topic.location_id,
        location_path=topic.path,
        reason=next(iter(LevelChangeReason)),
        on_hand_before=topic.on_hand,
        on_hand_after=topic.on_hand,
        held_before=topic.held,
        held_after=topic.held,
        available_before=topic.on_hand - topic.held,
        available_after=change.number,
        within_location_ids=(LocationId(topic.location_id),),
        reorder_point_crossing=None,
        incoming_before=0,
        incoming_after=0,
    )


@asynccontextmanager
async def outbox(database_url: str, redis_url: str) -> AsyncIterator[Outbox]:
    """The outbox of a database, with a bell that wakes its relay."""
    engine, wakeup = writing_engine(database_url), Wakeup(redis_url)
    await wakeup.connect()
    bell = Bell(wakeup)
    ringing = asyncio.create_task(bell.run())
    try:
        yield Outbox(sessions_of(engine), bell)
    finally:
        ringing.cancel()
        await wakeup.disconnect()
        await engine.dispose()


@asynccontextmanager
async def published(redis_url: str, *, shared: bool) -> AsyncIterator[Published]:
    """Changes that are published over Redis."""
    async with Broadcast(redis_url) as broadcast:
        yield Published(broadcast, shared=shared)
