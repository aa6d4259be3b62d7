"""Reading from a replica, which may lag behind: never what the caller would miss, and never longer than it answers.

Each connection remembers how far its own server had come when it was last asked, for behind one address there may be
several servers. So a server is asked only when somebody needs a position that it was not yet seen to have reached.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from app.server.lending import Lender
from app.server.positions import AHEAD, START, Position

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from app.kernel.principal import Principal
    from app.server.staleness import Staleness

LOOK_SECONDS = 5
"""So often both servers are asked how far they are."""
RETRY_SECONDS = 0.25
"""So soon a replica that failed is tried again at first; each further time it takes twice as long."""
ANSWER_SECONDS_MAX = 3
AWAY = "does not answer"

SYSTEM_SQL = "SELECT system_identifier FROM pg_control_system()"
_LOG = "SELECT pg_walfile_name(at) AS file, (at - '0/0')::bigint AS lsn FROM (SELECT {} AS at) AS log"
FLUSHED_SQL = _LOG.format("pg_current_wal_flush_lsn()")
"""What replicas can have by now."""
COMMITTED_SQL = _LOG.format(
    "CASE WHEN current_setting('synchronous_commit') = 'off'"
    " THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END"
)
"""What every commit that was answered lies before: it is on the disk, unless commits are answered sooner."""
REACHED_SQL = """
SELECT pg_is_in_recovery() AS replays,
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint
        AS lsn,
    CASE WHEN pg_is_in_recovery()
        THEN (SELECT greatest(timeline_id, min_recovery_end_timeline)
            FROM pg_control_checkpoint(), pg_control_recovery())
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END AS timeline
"""
"""How far a server has come. A replica knows its timeline late, and so reads less after a promotion, never too much."""

READS = Counter("lading_replica_reads_total", "Readings that a replica may answer, and who did.", ["server", "reason"])
BEHIND = Gauge(
    "lading_replica_behind_bytes", "How much of the log the replica lacked when last seen.", multiprocess_mode="max"
)
FRESH = READS.labels("replica", "fresh")
POSITION = READS.labels("primary", "position")
LAG = READS.labels("primary", "lag")
FAULT = READS.labels("primary", "fault")

log = structlog.get_logger(__name__)


class StandbyConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that remembers how far its server had come when it was last asked."""

    __slots__ = ("reached",)


class AnotherSystem(Exception):
    """The replica is none of this primary's."""


class TooOld(Exception):
    """The replica has not come as far as a reading needs; the reason is counted."""

    def __init__(self, reason: Counter) -> None:
        self.reason = reason


FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, AnotherSystem)
DOWN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    AnotherSystem,
)
"""Faults of the server and not of one statement on it, such as a conflict with what it replays.

An internal error of asyncpg is how it tells of a server whose farewell reached a connection that was idle.
"""


