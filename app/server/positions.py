"""Positions in the primary's write-ahead log, and the signed form in which callers carry them.

A caller that has written is told the position up to which a replica must have come for the caller's next readings.
"""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from app.kernel import clock

PURPOSE = b"position in the log of PostgreSQL "
TOLD = struct.Struct("!IQI")
"""Timeline, bytes of the log before it, and the second in which it was signed."""
SIGNATURE_BYTES = 16
TOKEN_LENGTH = (TOLD.size + SIGNATURE_BYTES) * 4 // 3 + 1


class Position(NamedTuple):
    """A place in the log: so many bytes from its beginning (PostgreSQL says LSN), on one of its timelines."""

    timeline: int
    lsn: int

    def covers(self, other: Position) -> bool:
        """Whether a server that has come this far has also seen `other`.

        A promotion begins a timeline and forgets what the old one wrote after it, so both numbers count: an old server
        that lives on, on its old timeline, has not seen what the new one wrote.
        """
        return self.lsn >= other.lsn and self.timeline >= other.timeline


START = Position(0, 0)
"""Every server has come this far."""
AHEAD = Position(2**32 - 1, 2**64 - 1)
"""No server has come this far: it stands for a place that is not known."""


class Positions:
    """Signs the positions of one database cluster, and reads those that it signed lately."""

    def __init__(self, secret: bytes, system: int, *, seconds_max: int) -> None:
        """Sign by a key that is made of `secret` for the cluster whose system identifier is `system`."""
        self.system = system
        self.seconds_max = seconds_max
        self._key = hmac.digest(secret, PURPOSE + str(system).encode(), "sha256")

    def signed(self, position: Position) -> str:
        """`position` as its caller carries it."""
        told = TOLD.pack(*position, int(clock.now().timestamp()))
        return urlsafe_b64encode(told + self._signature(told)).rstrip(b"=").decode()

    def read(self, token: str) -> Position | None:
        """The position that `token` carries; None where it was not signed here for this cluster, or too long ago."""
        if len(token) != TOKEN_LENGTH:
            return None
        try:
            raw = urlsafe_b64decode(token + "=")
        except ValueError:
            return None
        told, signature = raw[: TOLD.size], raw[TOLD.size :]
        if not hmac.compare_digest(signature, self._signature(told)):
            return None
        timeline, lsn, second = TOLD.unpack(told)
        return Position(timeline, lsn) if clock.now().timestamp() - second <= self.seconds_max else None

    def _signature(self, told: bytes) -> bytes:
        return hmac.digest(self._key, told, "sha256")[:SIGNATURE_BYTES]
