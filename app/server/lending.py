"""Connections that are lent for one statement at a time.

asyncpg's own pool wraps each loan in several objects and a task, which takes as long as a small statement itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

STOP_SECONDS_MAX = 5
"""So long PostgreSQL has to stop a statement that was left; its time limit stops it in the end."""


class Lender:
    """Keeps up to so many connections open, and lends each to one borrower at a time; more borrowers wait."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], size: int) -> None:
        """Open connections by `connect` when they are first needed, `size` at the most."""
        self.connect = connect
        self.is_closed = False
        self.places: list[asyncpg.Connection | None] = [None] * size
        """One for each loan there may be: a connection that is idle, or nothing where one is still to be opened."""
        self.waiting: deque[asyncio.Future[asyncpg.Connection | None]] = deque()
        """Who waits for a place, in turn; there are none while places are free."""
        self._stopping: set[asyncio.Task[None]] = set()

    def acquire(self) -> Loan:
        """A connection for the block, for statements outside of any transaction."""
        return Loan(self)

    async def fetchrow(self, text: str, *values: Any) -> Any:
        """The first row of a statement. Most readings are this, so it takes no step more than it must."""
        connection = self.at_hand() or await self.take()
        try:
            row = await connection.fetchrow(text, *values)
        except BaseException as error:
            self.give_back(connection, error)
            raise
        self.give_back(connection, None)
        return row

    async def fetch(self, text: str, *values: Any) -> list[Any]:
        """All rows of a statement."""
        async with self.acquire() as connection:
            rows: list[Any] = await connection.fetch(text, *values)
            return rows

    async def fetchval(self, text: str, *values: Any) -> Any:
        """The first value of the first row of a statement."""
        async with self.acquire() as connection:
            return await connection.fetchval(text, *values)

    async def open_first(self) -> None:
        """Have one connection ready, or say at once why there can be none."""
        async with self.acquire():
            pass

    def drop_idle(self) -> None:
        """End what is idle, whose other end may be gone without a word."""
        for connection in self._taken_out():
            connection.terminate()

    async def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self.is_closed = True
        for connection in self._taken_out():
            await connection.close()
        await asyncio.gather(*self._stopping, return_exceptions=True)

    def at_hand(self) -> asyncpg.Connection | None:
        """The connection that came back last, lent at once; None where one must be opened or waited for."""
        if not self.places or self.places[-1] is None or self.places[-1].is_closed():
            return None
        return self.places.pop()

    async def take(self) -> asyncpg.Connection:
        """A connection, the one that came back last if it is still good."""
        connection = await self._place()
        try:
            return connection if connection and not connection.is_closed() else await self.connect()
        except BaseException:
            self._hand_on(None)
            raise

    def give_back(self, connection: asyncpg.Connection, error: BaseException | None) -> None:
        """Take a connection back; one that was left in the middle of something, or that is lost, is ended."""
        if _leaves(error) and not (self.is_closed or connection.is_closed()):
            stopping = asyncio.create_task(self._stop(connection))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
            return
        if self.is_closed or (error is not None and _ends(error)):
            connection.terminate()
        self._hand_on(None if connection.is_closed() else connection)

    async def _stop(self, connection: asyncpg.Connection) -> None:
        """End a connection and the statement that was left in it, and only then let another take its place.

        PostgreSQL does not look whether anybody still waits: without a word it would go on, and callers who come and go
        would have more statements running than there are places.
        """
        try:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await connection.close()
        finally:
            self._hand_on(None)

    def _taken_out(self) -> list[asyncpg.Connection]:
        """Every connection that is idle, its place now empty."""
        idle = [connection for connection in self.places if connection is not None]
        self.places = [None] * len(self.places)
        return idle

    async def _place(self) -> asyncpg.Connection | None:
        """The next place, in turn."""
        if self.places:
            return self.places.pop()
        waiter: asyncio.Future[asyncpg.Connection | None] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._hand_on(waiter.result())
            raise

    def _hand_on(self, place: asyncpg.Connection | None) -> None:
        """Give a place to who waits longest, or keep it."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(place)
                return
        self.places.append(place)


def _leaves(error: BaseException | None) -> bool:
    """Whether nobody waits any more for what was asked."""
    return isinstance(error, TimeoutError | asyncio.CancelledError)


def _ends(error: BaseException) -> bool:
    """Whether a connection is of no use after `error`: its statement was left, or the server or driver gave it up."""
    if _leaves(error) or not isinstance(error, Exception):
        return True
    fatal = getattr(error, "severity_en", None) in {"FATAL", "PANIC"}
    return fatal or isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError)


class Loan:
    """One loan of a connection."""

    __slots__ = ("connection", "lender")

    def __init__(self, lender: Lender) -> None:
        self.lender = lender

    async def __aenter__(self) -> asyncpg.Connection:
        """Borrow."""
        self.connection = await self.lender.take()
        return self.connection

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        """Give back."""
        self.lender.give_back(self.connection, error)
