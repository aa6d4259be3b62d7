"""The wake-up: messages between processes through `broadcaster`, over Redis or within one process.

It is never the truth. A message may be lost while Redis is away or a reader is slow; the reader is then told of the
gap and goes to the database. `broadcaster`'s own Redis backend ends silently with its connection, so this one keeps a
connection of its own, asks after 5 s of silence whether it lives, and subscribes again after every loss.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from broadcaster import Broadcast
from broadcaster._base import Unsubscribed
from redis.exceptions import RedisError

from app.kernel.limits import DEFAULTS, Limits
from app.server.enduring import for_ever
from app.server.wakeup.addresses import Kind, read_address
from app.server.wakeup.figures import MISSED, UNTOLD
from app.server.wakeup.memory import MemoryBackend
from app.server.wakeup.messages import GAP, Subscription
from app.server.wakeup.server import RedisBackend

__all__ = ["GAP", "RELAY_CHANNEL", "Bell", "Subscription", "Unsubscribed", "Wakeup", "read_address"]

RELAY_CHANNEL = "relay"
NAMESPACE = "lading"

log = structlog.get_logger(__name__)


class Wakeup(Broadcast):
    """`broadcaster` without its faults: bounded, never ending silently, and telling its readers of every gap."""

    def __init__(self, url: str, *, namespace: str = NAMESPACE, limits: Limits = DEFAULTS) -> None:
        """Speak over the Redis at `url`, or by `memory://` within this process, apart from others by `namespace`."""
        address = read_address(url)
        made = MemoryBackend(limits) if address.kind is Kind.MEMORY else RedisBackend(address, limits)
        super().__init__(backend=made)
        self._made = made
        self._namespace = namespace
        self._waiting_max = limits.wakeup_messages_waiting_max
        self._readers: dict[str, set[Subscription]] = {}
        self._joining = asyncio.Lock()
        self._reached = True

    @property
    def connected(self) -> bool:
        """Whether messages of others are heard at present."""
        return self._made.connected

    async def connect(self) -> None:
        """Begin to hear."""
        await self._made.connect()
        self._listener_task = asyncio.create_task(for_ever(self._listen, "wakeup"), name="wakeup")

    async def disconnect(self) -> None:
        """Stop to hear, and end every subscription."""
        self._listener_task.cancel()
        await asyncio.wait([self._listener_task])
        for reader in [reader for readers in self._readers.values() for reader in readers]:
            reader.put(None)
        await self._made.disconnect()

    async def publish(self, channel: str, message: Any) -> None:
        """Tell every process that hears `channel`. Where Redis is away it is not told, and nobody has to care."""
        try:
            await self._made.publish(f"{self._namespace}:{channel}", message)
            self._reached = True
        except (RedisError, OSError) as error:
            if self._reached:
                log.warning("wakeup_not_told", channel=channel, error=str(error))
            self._reached = False
            UNTOLD.inc()

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        """Hear `channel`: what is published after the beginning of the block is received, or a gap is."""
        name = f"{self._namespace}:{channel}"
        reader = Subscription(self._waiting_max)
        try:
            await self._join(name, reader)
            yield reader
        finally:
            await asyncio.shield(self._leave(name, reader))

    async def _join(self, name: str, reader: Subscription) -> None:
        """Begin one subscription; the first one of a channel begins it in Redis too."""
        async with self._joining:
            first = name not in self._readers
            self._readers.setdefault(name, set()).add(reader)
            if first:
                await self._made.subscribe(name)

    async def _leave(self, name: str, reader: Subscription) -> None:
        """End one subscription; the last one of a channel ends it in Redis too."""
        async with self._joining:
            readers = self._readers.get(name, set())
            readers.discard(reader)
            reader.put(None)
            if not readers and self._readers.pop(name, None) is not None:
                await self._made.unsubscribe(name)

    async def _listen(self) -> None:
        """Hand the next message to the readers of its channel, or a gap to all."""
        event = await self._made.next_published()
        if event is GAP:
            MISSED.inc()
            readers = [reader for readers in self._readers.values() for reader in readers]
        else:
            readers = list(self._readers.get(event.channel, ()))
        for reader in readers:
            reader.put(event)


class Bell:
    """Wakes the relay after a commit. Rings while one is being sent become one more."""

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup = wakeup
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Say that something was committed; returns at once."""
        self._rung.set()

    async def run(self) -> None:
        """Send the rings until cancelled."""
        await for_ever(self._send, "bell")

    async def _send(self) -> None:
        """Send the next ring."""
        await self._rung.wait()
        self._rung.clear()
        await self._wakeup.publish(RELAY_CHANNEL, "")
