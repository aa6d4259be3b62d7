"""Processes for the tests of following: a relay, and ones that follow, each with connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM, Principal
from app.server.database import reading_pool
from app.server.relay import Relay, connector
from app.server.wakeup import Bell, Wakeup
from resolvers.asking import Asking
from resolvers.context import GraphQLRequest, GraphQLResponse
from resolvers.execute import Execution
from resolvers.following.log import Log
from resolvers.following.run import Following, Stream
from resolvers.reading.run import Reading
from resolvers.writing.payloads import Writing
from resolvers.writing.run import Commands
from schema.building import Graph
from schema.root import GRAPH


@asynccontextmanager
async def relaying(database_url: str, wakeup: Wakeup, *, stands_by: bool = False) -> AsyncIterator[Relay]:
    """A relay that runs within the block; unless it stands by it leads at its beginning."""
    relay = Relay(connector(database_url), wakeup)
    running = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(5):
            while not (stands_by or relay.leads.is_set()):
                await asyncio.sleep(0.005)
        yield relay
    finally:
        relay.stop()
        await running


class Process:
    """A process that serves the graph."""

    def __init__(self, execution: Execution, following: Following, reads: list[str]) -> None:
        self.execution = execution
        self.following = following
        self.reads = reads

    async def ask(self, document: str, by: Principal = SYSTEM, **variables: Any) -> Any:
        """The data of a query or mutation."""
        answer = await self.execution.execute(GraphQLRequest(document, variables), by)
        found = orjson.loads(answer.body)
        assert "errors" not in found, found
        return found["data"]

    async def settled(self, events: int = 1) -> None:
        """Wait until the process stands after so many events at least, and they were handed out."""
        await eventually(lambda: self.following.dispatched >= events)

    async def follow(self, document: str, by: Principal = SYSTEM, **variables: Any) -> Reader:
        """A reader of a subscription, which follows from now on or from its cursor."""
        stream = await self.execution.answer(GraphQLRequest(document, variables), by)
        assert not isinstance(stream, GraphQLResponse)
        reader = Reader(stream)
        await reader.ready()
        return reader


class Reader:
    """Reads a stream as fast as it comes, until it is paused or closed."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.read: list[Any] = []
        self.error: Exception | None = None
        self._go = asyncio.Event()
        self._go.set()
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with aclosing(self.stream):
                async for text in self.stream:
                    self.read.append(next(iter(orjson.loads(text)["data"].values())))
                    await self._go.wait()
        except Exception as error:  # noqa: BLE001
            self.error = error

    async def ready(self) -> None:
        """Wait until the stream follows, or has ended."""
        async with asyncio.timeout(5):
            while self.stream.follower is None and not self._running.done():
                await asyncio.sleep(0.005)

    def pause(self) -> None:
        """Read one event more, and no further."""
        self._go.clear()

    def resume(self) -> None:
        """Read on."""
        self._go.set()

    async def count(self, number: int, seconds: float = 5) -> list[Any]:
        """What was read, once it is so many events."""
        await eventually(lambda: len(self.read) >= number or self._running.done(), seconds)
        assert len(self.read) == number, (self.read, self.error)
        return self.read

    async def ended(self, seconds: float = 5) -> Exception | None:
        """Why the stream ended, once it has."""
        await eventually(self._running.done, seconds)
        return self.error

    async def close(self) -> None:
        """Read no longer."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


async def eventually(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until `condition` holds, or until the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.005)


STOCK = GRAPH.subscriptions["stockLevelChanged"]
EVENT_STREAM = replace(STOCK, follow=replace(STOCK.follow, conflates=False))
UNCONFLATED = replace(GRAPH, subscriptions={**GRAPH.subscriptions, STOCK.name: EVENT_STREAM})
"""The graph as it would be if stock were a stream of events, of which every single one is told."""


@asynccontextmanager
async def process(
    database_url: str,
    sessions: async_sessionmaker[AsyncSession],
    wakeup: Wakeup,
    *,
    graph: Graph = UNCONFLATED,
    **limits: int,
) -> AsyncIterator[Process]:
    """A process that serves `graph` within the block."""
    bounds = replace(DEFAULTS, **limits)
    async with AsyncExitStack() as things:
        pool = await things.enter_async_context(reading_pool(database_url, pool=4))
        reading = NotingReading(graph, pool, bounds, EVENT_CURSOR_SQL)
        bell = Bell(wakeup)
        ringing = asyncio.create_task(bell.run())
        things.callback(ringing.cancel)
        following = Following(reading, Log(pool), wakeup, bounds)
        await following.start()
        things.push_async_callback(following.stop)
        writing = Writing(Commands(sessions, bounds, bell.ring, b"secret of the tests"), reading)
        answering = (reading, Asking(sessions, reading), writing)
        yield Process(Execution(graph, answering, limits=bounds, following=following), following, reading.reads)


class NotingReading(Reading):
    """A reading that takes note of the objects that were read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.reads: list[str] = []

    async def read_objects(self, prepared: Any, keys: Any, *rest: Any, **more: Any) -> dict[int, bytes]:
        """Read, and take note."""
        self.reads.append(prepared.statement.text)
        return await super().read_objects(prepared, keys, *rest, **more)
