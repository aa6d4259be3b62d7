"""The clerk: gives the domains' commands for the play, each in a transaction of its own with its events last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from app.kernel.limits import in_force
from app.kernel.outbox import write_outbox
from app.kernel.principal import STAFF, Principal, Role

Answer = TypeVar("Answer")
STAFF_AT_PLAY = Principal(roles=STAFF, name="simulation")
BUYER_AT_PLAY = Principal(roles=frozenset({Role.ANONYMOUS}), name="simulated buyer")
UNDONE = frozenset({"40001", "40P01", "55P03"})
"""Serialisation failure, deadlock, lock not available: PostgreSQL undid the transaction and it may be tried again."""


class Clerk:
    """Gives commands, and counts what came of them."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Write through `sessions`."""
        self.sessions = sessions
        self.commands = 0
        self.events = 0

    async def give(
        self, command: Callable[..., Awaitable[Answer]], request: Any, *, by: Principal = STAFF_AT_PLAY
    ) -> Answer:
        """Give a command and commit what it does; a Refusal leaves nothing."""
        tries = in_force().transaction_tries_max
        for attempt in range(1, tries + 1):
            try:
                return await self._once(command, request, by)
            except (DBAPIError, StaleDataError) as failure:
                if attempt == tries or not _may_try_again(failure):
                    raise
        raise AssertionError

    async def _once(self, command: Callable[..., Awaitable[Answer]], request: Any, by: Principal) -> Answer:
        """One transaction."""
        async with self.sessions() as session:
            await session.execute(text("SELECT 1"))
            answer = await command(session, request, by=by)
            events = await write_outbox(session)
            await session.commit()
        self.commands += 1
        self.events += events
        return answer

    async def read(self, statement: Select[*tuple[Any, ...]]) -> list[Any]:
        """The rows of `statement`."""
        async with self.sessions() as session:
            return list(await session.execute(statement))


def _may_try_again(failure: DBAPIError | StaleDataError) -> bool:
    """Whether the transaction was undone for the sake of another."""
    return isinstance(failure, StaleDataError) or getattr(failure.orig, "sqlstate", None) in UNDONE
