"""The wake-up within one process."""

from __future__ import annotations

import asyncio
from typing import Any

from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend

from app.kernel.limits import DEFAULTS, Limits
from app.server.wakeup.figures import CONNECTED
from app.server.wakeup.messages import put


class MemoryBackend(BroadcastBackend):
    """Tells readers within this process; bounded, and a gap is told where it overflows."""

    def __init__(self, limits: Limits = DEFAULTS) -> None:
        self._published: asyncio.Queue[Event] = asyncio.Queue(limits.wakeup_messages_waiting_max)
        self.connected = True
        CONNECTED.set(1)

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def disconnect(self) -> None:
        """There is nothing to let go of."""

    async def subscribe(self, channel: str) -> None:
        """Every channel is heard."""

    async def unsubscribe(self, channel: str) -> None:
        """Every channel is heard; nobody reads it."""

    async def publish(self, channel: str, message: Any) -> None:
        """Tell this process."""
        put(self._published, Event(channel, message))

    async def next_published(self) -> Event:
        """The next message, or GAP where some were dropped."""
        return await self._published.get()
