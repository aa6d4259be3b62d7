"""How old an answer a caller may get: never older than its own writes, and for nobody older than is allowed."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

import structlog

from app.server.positions import AHEAD, START, Position, Positions

if TYPE_CHECKING:
    from app.kernel.limits import Limits
    from app.kernel.principal import Principal

Writer = tuple[int | None, int | None]
"""The ids of a user or a key."""

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
        self._writers: OrderedDict[Writer, Position] = OrderedDict()
        self._unplaced: OrderedDict[Writer, float] = OrderedDict()
        """Who wrote where the primary did not tell, and when that was noted."""

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
        if by.user_id is not None or by.api_key_id is not None:
            self._remember((by.user_id, by.api_key_id), position)

    def wrote_somewhere(self, by: Principal, at: float | None = None) -> None:
        """Note that `by` wrote, and that where is not known: no replica will do until the primary is asked again."""
        if by.user_id is not None or by.api_key_id is not None:
            self._unplaced[by.user_id, by.api_key_id] = time.monotonic() if at is None else at
            self._unplaced.move_to_end((by.user_id, by.api_key_id))
            if len(self._unplaced) > self.writers_max:
                self._unplaced.popitem(last=False)

    @property
    def lacks_places(self) -> bool:
        """Whether somebody wrote where the primary did not tell."""
        return bool(self._unplaced)

    def placed(self, position: Position, asked_at: float) -> None:
        """Note that all who had written by `asked_at` wrote before `position`."""
        for key in [key for key, at in self._unplaced.items() if at < asked_at]:
            del self._unplaced[key]
            self._remember(key, position)

    def needed(self, by: Principal, token: str | None) -> Position:
        """What a replica must have reached to answer `by`, who carries `token` or none; a bad one counts as none."""
        needed = self.floor
        if self._unplaced and (by.user_id, by.api_key_id) in self._unplaced:
            return AHEAD
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

    def _remember(self, key: Writer, position: Position) -> None:
        self._writers[key] = max(position, self._writers.get(key, START))
        self._writers.move_to_end(key)
        if len(self._writers) > self.writers_max:
            self._writers.popitem(last=False)
