"""How old an answer a caller may get: never older than its own writes, and for nobody older than is allowed."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

import structlog

from app.server.positions import START, Position, Positions

if TYPE_CHECKING:
    from app.kernel.limits import Limits
    from app.kernel.principal import Principal

log = structlog.get_logger(__name__)


class Staleness:
    """Knows which position a replica must have reached to answer a caller.

    The floor is where the primary was as long ago as a replica may lag. It passes every position before that position's
    token ends, so who wrote longer ago needs to be remembered no longer.
    """

    def __init__(self, positions: Positions, limits: Limits) -> None:
        self.positions = positions
        self.lag_seconds_max = min(limits.replica_lag_seconds_max, positions.seconds_max // 2)
        self.writers_max = limits.writers_remembered_max
        self.floor = START
        self.latest = START
        self._seen: deque[tuple[float, Position]] = deque()
        self._writers: OrderedDict[tuple[int | None, int | None], Position] = OrderedDict()

    def saw(self, position: Position, at: float | None = None) -> None:
        """Note where the primary is now. The first place is the floor at once: how old a replica is cannot be known."""
        at = time.monotonic() if at is None else at
        self.latest = position
        self.floor = position if self.floor == START else self.floor
        self._seen.append((at, position))
        while self._seen and self._seen[0][0] <= at - self.lag_seconds_max:
            self.floor = self._seen.popleft()[1]

    def wrote(self, by: Principal, position: Position) -> None:
        """Note that `by` wrote before `position`. Strangers are all alike, so they are known by their tokens alone.

        Of two writes at once, the position that is told last may be the earlier one.
        """
        if by.user_id is None and by.api_key_id is None:
            return
        key = (by.user_id, by.api_key_id)
        self._writers[key] = max(position, self._writers.get(key, START))
        self._writers.move_to_end(key)
        if len(self._writers) > self.writers_max:
            self._writers.popitem(last=False)

    def needed(self, by: Principal, token: str | None) -> Position:
        """What a replica must have reached to answer `by`, who carries `token` or none; a bad one counts as none."""
        needed = self.floor
        if self._writers and (written := self._writers.get((by.user_id, by.api_key_id))) is not None:
            if written > needed:
                needed = written
            else:
                del self._writers[by.user_id, by.api_key_id]
        if token is not None:
            told = self.positions.read(token)
            if told is None:
                log.debug("position_ignored")
            elif told > needed:
                needed = told
        return needed
