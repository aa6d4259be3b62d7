"""The tail: keeps this process at the end of the log, event by event and without a hole.

A message that continues where the tail stands is taken as it is. A hole, a gap, a start, or silence: what is missing
is read from the database. While nobody can be heard, the database is asked again and again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from itertools import islice, repeat
from typing import Protocol

import asyncpg
import orjson
import structlog

from app.kernel.event_log import POSITIONS_CHANNEL
from app.kernel.limits import Limits
from resolvers.following.counts import counts
from resolvers.following.log import Log, Placed, placed_of

SILENCE_SECONDS = 2.5
"""The relay says every second where the log stands; a longer silence is worth a look."""
POLL_SECONDS = 0.05
RETRY_SECONDS = 0.25
DATABASE_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises where a connection cannot be had or ends, and where a statement fails."""
PASSING = ("08", "40", "53", "55", "57", "58")
"""The classes of SQLSTATE that tell of a connection, a conflict, resources, a lock, an operator or the machine."""

log = structlog.get_logger(__name__)


def passes(error: Exception) -> bool:
    """Whether a failure of the database passes by itself, so that it is worth to try again."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(PASSING)
    return isinstance(error, DATABASE_FAILURES)


class Messages(Protocol):
    """What is heard on a channel."""

    async def next(self) -> str | None:
        """The next message, or None where some may have been missed."""


class Wakeup(Protocol):
    """What wakes the tail."""

    @property
    def connected(self) -> bool:
        """Whether messages are heard at present."""

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[Messages]:
        """Hear `channel` within the block."""


class Tail:
    """This process's place at the end of the log, with the last events before it."""

    def __init__(
        self,
        log: Log,
        wakeup: Wakeup,
        limits: Limits,
        *,
        deliver: Callable[[list[Placed]], Awaitable[None]],
        renewed: Callable[[], None],
    ) -> None:
        """Hand events to `deliver` in order, each once; call `renewed` when the log is no longer the one it was."""
        self.epoch = ""
        self.position = 0
        self.known = 0
        """The last position that there is, as far as was heard."""
        self.heard_at = time.monotonic()
        """When the relay was heard last."""
        self._log = log
        self._wakeup = wakeup
        self._limits = limits
        self._deliver = deliver
        self._renewed = renewed
        self._ring: deque[Placed] = deque(maxlen=limits.follow_ring_events_max)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Stand at the end of the log as it is, and follow it from here on."""
        state = await self._log.state()
        if not state.epoch:
            log.warning("log_missing", advice="run a relay: until one has, nothing can be followed")
        self.epoch, self.position = state.epoch, state.last_position
        self.known = state.last_position
        self._running = asyncio.create_task(self._run(), name="tail")

    async def stop(self) -> None:
        """Follow no longer."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def recent(self, after: int, until: int) -> list[Placed] | None:
        """The events after one position and until another, or None where they are no longer all at hand."""
        if after >= until:
            return []
        if not self._ring or self._ring[0].position > after + 1:
            return None
        first = self._ring[0].position
        return list(islice(self._ring, after + 1 - first, until + 1 - first))

    async def _run(self) -> None:
        """Follow, and begin anew after every failure."""
        while True:
            try:
                async with self._wakeup.subscribe(POSITIONS_CHANNEL) as messages:
                    await self._catch_up()
                    while True:
                        await self._next(messages)
            except DATABASE_FAILURES as error:
                log.warning("tail_failed", error=str(error), kind=type(error).__name__)
            except Exception:
                log.exception("tail_failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _next(self, messages: Messages) -> None:
        """Take the next message, or look into the database where there is none to trust."""
        message = None
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_SECONDS if self._wakeup.connected else POLL_SECONDS):
                message = await messages.next()
        if message is None:
            await self._catch_up()
            return
        told = orjson.loads(message)
        self.known, self.heard_at = told["last"], time.monotonic()
        if told["epoch"] == self.epoch:
            details = told.get("details", repeat(None))
            placed = [placed_of(*each) for each in zip(told["events"], details, strict=False)]
            await self._take(event for event in placed if event.position > self.position)
        if told["epoch"] != self.epoch or told["last"] > self.position:
            counts.gaps += 1
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Read from the database what is missing, in batches."""
        while True:
            state, events = await self._log.after(self.position, self._limits.follow_batch_events_max)
            counts.catch_ups += 1
            self.known = state.last_position
            if state.epoch != self.epoch or state.pruned_position > self.position:
                self._begin_anew(state.epoch, state.last_position)
                return
            if not await self._take(events) or len(events) < self._limits.follow_batch_events_max:
                return

    def _begin_anew(self, epoch: str, position: int) -> None:
        """Stand at the end of a log that is another, or of which too much is gone to read what was missed."""
        self.epoch, self.position = epoch, position
        self._ring.clear()
        log.warning("log_renewed", epoch=epoch, position=position)
        self._renewed()

    async def _take(self, events: Iterable[Placed]) -> bool:
        """Take the events that continue without a hole; answers whether there were any."""
        taken: list[Placed] = []
        for event in events:
            if event.position != self.position + len(taken) + 1:
                break
            taken.append(event)
        if taken:
            self._ring.extend(taken)
            self.position = taken[-1].position
            await self._hand_on(taken)
        return bool(taken)

    async def _hand_on(self, taken: list[Placed]) -> None:
        """Deliver events; what fails there is a fault, and whoever may have missed something is told to read anew."""
        try:
            await self._deliver(taken)
        except Exception:
            self._renewed()
            raise
