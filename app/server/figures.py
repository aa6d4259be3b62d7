"""Figures of following for Prometheus, taken once a second from plain numbers, and whenever somebody asks.

Each of several processes that share a port writes its own, for whichever is asked tells those of all.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from prometheus_client import Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import mark_process_dead

from app.server.enduring import outlived
from app.server.failure import Failure
from resolvers.following.counts import counts

if TYPE_CHECKING:
    from resolvers.following.run import Following

TAKEN_EVERY_SECONDS = 1.0

FOLLOWERS = Gauge("lading_followers", "Subscriptions that are followed.", multiprocess_mode="livesum")
COHORTS = Gauge("lading_cohorts", "Groups of followers who are told the same bytes.", multiprocess_mode="livesum")
SOCKETS = Gauge("lading_websockets_open", "WebSockets that are open.", multiprocess_mode="livesum")
STREAMS = Gauge("lading_event_streams_open", "Event streams that are open.", multiprocess_mode="livesum")
LAG = Gauge(
    "lading_follow_lag_positions",
    "Events of the log that a process knows of and has not handed to its followers, in the worst process.",
    multiprocess_mode="livemax",
)
SILENCE = Gauge(
    "lading_follow_silence_seconds",
    "For how long nothing was heard of the relay, in the worst process.",
    multiprocess_mode="livemax",
)
LATEST = Histogram(
    "lading_follow_latest_seconds",
    "Of each second in which anything was told, the longest time from an event to its telling.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
DELIVERIES = Counter("lading_follow_deliveries_total", "Events that were handed to followers, for each of them.")
CONFLATED = Counter("lading_follow_conflated_total", "States that a newer one superseded before a follower took them.")
TOO_SLOW = Counter("lading_follow_too_slow_total", "Followers that were let go because they did not keep up.")
EXPIRED = Counter("lading_follow_cursors_expired_total", "Followers that were told that their cursor has expired.")
CATCH_UPS = Counter("lading_follow_catch_ups_total", "Readings of the log from the database, by polling too.")
GAPS = Counter("lading_follow_gaps_total", "Times that messages of the relay were missing or did not join.")


class Tally(NamedTuple):
    """A counter, and the plain number that it follows."""

    counter: Counter
    name: str


TALLIES = (
    Tally(DELIVERIES, "deliveries"),
    Tally(CONFLATED, "conflated"),
    Tally(TOO_SLOW, "too_slow"),
    Tally(EXPIRED, "cursors_expired"),
    Tally(CATCH_UPS, "catch_ups"),
    Tally(GAPS, "gaps"),
)


class Open(Protocol):
    """What is open for callers."""

    @property
    def open(self) -> Sized:
        """All of it."""


class Figures:
    """Takes the figures of one process that serves."""

    def __init__(self, following: Following, *, sockets: Open, streams: Open) -> None:
        """Take those of `following` and of all that is open."""
        self._following = following
        self._sockets = sockets
        self._streams = streams
        self._taken = dict.fromkeys((tally.name for tally in TALLIES), 0)

    def take(self) -> None:
        """Bring every figure up to date."""
        following = self._following
        FOLLOWERS.set(following.routes.followers)
        COHORTS.set(len(following.routes))
        SOCKETS.set(len(self._sockets.open))
        STREAMS.set(len(self._streams.open))
        LAG.set(max(0, following.tail.known - following.dispatched))
        SILENCE.set(time.monotonic() - following.tail.heard_at)
        for counter, name in TALLIES:
            number = getattr(counts, name)
            counter.inc(number - self._taken[name])
            self._taken[name] = number
        if (latest := counts.take_latest()) is not None:
            LATEST.observe(latest)

    async def run(self) -> None:
        """Take them again and again, until cancelled."""
        while True:
            with outlived("figures"):
                self.take()
            await asyncio.sleep(TAKEN_EVERY_SECONDS)


def tell_figures(host: str, port: int | None) -> None:
    """Tell the figures of a process that serves nothing else at `port` of `host`; without a port, to nobody."""
    if port is None:
        return
    try:
        start_http_server(port, host)
    except OSError as refused:
        reason = refused.strerror or refused
        message = f"{host} port {port} cannot be listened on ({reason}); choose another by LADING_METRICS_PORT."
        raise Failure(message) from refused


def forget_dead(folder: Path) -> None:
    """Take the figures of processes that have ended out of those that are summed up."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*_*.db")}:
        if not _lives(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
