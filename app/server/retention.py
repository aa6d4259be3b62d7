"""Retention of positions: the oldest go once they were kept for long enough and no reader of ours needs them.

One who has a cursor before them is told that it has expired. A reader that stands still holds them back, and a figure
says so; in the end they go all the same, for a log that grows without end would stop everybody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter, Gauge

from app.kernel import clock
from app.server import relay_sql as sql

if TYPE_CHECKING:
    import asyncpg

    from app.kernel.limits import Limits

PRUNE_SECONDS = 60.0
AGAIN_SECONDS = 1.0
"""So soon the next batch goes where one was full; a batch is short, for no event gets its position meanwhile."""
PRUNED = Counter("lading_relay_pruned_total", "Positions that were kept for long enough and let go.")
BEHIND = Gauge(
    "lading_relay_readers_behind_events",
    "Events that the slowest of our own readers of the log has still to read; they are kept for it.",
    multiprocess_mode="livesum",
)
PASSED = Counter(
    "lading_relay_readers_passed_total", "Times that positions went though one of our readers lacked them."
)

log = structlog.get_logger(__name__)


class Retention:
    """Lets go of positions for the relay that leads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._due = 0.0

    async def look(self, connection: asyncpg.Connection, now: float) -> None:
        """Let a batch go where it is time, by a clock that says `now`."""
        if now >= self._due:
            full = await self.prune(connection)
            self._due = now + (AGAIN_SECONDS if full else PRUNE_SECONDS)

    async def prune(self, connection: asyncpg.Connection) -> bool:
        """Let one batch of positions go; whether there may be more."""
        now, batch = clock.now(), self._limits.prune_batch_positions
        before = now - timedelta(hours=self._limits.position_retention_hours)
        at_last = now - timedelta(hours=self._limits.position_held_hours_max)
        async with connection.transaction():
            begins = await connection.fetchval(sql.LOCK_PRUNED)
            row = await connection.fetchrow(sql.PRUNE, before, batch, min(before, at_last), begins)
        gone, passed = row or (0, False)
        PRUNED.inc(gone)
        BEHIND.set(await connection.fetchval(sql.READERS_BEHIND))
        if passed:
            PASSED.inc()
            log.error("log_readers_passed", hours=self._limits.position_held_hours_max, positions=gone)
        return bool(gone == batch)
