"""Followers: one subscription each, with a bounded buffer between the log and its reader.

A follower of a stream of events gets each once, or is ended with the cursor of the last. A follower of a stream of
states gets the last state of each key: while it is slow, a newer state takes the place of the one that waits, and the
cursor it is told is the low-water mark, at or below which everything was delivered, superseded or filtered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from app.kernel.event_log import Cursor
from app.kernel.limits import DEFAULTS
from resolvers.errors import RequestError
from resolvers.following.counts import counts

Reason = Exception | Callable[[str], Exception]
"""Why a follower ends; where that tells a cursor, it is made from where the reader stands by then."""
SendNow = Callable[[bytes], bool]
"""Sends a response to a reader at once, where nothing stands against it; answers whether it did."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What every follower of a cohort receives of one event: the same bytes, made once. `pieces` meet at the cursor."""

    epoch: str
    position: int
    key: Hashable
    transaction_id: int
    pieces: tuple[bytes, ...]
    body: bytes


class TooSlow(RequestError):
    """The follower does not keep up with its stream."""

    def __init__(self, cursor: str) -> None:
        message = "You read slower than things happen, and were let go; follow again after this cursor."
        counts.too_slow += 1
        super().__init__("FOLLOWER_TOO_SLOW", message, cursor=cursor)


class CursorExpired(RequestError):
    """The cursor leads nowhere."""

    def __init__(self) -> None:
        message = (
            "Nothing can follow this cursor: it is too old, of another log, or none. Read anew and follow from there."
        )
        counts.cursors_expired += 1
        super().__init__("CURSOR_EXPIRED", message)


class Follower:
    """One reader's buffer. Whoever delivers never waits for it.

    A reader that waits is sent to by `send_now`, where it has that: its task would do the same, but a step later.
    """

    __slots__ = (
        "_buffer_max",
        "_bytes",
        "_bytes_max",
        "_conflates",
        "_ended",
        "_newest",
        "_snapshot",
        "_superseding",
        "_waiter",
        "_waiting",
        "delivered_at",
        "epoch",
        "joined_at",
        "send_now",
    )

    def __init__(
        self,
        start: Cursor,
        *,
        conflates: bool,
        buffer_max: int = DEFAULTS.follower_buffer_events_max,
        bytes_max: int = DEFAULTS.follower_buffer_bytes_max,
    ) -> None:
        """Follow from `start`, with at most `buffer_max` deliveries of `bytes_max` together waiting."""
        self.epoch = start.epoch
        self.joined_at = start.position
        self.delivered_at = start.position
        self.send_now: SendNow | None = None
        self._buffer_max = buffer_max
        self._bytes_max = bytes_max
        self._conflates = conflates
        self._snapshot = start.snapshot
        self._waiting: dict[Hashable, Delivery] = {}
        self._newest = 0
        self._superseding = False
        self._bytes = 0
        self._ended: Reason | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether the reader has taken everything and waits for more."""
        return self._waiter is not None and not self._waiter.done() and not self._waiting

    @property
    def cursor(self) -> str:
        """Where the reader stands: after what it took last, and after what its beginning saw."""
        return Cursor(self.epoch, self.delivered_at, self._snapshot).encode()

    def wants(self, delivery: Delivery) -> bool:
        """Whether an event is of the follower's log, and after its beginning."""
        is_next = delivery.epoch == self.epoch and delivery.position > self.joined_at
        return is_next and not self.saw(delivery.transaction_id)

    def saw(self, transaction_id: int) -> bool:
        """Whether the data that the follower begins with already shows what a transaction did."""
        return self._snapshot is not None and self._snapshot.saw(transaction_id)

    def offer(self, delivery: Delivery) -> None:
        """Put a delivery into the buffer; a follower whose buffer is full is ended."""
        if self._ended is not None or not self.wants(delivery):
            return
        if self.send_now is not None and self.idle and self._sent_now(delivery, self.send_now):
            return
        place = delivery.key if self._conflates else delivery.position
        superseded = self._waiting.get(place)
        if superseded is not None:
            self._superseding = True
            self._bytes -= len(superseded.body)
            counts.conflated += 1
        self._bytes += len(delivery.body)
        if self._bytes > self._bytes_max or (superseded is None and len(self._waiting) >= self._buffer_max):
            self._waiting.clear()
            self.end(TooSlow)
            return
        self._waiting[place] = delivery
        self._newest = delivery.position
        self._wake()

    def end(self, reason: Reason) -> None:
        """End the follower: the reader gets what waits, then `reason`."""
        if self._ended is None:
            self._ended = reason
            self._wake()

    async def next(self) -> bytes:
        """The next delivery as its reader is told it; raises the reason of the end, where there is one."""
        while not self._waiting:
            if self._ended is not None:
                raise self._ended if isinstance(self._ended, Exception) else self._ended(self.cursor)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        place, delivery = next(iter(self._waiting.items()))
        del self._waiting[place]
        self._bytes -= len(delivery.body)
        return self.told(delivery)

    def told(self, delivery: Delivery) -> bytes:
        """The bytes of a delivery that is told now: everyone's, unless this follower's cursor is another."""
        self.delivered_at = self._low_water(delivery) if self._superseding else delivery.position
        if self._snapshot is None and self.delivered_at == delivery.position:
            return delivery.body
        return self.cursor.encode().join(delivery.pieces)

    def _sent_now(self, delivery: Delivery, send_now: SendNow) -> bool:
        """Send a delivery to a reader that waits for it; whether that was possible."""
        before = self.delivered_at
        sent = send_now(self.told(delivery))
        if not sent:
            self.delivered_at = before
        return sent

    def _low_water(self, delivery: Delivery) -> int:
        """The cursor that is true while newer states wait in the places of older ones."""
        if self._waiting:
            return min(delivery.position, min(waiting.position for waiting in self._waiting.values()) - 1)
        self._superseding = False
        return self._newest

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
