"""Reading the log from the primary database: where it stands, what came after a position, and whole events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from app.kernel.event_log import LoggedEvent, LogState
from resolvers.reading.run import Connections

STATE = "SELECT epoch, last_position, pruned_position FROM outbox_log WHERE id = 1"
AFTER = """
SELECT log.epoch, log.last_position, log.pruned_position, next.position, next.name, next.keys
FROM outbox_log AS log
LEFT JOIN LATERAL (
    SELECT given.position, event.name, event.keys::text AS keys
    FROM outbox_positions AS given JOIN outbox_events AS event ON event.id = given.event_id
    WHERE given.position > $1 ORDER BY given.position LIMIT $2
) AS next ON true
WHERE log.id = 1 ORDER BY next.position
"""
WHOLE = """
SELECT given.position, event.name, event.keys::text AS keys, event.facts::text AS facts, event.actor::text AS actor,
    event.occurred_at, event.transaction_id::text AS transaction_id
FROM outbox_positions AS given JOIN outbox_events AS event ON event.id = given.event_id
"""
EVENTS = f"{WHOLE} WHERE given.position = ANY ($1::bigint[]) ORDER BY given.position"
MATCHING = f"""{WHOLE}
WHERE given.position > $1 AND given.position <= $2 AND event.name = ANY ($3::text[])
    AND event.facts @> ANY ($4::text[]::jsonb[]) AND event.actor @> $5::text::jsonb
ORDER BY given.position LIMIT $6
"""
NO_LOG = LogState(epoch="", last_position=0, pruned_position=0)
"""Before the first relay has run there is no log yet."""


@dataclass(slots=True)
class Placed:
    """One event in its place: enough to find who follows it, and the whole once it was read."""

    position: int
    name: str
    keys: Mapping[str, Any]
    whole: LoggedEvent | None = None


def placed_of(told: tuple[int, str, dict[str, Any]], details: Sequence[Any] | None) -> Placed:
    """An event as a message tells it: its position, name and keys, and where there was room for them, its details."""
    position, name, keys = told
    if details is None:
        return Placed(position, name, keys)
    facts, actor, occurred_at, transaction_id = details
    moment = datetime.fromisoformat(occurred_at)
    return Placed(position, name, keys, LoggedEvent(position, name, keys, facts, actor, moment, int(transaction_id)))


class Sought(Protocol):
    """Which events are sought."""

    @property
    def names(self) -> Sequence[str]:
        """What they are called."""

    @property
    def told(self) -> Sequence[Mapping[str, Any]]:
        """The alternatives of what they tell."""

    @property
    def actor(self) -> Mapping[str, int]:
        """What they tell of who did it."""


class Log:
    """The log as the primary database has it."""

    def __init__(self, primary: Connections) -> None:
        """Read through connections to the primary: a replica may lag behind what was told."""
        self._primary = primary

    async def state(self) -> LogState:
        """Where the log stands."""
        async with self._primary.acquire() as connection:
            row = await connection.fetchrow(STATE)
        return LogState(*row) if row else NO_LOG

    async def after(self, position: int, limit: int) -> tuple[LogState, list[Placed]]:
        """Where the log stands, and the next events after `position`, at most `limit`."""
        async with self._primary.acquire() as connection:
            rows = await connection.fetch(AFTER, position, limit)
        if not rows:
            return NO_LOG, []
        state = LogState(*tuple(rows[0])[:3])
        return state, [Placed(row[3], row[4], orjson.loads(row[5])) for row in rows if row[3] is not None]

    async def complete(self, placed: Sequence[Placed]) -> None:
        """Read the whole of those events that were not read yet, in one statement."""
        missing = {event.position: event for event in placed if event.whole is None}
        if missing:
            async with self._primary.acquire() as connection:
                rows = await connection.fetch(EVENTS, list(missing))
            for row in rows:
                missing[row["position"]].whole = _whole(row)

    async def matching(self, sought: Sought, *, after: int, until: int, limit: int) -> list[LoggedEvent]:
        """The events that are sought, after a position and until another."""
        told = [orjson.dumps(each).decode() for each in sought.told]
        wanted = (list(sought.names), told, orjson.dumps(sought.actor).decode())
        async with self._primary.acquire() as connection:
            rows = await connection.fetch(MATCHING, after, until, *wanted, limit)
        return [_whole(row) for row in rows]


def _whole(row: Any) -> LoggedEvent:
    """An event from its row."""
    return LoggedEvent(
        position=row["position"],
        name=row["name"],
        keys=orjson.loads(row["keys"]),
        facts=orjson.loads(row["facts"]),
        actor=orjson.loads(row["actor"]),
        occurred_at=row["occurred_at"],
        transaction_id=int(row["transaction_id"]),
    )
