"""Rounds: looking at each of many that are open, over and over, few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from app.server.enduring import outlived

One = TypeVar("One")

AT_ONCE = 20
"""So many are looked at before everything else of the process has its turn."""


class Rounds(Generic[One]):
    """What is open, of which each is looked at once in so many seconds: a burst for all would be felt by all."""

    def __init__(self, look: Callable[[One], None], seconds: float) -> None:
        """Call `look` of each, in rounds of `seconds`."""
        self.open: set[One] = set()
        self._look = look
        self._seconds = seconds
        self._going: asyncio.Task[None] | None = None
        self._stopped = False

    def add(self, one: One) -> None:
        """Look at `one` too; the first begins the rounds."""
        self.open.add(one)
        if self._going is None and not self._stopped:
            self._going = asyncio.create_task(self._go(), name="rounds")

    def discard(self, one: One) -> None:
        """Look at `one` no more; the last ends the rounds."""
        self.open.discard(one)
        if not self.open:
            self._end()

    def stop(self) -> None:
        """Look at nothing any more, whatever is added."""
        self._stopped = True
        self._end()

    async def _go(self) -> None:
        """Go round and round."""
        while self.open:
            await self.once(self._seconds)

    async def once(self, seconds: float) -> None:
        """Look at each of those that are open now, over so many seconds."""
        these = list(self.open)
        parts = [these[first : first + AT_ONCE] for first in range(0, len(these), AT_ONCE)]
        for part in parts:
            await asyncio.sleep(seconds / len(parts))
            for one in part:
                if one in self.open:
                    with outlived("rounds"):
                        self._look(one)

    def _end(self) -> None:
        if self._going is not None:
            self._going.cancel()
            self._going = None
