"""The wake-up: messages between processes through `broadcaster`, over Redis or within one process.

It is never the truth. A message may be lost while Redis is away or a reader is slow; the reader is then told of the
gap and goes to the database. `broadcaster`'s own Redis backend ends silently with its connection, so this one keeps a
connection of its own, asks after 5 s of silence whether it lives, and subscribes again after every loss.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import structlog
from broadcaster import Broadcast, Event
from broadcaster._backends.base import BroadcastBackend
from broadcaster._base import Subscriber, Unsubscribed
from prometheus_client import Counter, Gauge
from redis import asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.kernel.limits import DEFAULTS, Limits

__all__ = ["GAP", "Bell", "Subscription", "Unsubscribed", "Wakeup", "redis_address"]

RELAY_CHANNEL = "relay"
KEEP_ALIVE_CHANNEL = "keep-alive"
NAMESPACE = "lading"
SILENCE_SECONDS = 5.0
ACKNOWLEDGED_SECONDS = 2.0
PUBLISH_SECONDS = 1.0
BACK_OFF_SECONDS = (0.05, 2.0)
GAP: Final = Event(channel="", message="")
"""What a reader gets where messages may have been missed."""

CONNECTED = Gauge(
    "lading_wakeup_connected", "Whether messages of other processes are heard.", multiprocess_mode="livemin"
)
CONNECTIONS = Counter("lading_wakeup_connections_total", "Connections that were made to hear messages.")
MISSED = Counter("lading_wakeup_gaps_total", "Times that messages may have been missed.")
UNTOLD = Counter("lading_wakeup_untold_total", "Messages that could not be told.")

log = structlog.get_logger(__name__)


class RedisBackend(BroadcastBackend):
    """Publishes and hears over Redis, and goes on after its connection is lost."""

    def __init__(self, url: str, limits: Limits = DEFAULTS) -> None:
        address = redis_address(url)
        self._hearing: redis.Redis = redis.Redis.from_url(
            address,
            protocol=2,
            socket_timeout=None,
            socket_connect_timeout=ACKNOWLEDGED_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        pool = redis.BlockingConnectionPool.from_url(
            address,
            protocol=2,
            max_connections=limits.wakeup_connections_max,
            timeout=PUBLISH_SECONDS,
            socket_timeout=PUBLISH_SECONDS,
            socket_connect_timeout=PUBLISH_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._telling: redis.Redis = redis.Redis.from_pool(pool)
        self._pubsub: PubSub | None = None
        self._channels: set[str] = {KEEP_ALIVE_CHANNEL}
        self._acknowledged: dict[str, asyncio.Event] = {}
        self._back_off = BACK_OFF_SECONDS[0]
        self._asked = False
        self.connected = False

    async def connect(self) -> None:
        """Nothing is connected before the first reading: a Redis that is away delays no start."""

    async def disconnect(self) -> None:
        """Let go of every connection."""
        await self._close()
        await self._hearing.aclose()
        await self._telling.aclose()

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
        await self._telling.publish(channel, message)

    async def next_published(self) -> Event:
        """The next message, or GAP after each connection that was made."""
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
            self._asked = True
            await pubsub.ping()
            return None
        self._asked = False
        channel = _text(message["channel"])
        if message["type"] == "subscribe" and channel in self._acknowledged:
            self._acknowledged.pop(channel).set()
        return Event(channel, _text(message["data"])) if message["type"] == "message" else None

    async def _lost(self, error: Exception) -> None:
        """Forget the connection, and wait a little longer each time before the next, never in step with others."""
        if self.connected:
            log.warning("wakeup_lost", error=str(error))
        await self._close()
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
        _put(self._published, Event(channel, message))

    async def next_published(self) -> Event:
        """The next message, or GAP where some were dropped."""
        return await self._published.get()


class Subscription(Subscriber):
    """One reader of a channel: a bounded queue, on whose overflow the reader is told of a gap."""

    def __init__(self, waiting_max: int) -> None:
        self._heard: asyncio.Queue[Event | None] = asyncio.Queue(waiting_max)
        super().__init__(self._heard)

    def put(self, event: Event | None) -> None:
        """Add a message, GAP or the end; what does not fit is dropped and becomes a gap."""
        _put(self._heard, event)

    async def next(self) -> str | None:
        """The next message, or None where some may have been missed; Unsubscribed at the end."""
        event = await self.get()
        return None if event is GAP else event.message


class Wakeup(Broadcast):
    """`broadcaster` without its faults: bounded, never ending silently, and telling its readers of every gap."""

    def __init__(self, url: str, *, namespace: str = NAMESPACE, limits: Limits = DEFAULTS) -> None:
        """Speak over `url` (`redis://`, `rediss://`, `valkey://`, `unix://` or `memory://`), apart by `namespace`."""
        made = MemoryBackend(limits) if urlsplit(url).scheme == "memory" else RedisBackend(url, limits)
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
        self._listener_task = asyncio.create_task(self._listener(), name="wakeup")

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

    async def _listener(self) -> None:
        """Hand each message to the readers of its channel, and each gap to all."""
        while True:
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
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self._wakeup.publish(RELAY_CHANNEL, "")


def redis_address(url: str) -> str:
    """`url` as the Redis client wants it: `valkey://` is `redis://`, and `valkey+unix://` a socket."""
    parts = urlsplit(url)
    schemes = {
        "valkey": "redis",
        "valkeys": "rediss",
        "redis+unix": "unix",
        "valkey+unix": "unix",
        "redis+socket": "unix",
    }
    scheme = schemes.get(parts.scheme, parts.scheme)
    if scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"{parts.scheme}:// is no address of a Redis: write redis://, rediss://, unix:// or memory://")
    return urlunsplit((scheme, *parts[1:])) if scheme != "unix" else f"unix://{url.partition('://')[2]}"


def _put(queue: asyncio.Queue[Any], item: Event | None) -> None:
    """Add `item`; a queue that is full is emptied first, and says so by a gap."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(GAP)
        if item is not None:
            return
    queue.put_nowait(item)


def _text(data: Any) -> str:
    """What Redis sent, as text; bytes of others that are no UTF-8 must not end the reading."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
