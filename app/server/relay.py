"""The relay: gives every committed event the next dense position, and tells the processes that follow.

Any number of relays run; the one that holds an advisory lock leads, the others stand by. A round is one transaction:
it locks the log's row, finds the committed events that have no position yet, and positions them in the order of ids.
What it finds is exact. A snapshot tells which transactions it saw, so the next round needs to look only at events of
transactions that the last one did not see; a transaction that stays open for long delays nobody else's events.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import structlog
from prometheus_client import Counter, Gauge

from app.kernel import clock
from app.kernel.event_log import POSITIONS_CHANNEL, Snapshot
from app.kernel.identity import unguessable_token
from app.kernel.limits import DEFAULTS, Limits
from app.server import relay_sql as sql
from app.server.database import asyncpg_url
from app.server.enduring import for_ever
from app.server.retention import Retention
from app.server.wakeup import RELAY_CHANNEL, Unsubscribed, Wakeup

LEADER_LOCK = 0x1AD1_0001
POLL_SECONDS = 0.02
HEARTBEAT_SECONDS = 1.0
STAND_BY_SECONDS = 0.5
RETRY_SECONDS = (0.1, 2.0)
EPOCH_LENGTH = 16
NEW_CLUSTER = "new"
"""What the migration calls the cluster of a log that no relay has read: its epoch has begun, and goes on."""
CONNECTION_SETTINGS = {
    "application_name": "lading relay",
    "TimeZone": "UTC",
    "jit": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_custom_plan",
    "statement_timeout": "60000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""Statements look at the newest end of an index: a plan made for an unknown range would read the whole outbox."""
CONNECTION_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises where a connection ends, the last one where it ends in the middle of a statement."""

LEADS = Gauge("lading_relay_leads", "Whether this relay leads (1) or stands by (0).", multiprocess_mode="livesum")
POSITIONED = Counter("lading_relay_positioned_total", "Events that were given their position.")
WAITING = Gauge(
    "lading_relay_waiting_events",
    "Events that wait for a position, up to 100,000, as the leader last counted them.",
    multiprocess_mode="livesum",
)
FAILURES = Counter("lading_relay_failures_total", "Times that the relay lost its connection and began anew.")

Connect = Callable[[], Awaitable[asyncpg.Connection]]
Positioned = Mapping[str, Any]
"""An event and its position, with all that it tells as JSON."""
MESSAGE_BYTES_MAX = 256 * 1024
"""A message that would be larger tells no more of its events than whom they are for; readers read the rest."""

log = structlog.get_logger(__name__)


class EpochEnded(Exception):
    """The log's epoch was ended by another, by a restore; the relay begins anew."""


@dataclass
class Standing:
    """Where a leader stands: the log's epoch, its last position, and the snapshot in which nothing is left to do."""

    epoch: str
    last_position: int
    covered: str | None
    floor: Snapshot | None = field(init=False)

    def __post_init__(self) -> None:
        """Read the snapshot."""
        self.cover(self.covered)

    def cover(self, snapshot: str | None) -> None:
        """Take note that every event which `snapshot` sees has a position."""
        self.covered = snapshot
        self.floor = Snapshot.parse(snapshot) if snapshot else None


