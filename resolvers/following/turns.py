"""Taking turns: so that what many follow, or one caller follows, holds up nobody else for long."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

SLICE_SECONDS = 0.005
"""So long events are handed on before all else of the process has its turn."""


class Turns:
    """Says when work that waits for nothing has gone on for long enough."""

    def __init__(self, seconds: float = SLICE_SECONDS) -> None:
        """Give way after so many seconds."""
        self._seconds = seconds
        self._until = 0.0
        self._renewing = False

    @property
    def over(self) -> bool:
        """Whether it is time to give way."""
        return time.monotonic() >= self._until

    async def given(self) -> None:
        """Give way where it is time to."""
        if self.over:
            await self.next()

    async def next(self) -> None:
        """Give way, until it is time to go on: of all who wait for that, one goes on in each step of the loop."""
        while self.over:
            if not self._renewing:
                self._renewing = True
                asyncio.get_running_loop().call_soon(self._renew)
            await asyncio.sleep(0)

    def _renew(self) -> None:
        self._renewing = False
        self._until = time.monotonic() + self._seconds


class Slots:
    """So many may read at once, and no caller takes more than half of that; callers take turns for what is free."""

    def __init__(self, count: int) -> None:
        """Let `count` read at once."""
        self._free = count
        self._each = max(1, count // 2)
        self._taken: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def taken(self, caller: Hashable) -> AsyncIterator[None]:
        """A slot of `caller` within the block."""
        await self._take(caller)
        try:
            yield
        finally:
            self._give_back(caller)

    async def _take(self, caller: Hashable) -> None:
        if self._may(caller) and caller not in self._waiting:
            self._count(caller)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._give_back(caller)
            elif turn in self._waiting.get(caller, ()):
                self._forget(caller, turn)
            raise

    def _forget(self, caller: Hashable, turn: asyncio.Future[None]) -> None:
        """Wait no longer."""
        waiting = self._waiting[caller]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[caller]

    def _give_back(self, caller: Hashable) -> None:
        self._free += 1
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        self._hand_on()

    def _hand_on(self) -> None:
        """Give what is free to those who have the fewest, and of these to whoever waits longest for a turn."""
        while ready := [caller for caller in self._waiting if self._may(caller)]:
            self._wake(min(ready, key=lambda caller: self._taken[caller]))

    def _wake(self, caller: Hashable) -> None:
        """Give a slot to the first who waits for `caller`, whose next turn comes after that of all others."""
        turn = self._waiting[caller][0]
        if not turn.done():
            self._count(caller)
            turn.set_result(None)
        self._forget(caller, turn)
        if caller in self._waiting:
            self._waiting.move_to_end(caller)

    def _may(self, caller: Hashable) -> bool:
        return self._free > 0 and self._taken[caller] < self._each

    def _count(self, caller: Hashable) -> None:
        self._free -= 1
        self._taken[caller] += 1
