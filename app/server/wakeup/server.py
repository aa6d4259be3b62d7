"""The wake-up over Redis: a connection that hears, made anew after every loss, and connections that tell."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import structlog
from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.kernel.limits import DEFAULTS, Limits
from app.server.wakeup.addresses import Address
from app.server.wakeup.figures import CONNECTED, CONNECTIONS
from app.server.wakeup.messages import GAP
from app.server.wakeup.servers import ACKNOWLEDGED_SECONDS, Servers

KEEP_ALIVE_CHANNEL = "keep-alive"
SILENCE_SECONDS = 5.0
QUIET_SECONDS = 10.0
"""The relay speaks every second: where nobody is heard for so long, another node of a cluster may hear more."""
BACK_OFF_SECONDS = (0.05, 2.0)

log = structlog.get_logger(__name__)


class RedisBackend(BroadcastBackend):
    """Publishes and hears over Redis, and goes on after its connection is lost."""

    def __init__(self, address: Address, limits: Limits = DEFAULTS) -> None:
        """Speak over the Redis at `address`."""
        self._hears = Servers(address, limits)
        self._tells = Servers(address, limits)
        self._hearing = self._hears.hearing()
        self._telling = self._tells.telling()
        self._pubsub: PubSub | None = None
        self._channels: set[str] = {KEEP_ALIVE_CHANNEL}
        self._acknowledged: dict[str, asyncio.Event] = {}
        self._back_off = BACK_OFF_SECONDS[0]
        self._asked = False
        self._spoken_at = 0.0
        self.connected = False

    async def connect(self) -> None:
        """Nothing is connected before the first reading: a Redis that is away delays no start."""

    async def disconnect(self) -> None:
        """Let go of every connection."""
        await self._close()
        await self._hearing.aclose()
        await self._telling.aclose()
        await self._hears.close()
        await self._tells.close()

    async def subscribe(self, channel: str) -> None:
        """Hear `channel`: returns once Redis says so, or after a while without; then a gap is told once it does."""
        self._channels.add(channel)
        if self._pubsub is None or not self.connected:
            return
        acknowledged = self._acknowledged[channel] = asyncio.Event()
        with suppress(RedisError, OSError, TimeoutError):
            await self._pubsub.subscribe(channel)
            async with asyncio.timeout(ACKNOWLEDGED_SECONDS):
                await acknowledged.wait()

    async def unsubscribe(self, channel: str) -> None:
        """Hear `channel` no longer."""
        self._channels.discard(channel)
        self._acknowledged.pop(channel, None)
        if self._pubsub is not None and self.connected:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    async def publish(self, channel: str, message: Any) -> None:
        """Tell every process that hears `channel`; raises RedisError or OSError where Redis is away."""
        try:
            await self._telling.publish(channel, message)
        except (RedisError, OSError):
            if not self._tells.move_on():
                raise
            before, self._telling = self._telling, self._tells.telling()
            await before.aclose()
            await self._telling.publish(channel, message)

    async def next_published(self) -> Event:
        """The next message, or GAP after each connection that was made; whatever else goes wrong makes a new one."""
        while True:
            try:
                if self._pubsub is None:
                    await self._open()
                    return GAP
                event = await self._heard(self._pubsub)
                if event is not None:
                    return event
            except (RedisError, OSError) as error:
                await self._lost(error)
            except Exception:
                await self._close()
                raise

    async def _open(self) -> None:
        """Connect and wait until every channel is heard; what is said meanwhile is covered by the gap told after."""
        pubsub = self._hearing.pubsub()
        self._pubsub = pubsub
        channels = set(self._channels)
        await pubsub.subscribe(*channels)
        missing = set(channels)
        while missing:
            message = await pubsub.get_message(timeout=ACKNOWLEDGED_SECONDS)
            if message is None:
                raise RedisConnectionError("Redis does not acknowledge the subscription")
            if message["type"] == "subscribe":
                missing.discard(_text(message["channel"]))
        self.connected = True
        self._asked = False
        self._spoken_at = asyncio.get_running_loop().time()
        self._back_off = BACK_OFF_SECONDS[0]
        CONNECTED.set(1)
        CONNECTIONS.inc()
        if late := self._channels - channels:
            await pubsub.subscribe(*late)

    async def _heard(self, pubsub: PubSub) -> Event | None:
        """The next message within the time of silence; after it Redis is asked whether it lives, once."""
        message = await pubsub.get_message(timeout=SILENCE_SECONDS)
        if message is None:
            if self._asked:
                raise RedisConnectionError("Redis has been silent for too long")
            if asyncio.get_running_loop().time() - self._spoken_at > QUIET_SECONDS and self._hears.may_move:
                raise RedisConnectionError("this node hears nobody")
            self._asked = True
            await pubsub.ping()
            return None
        self._asked = False
        channel = _text(message["channel"])
        if message["type"] == "subscribe" and channel in self._acknowledged:
            self._acknowledged.pop(channel).set()
        if message["type"] != "message":
            return None
        self._spoken_at = asyncio.get_running_loop().time()
        return Event(channel, _text(message["data"]))

    async def _lost(self, error: Exception) -> None:
        """Forget the connection, and wait a little longer each time before the next, never in step with others.

        The next one is to another node of a cluster.
        """
        if self.connected:
            log.warning("wakeup_lost", error=str(error))
        await self._close()
        if self._hears.move_on():
            before, self._hearing = self._hearing, self._hears.hearing()
            await before.aclose()
        await asyncio.sleep(self._back_off * random.uniform(0.5, 1.0))  # noqa: S311
        self._back_off = min(2 * self._back_off, BACK_OFF_SECONDS[1])

    async def _close(self) -> None:
        """Close the connection that hears."""
        self.connected = False
        CONNECTED.set(0)
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            with suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]


def _text(data: Any) -> str:
    """What Redis sent, as text; bytes of others that are no UTF-8 must not end the reading."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