class Relay:
    """One relay: stands by until it leads, and goes on through every loss of its connection until it is stopped."""

    def __init__(self, connect: Connect, wakeup: Wakeup, *, limits: Limits = DEFAULTS) -> None:
        """Take connections of its own, never pooled ones, from `connect`, and tell over `wakeup`."""
        self._connect = connect
        self._wakeup = wakeup
        self._limits = limits
        self._stopping = asyncio.Event()
        self._rung = asyncio.Event()
        self._messages: asyncio.Queue[str] = asyncio.Queue(limits.relay_messages_waiting_max)
        self.leads = asyncio.Event()

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stopping.set()
        self._rung.set()

    async def run(self) -> None:
        """Stand by, lead, and begin anew after every failure, until stopped."""
        beside = [asyncio.create_task(each, name="relay") for each in (self._listen(), for_ever(self._tell, "relay"))]
        try:
            while not self._stopping.is_set():
                try:
                    await self._serve()
                except (*CONNECTION_FAILURES, EpochEnded) as error:
                    FAILURES.inc()
                    log.warning("relay_failed", error=str(error), kind=type(error).__name__)
                    await self._pause(random.uniform(*RETRY_SECONDS))  # noqa: S311
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)

    async def _serve(self) -> None:
        """Connect, wait to lead, and lead until stopped or disconnected."""
        connection = await self._connect()
        try:
            while not await connection.fetchval(sql.TRY_LEAD, LEADER_LOCK):
                await self._pause(STAND_BY_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311
                if self._stopping.is_set():
                    return
            log.info("relay_leads")
            self.leads.set()
            LEADS.set(1)
            await self._lead(connection)
        finally:
            self.leads.clear()
            LEADS.set(0)
            WAITING.set(0)
            await _close(connection)

    async def _lead(self, connection: asyncpg.Connection) -> None:
        """Position what is committed, over and over; first tell the tail, which the leader before may not have."""
        standing = await open_log(connection)
        self._say(standing, await self._tail(connection, standing))
        time = asyncio.get_running_loop().time
        told_at = counted_at = time()
        retention = Retention(self._limits)
        while not self._stopping.is_set():
            positioned = await self._round(connection, standing)
            if positioned or time() - told_at >= HEARTBEAT_SECONDS:
                self._say(standing, positioned)
                told_at = time()
            if time() - counted_at >= HEARTBEAT_SECONDS:
                WAITING.set(await connection.fetchval(sql.WAITING))
                counted_at = time()
            await retention.look(connection, time())
            if len(positioned) < self._limits.relay_batch_events_max:
                await self._rest(POLL_SECONDS)

    async def _round(self, connection: asyncpg.Connection, standing: Standing) -> list[Positioned]:
        """Position one batch. An idle round only looks, for writing each time would wear the log's row out."""
        if standing.floor is not None:
            search = (str(standing.floor.xmax), [str(each) for each in standing.floor.in_progress])
            epoch, snapshot, anything = await connection.fetchrow(sql.LOOK, *search)
            if epoch != standing.epoch:
                raise EpochEnded
            if not anything:
                standing.cover(snapshot)
                return []
        async with connection.transaction(isolation="read_committed"):
            return await self._position(connection, standing)

    async def _position(self, connection: asyncpg.Connection, standing: Standing) -> list[Positioned]:
        """Lock the log's row, position what has no position, and take note of how far the log is covered."""
        epoch, last_position, settled = await connection.fetchrow(sql.LOCK_LOG)
        if epoch != standing.epoch:
            raise EpochEnded
        batch = (last_position, clock.now(), self._limits.relay_batch_events_max)
        if standing.floor is None:
            rows = await connection.fetch(sql.POSITION_ALL, *batch, settled)
        else:
            floor = standing.floor
            rows = await connection.fetch(
                sql.POSITION_NEW, *batch, str(floor.xmax), [str(x) for x in floor.in_progress]
            )
        positioned = [row for row in rows if row["position"]]
        POSITIONED.inc(len(positioned))
        last_position = positioned[-1]["position"] if positioned else last_position
        whole = len(positioned) < self._limits.relay_batch_events_max
        covered = rows[0]["snapshot"] if whole else standing.covered
        await connection.execute(sql.ADVANCE_LOG, last_position, covered)
        standing.cover(covered)
        standing.last_position = last_position
        return positioned

    async def _tail(self, connection: asyncpg.Connection, standing: Standing) -> list[Positioned]:
        """The last batch of positions."""
        after = standing.last_position - self._limits.relay_batch_events_max
        return list(await connection.fetch(sql.TAIL, after))

    def _say(self, standing: Standing, positioned: list[Positioned]) -> None:
        """Have the positions told; where Redis does not keep up the message is dropped, for readers find the hole."""
        message: dict[str, Any] = {"epoch": standing.epoch, "last": standing.last_position}
        message["events"] = [(row["position"], row["name"], orjson.Fragment(row["keys"])) for row in positioned]
        if sum(len(row["facts"]) for row in positioned) <= MESSAGE_BYTES_MAX:
            message["details"] = [_details(row) for row in positioned]
        with suppress(asyncio.QueueFull):
            self._messages.put_nowait(orjson.dumps(message).decode())

    async def _tell(self) -> None:
        """Publish one message, apart from the rounds: a Redis that hangs must not hold up positions."""
        await self._wakeup.publish(POSITIONS_CHANNEL, await self._messages.get())

    async def _listen(self) -> None:
        """Wake the leader at each ring."""
        with suppress(Unsubscribed):
            async with self._wakeup.subscribe(RELAY_CHANNEL) as rings:
                while True:
                    await rings.next()
                    self._rung.set()

    async def _pause(self, seconds: float) -> None:
        """Wait for so long, or until the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _rest(self, seconds: float) -> None:
        """Wait for so long, or until a ring or the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        if not self._stopping.is_set():
            self._rung.clear()


async def open_log(connection: asyncpg.Connection) -> Standing:
    """Where the log stands; it is made at first, and begins a new epoch after a restore or a failover."""
    async with connection.transaction():
        cluster = await connection.fetchval(sql.CLUSTER)
        await connection.execute(sql.MAKE_LOG, _new_epoch(), cluster)
        epoch, known, last_position, covered = await connection.fetchrow(sql.READ_LOG)
        if known == NEW_CLUSTER:
            await connection.execute(sql.NAME_CLUSTER, cluster)
        elif known != cluster:
            epoch, covered = await begin_epoch(connection), None
            log.warning("log_epoch_begun", was=known, now=cluster)
    return Standing(epoch, last_position, covered)


async def begin_epoch(connection: asyncpg.Connection) -> str:
    """Begin a new epoch, in the transaction under way: every cursor given so far expires.

    Ids of transactions mean nothing in another cluster. Events that are here already belong to no transaction that a
    snapshot from now on could miss, so theirs are set to zero, which every snapshot has seen.
    """
    epoch = _new_epoch()
    await connection.execute(sql.FORGET_TRANSACTIONS)
    await connection.execute(sql.BEGIN_EPOCH, epoch, await connection.fetchval(sql.CLUSTER))
    return epoch


def connector(database_url: str) -> Connect:
    """Makes the relay's own connections to the database at `database_url`, which must not go through a pooler."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(asyncpg_url(database_url), server_settings=CONNECTION_SETTINGS, timeout=5)

    return connect


async def run_relay(database_url: str, wakeup: Wakeup, *, stop: asyncio.Event, limits: Limits = DEFAULTS) -> None:
    """Run one relay with `wakeup`, which it connects, until `stop` is set."""
    await wakeup.connect()
    relay = Relay(connector(database_url), wakeup, limits=limits)
    running = asyncio.create_task(relay.run(), name="relay")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        relay.stop()
        await asyncio.wait({running, stopping})
        await wakeup.disconnect()
    running.result()


async def _close(connection: asyncpg.Connection) -> None:
    """End a connection, also one that broke in the middle of a statement."""
    try:
        await connection.close(timeout=1)
    except CONNECTION_FAILURES:
        connection.terminate()


def _details(row: Positioned) -> tuple[Any, ...]:
    """What an event tells besides its name and keys."""
    facts, actor = orjson.Fragment(row["facts"]), orjson.Fragment(row["actor"])
    return facts, actor, row["occurred_at"], row["transaction_id"]


def _new_epoch() -> str:
    """A name for an epoch that no other will have."""
    return unguessable_token()[:EPOCH_LENGTH]
