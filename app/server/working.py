"""The worker: does what is due when a time comes, and what domains do when an event arrives.

Both are transactions on the database alone: a reaction and the note that it was done commit together, so each is done
exactly once, however many workers run and however often one is killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.limits import Limits
from app.kernel.outbox import Event, OutboxEvent, OutboxPosition, write_outbox
from app.kernel.reacting import FailedReaction, LogReader, Reaction, Timer, event_of

log = structlog.get_logger("lading.worker")
READER = "reactions"
IDLE_SECONDS = 0.25
"""How long the log is left alone when nothing in it is new."""
TROUBLE_SECONDS = 2.0
"""How long a loop waits after a failure before it tries again."""
Sessions = async_sessionmaker[AsyncSession]
AfterCommit = Callable[[], None]


class Worker:
    """Runs the timers and reactions of all domains until it is stopped."""

    def __init__(
        self,
        sessions: Sessions,
        limits: Limits,
        after_commit: AfterCommit,
        *,
        timers: Mapping[Timer, float],
        reactions: Mapping[type[Event], Reaction],
    ) -> None:
        """Work through `sessions`; `timers` tell how many seconds may pass between two looks."""
        self.sessions = sessions
        self.limits = limits
        self.after_commit = after_commit
        self.timers = timers
        self.reactions = {event.name: reaction for event, reaction in reactions.items()}
        self._others: dict[Callable[[], Awaitable[bool]], float] = {}

    def also(self, turn: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Take turns of another kind too; so many seconds pass between two while there is nothing more to do."""
        self._others[turn] = seconds

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until `stopped`; what is under way then is finished."""
        async with asyncio.TaskGroup() as loops:
            for timer, seconds in self.timers.items():
                loops.create_task(self._loop(lambda timer=timer: self.tick(timer), seconds, stopped))  # type: ignore[misc]
            loops.create_task(self._loop(self.react, IDLE_SECONDS, stopped))
            for turn, seconds in self._others.items():
                loops.create_task(self._loop(turn, seconds, stopped))

    async def tick(self, timer: Timer) -> bool:
        """One transaction of a timer; whether there may be more to do at once."""
        async with self.sessions() as session:
            more = await timer(session)
            await self._commit(session)
        return more

    async def react(self) -> bool:
        """React to the next event of the log; whether there may be another."""
        async with self.sessions() as session:
            reader = await self._reader(session)
            if reader is None:
                return False
            last, event = await self._next(session, reader.position)
            if event is not None:
                await self._try(session, reader, event)
            elif last <= reader.position:
                return False
            else:
                reader.position = last
            await self._commit(session)
        return True

    async def _try(self, session: AsyncSession, reader: LogReader, logged: Any) -> None:
        """React to one event; after too many failures it is set aside and told."""
        try:
            async with session.begin_nested():
                await self.reactions[logged.name](session, event_of(logged.name, logged.facts))
        except Exception as error:
            session.info.clear()
            reader.attempts += 1
            log.exception("reaction failed", event_name=logged.name, position=logged.position, attempt=reader.attempts)
            if reader.attempts < self.limits.reaction_tries_max:
                await session.commit()
                raise
            failed = FailedReaction(position=logged.position, event_name=logged.name, error=repr(error)[:1_000])
            session.add(failed)
        reader.position, reader.attempts = logged.position, 0

    async def _reader(self, session: AsyncSession) -> LogReader | None:
        """The row of our progress, locked; None where another worker holds it."""
        await session.execute(insert(LogReader).values(name=READER, position=0, attempts=0).on_conflict_do_nothing())
        mine = select(LogReader).where(LogReader.name == READER).with_for_update(skip_locked=True)
        return (await session.scalars(mine)).one_or_none()

    async def _next(self, session: AsyncSession, position: int) -> tuple[int, Any]:
        """The last position there is, and the first event after `position` that anyone reacts to."""
        last = await session.scalar(select(OutboxPosition.position).order_by(OutboxPosition.position.desc()).limit(1))
        wanted = (
            select(OutboxPosition.position, OutboxEvent.name, OutboxEvent.facts)
            .join(OutboxEvent, OutboxEvent.id == OutboxPosition.event_id)
            .where(OutboxPosition.position > position, OutboxEvent.name.in_(self.reactions))
            .order_by(OutboxPosition.position)
            .limit(1)
        )
        return last or 0, (await session.execute(wanted)).one_or_none()

    async def _commit(self, session: AsyncSession) -> None:
        """Write what happened and commit it; wake followers where something did."""
        happened = await write_outbox(session)
        await session.commit()
        if happened:
            self.after_commit()

    async def _loop(self, turn: Callable[[], Awaitable[bool]], seconds: float, stopped: asyncio.Event) -> None:
        """Take turns until stopped: at once while there is more to do, else after a pause."""
        while not stopped.is_set():
            try:
                pause = 0.0 if await turn() else seconds
            except (DBAPIError, OSError):
                log.warning("a turn of work failed and is tried again", exc_info=True)
                pause = TROUBLE_SECONDS
            except Exception:
                log.exception("a turn of work failed and is tried again")
                pause = TROUBLE_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), pause)
