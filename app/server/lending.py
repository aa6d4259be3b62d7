"""Connections that are lent for one statement at a time.

asyncpg's own pool wraps each loan in several objects and a task, which takes as long as a small statement itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import asyncpg


class Lender:
    """Keeps up to so many connections open, and lends each to one borrower at a time; more borrowers wait."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], size: int) -> None:
        """Open connections by `connect` when they are first needed, `size` at the most."""
        self.connect = connect
        self.places = asyncio.Semaphore(size)
        self.idle: list[asyncpg.Connection] = []
        self.is_closed = False

    def acquire(self) -> Loan:
        """A connection for the block, for statements outside of any transaction."""
        return Loan(self)

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

    async def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self.is_closed = True
        while self.idle:
            await self.idle.pop().close()

    async def take(self) -> asyncpg.Connection:
        """A connection, the one that came back last if it is still good."""
        await self.places.acquire()
        try:
            while self.idle:
                connection = self.idle.pop()
                if not connection.is_closed():
                    return connection
            return await self.connect()
        except BaseException:
            self.places.release()
            raise

    def give_back(self, connection: asyncpg.Connection, error: BaseException | None) -> None:
        """Take a connection back; one that was left in the middle of something is ended."""
        interrupted = error is not None and (not isinstance(error, Exception) or isinstance(error, TimeoutError))
        if interrupted or self.is_closed:
            connection.terminate()
        elif not connection.is_closed():
            self.idle.append(connection)
        self.places.release()


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
