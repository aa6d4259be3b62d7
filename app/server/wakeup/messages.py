"""What is heard: messages, gaps where some may be missing, and the bounded queues in which both wait."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from broadcaster import Event
from broadcaster._base import Subscriber

GAP: Final = Event(channel="", message="")
"""What a reader gets where messages may have been missed."""


class Subscription(Subscriber):
    """One reader of a channel: a bounded queue, on whose overflow the reader is told of a gap."""

    def __init__(self, waiting_max: int) -> None:
        self._heard: asyncio.Queue[Event | None] = asyncio.Queue(waiting_max)
        super().__init__(self._heard)

    def put(self, event: Event | None) -> None:
        """Add a message, GAP or the end; what does not fit is dropped and becomes a gap."""
        put(self._heard, event)

    async def next(self) -> str | None:
        """The next message, or None where some may have been missed; Unsubscribed at the end."""
        event = await self.get()
        return None if event is GAP else event.message


def put(queue: asyncio.Queue[Any], item: Event | None) -> None:
    """Add `item`; a queue that is full is emptied first, and says so by a gap."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(GAP)
        if item is not None:
            return
    queue.put_nowait(item)