class Replica:
    """Answers readings from the replica, and from the primary where that lacks something, lags or fails."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[StandbyConnection]],
        size: int,
        *,
        primary: Lender,
        staleness: Staleness,
        retry_seconds_max: float,
    ) -> None:
        """Read by up to `size` connections that `connect` opens, else by those of `primary`."""
        self.primary = primary
        self.staleness = staleness
        self.retry_seconds_max = retry_seconds_max
        self.state = "not seen yet"
        self.answers = False
        self._connect = connect
        self._standby = Lender(self._connected, size)
        self._reading: set[StandbyConnection] = set()
        self._looking: StandbyConnection | None = None
        self._failed = asyncio.Event()

    async def fetchrow(self, text: str, values: Sequence[Any], *, by: Principal, after: str | None) -> Any:
        """The one row of a statement, with what `by` wrote here, and all before the position of the token `after`."""
        reason = FAULT
        if self.answers:
            try:
                return await self._replicated(text, values, self.staleness.needed(by, after))
            except asyncpg.QueryCanceledError:
                raise
            except TooOld as too_old:
                reason = too_old.reason
            except FAULTS as fault:
                self._note(fault)
        reason.inc()
        async with self.primary.acquire() as connection:
            return await connection.fetchrow(text, *values)

    async def written(self, by: Principal) -> str:
        """Note that `by` has just written; the token by which other processes know it too.

        Where the primary does not tell its position, no replica answers those who carry that token, for as long as it
        lasts, nor `by` until the next look.
        """
        try:
            position = await self._position(COMMITTED_SQL)
        except FAULTS as fault:
            log.warning("position_unknown", error=str(fault) or type(fault).__name__)
            self.staleness.wrote_somewhere(by)
            return self.staleness.positions.signed(AHEAD)
        self.staleness.wrote(by, position)
        return self.staleness.positions.signed(position)

    async def watch(self) -> None:
        """Look after both servers for ever: now and then while all is well, and ever more seldom while it is not."""
        delay = RETRY_SECONDS
        while True:
            if self.answers and not await self._fails_within(LOOK_SECONDS):
                delay = RETRY_SECONDS
            else:
                await asyncio.sleep(delay)
                delay = min(2 * delay, self.retry_seconds_max)
            try:
                await self.look()
            except Exception as fault:
                log.exception("replica_look_failed")
                self._give_up(fault)

    async def look(self) -> None:
        """See how far both servers are. A replica that does not answer in time is left alone until it does."""
        with suppress(*FAULTS):
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                self.staleness.saw(await self._position(FLUSHED_SQL))
                if self.staleness.lacks_places:
                    asked_at = time.monotonic()
                    self.staleness.placed(await self._position(COMMITTED_SQL), asked_at)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                if self._looking is None or self._looking.is_closed():
                    self._looking = await self._connected()
                await self._ask(self._looking)
        except FAULTS as fault:
            self._give_up(fault)
        else:
            self._take_up(self._looking.reached)

    async def close(self) -> None:
        """Close every connection to the replica."""
        if self._looking is not None:
            self._looking.terminate()
        await self._standby.close()

    async def _replicated(self, text: str, values: Sequence[Any], needed: Position) -> Any:
        """The row as the replica has it; TooOld where it has not reached what is needed."""
        async with self._standby.acquire() as connection:
            self._reading.add(connection)
            try:
                if not connection.reached.covers(needed):
                    await self._ask(connection)
                    if not connection.reached.covers(needed):
                        raise TooOld(POSITION if connection.reached.covers(self.staleness.floor) else LAG)
                row = await connection.fetchrow(text, *values)
            except Exception as fault:
                if connection.is_closed() and not isinstance(fault, FAULTS):
                    # Ended between two steps of asyncpg's, where it expects its own parts to be there still.
                    raise ConnectionResetError("the connection was ended") from fault
                raise
            finally:
                self._reading.discard(connection)
        FRESH.inc()
        return row

    async def _connected(self) -> StandbyConnection:
        """A new connection to a server that replays what our primary writes."""
        connection = await self._connect()
        connection.reached = START
        try:
            system, ours = await connection.fetchval(SYSTEM_SQL), self.staleness.positions.system
            if system != ours:
                raise AnotherSystem(f"DATABASE_READ_URL is of the cluster {system}, and DATABASE_URL of {ours}.")
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _ask(self, connection: StandbyConnection) -> None:
        """Note how far the server of a connection is; one that was promoted beside our primary counts for nothing."""
        row = await connection.fetchrow(REACHED_SQL)
        ours = row["replays"] or row["timeline"] == self.staleness.latest.timeline
        connection.reached = Position(row["timeline"], row["lsn"]) if ours else START

    async def _position(self, statement: str) -> Position:
        """Where the primary is."""
        (row,) = await self.primary.fetch(statement)
        return Position(int(row["file"][:8], 16), row["lsn"])

    async def _fails_within(self, seconds: float) -> bool:
        """Whether a reading notes a fault of the server before so long."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._failed.wait(), seconds)
        return False

    def _note(self, fault: Exception) -> None:
        """Note that a reading failed on the replica; where it is the server's fault, no other is tried for a while."""
        if isinstance(fault, DOWN) and not isinstance(fault, ValueError):
            self._give_up(fault)
        else:
            log.info("replica_refused_reading", error=str(fault))

    def _give_up(self, fault: Exception) -> None:
        """Read nothing there any more; who still waits for an answer there is answered by the primary."""
        news = self.state != AWAY
        (log.warning if news else log.debug)("replica_does_not_answer", error=str(fault) or type(fault).__name__)
        self.answers, self.state = False, AWAY
        self._failed.set()
        for connection in [*self._reading, *filter(None, [self._looking])]:
            connection.terminate()
        self._standby.drop_idle()

    def _take_up(self, reached: Position) -> None:
        """Read there again."""
        if not self.answers:
            log.info("replica_answers")
        self._failed.clear()
        BEHIND.set(max(0, self.staleness.latest.lsn - reached.lsn))
        self.answers = True
        self.state = "ok" if reached.covers(self.staleness.floor) else "lags"
