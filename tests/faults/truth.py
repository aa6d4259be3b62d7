"""The truth: what the log of events and a fresh reading say, beside what each follower was told."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from typing import Any

import orjson

from app.kernel.event_log import LoggedEvent
from tests.faults.crowd import Crowd, Follower
from tests.faults.trading import Api
from tests.faults.world import World

SETTLE_SECONDS_MAX = 120
LOOK_SECONDS = 0.1
IDS_MAX = 100
UNPOSITIONED = """
SELECT count(*) FROM outbox_events AS event
WHERE event.id > $1 AND NOT EXISTS (SELECT FROM outbox_positions WHERE event_id = event.id)
"""
REACTED = "SELECT position FROM log_readers WHERE name = 'reactions'"
EVENTS = """
SELECT given.position, event.name, event.facts::text AS facts, event.transaction_id::text AS transaction_id, event.id,
    event.occurred_at
FROM outbox_positions AS given JOIN outbox_events AS event ON event.id = given.event_id
WHERE given.position > $1 ORDER BY given.position
"""


class Truth:
    """The log as the database has it, read on from where it was read before."""

    def __init__(self, world: World, api: Api) -> None:
        self.events: list[LoggedEvent] = []
        self._world = world
        self._api = api
        self._settled_id = 0
        self._read: defaultdict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        """What was read of objects since all came to rest, by what was selected and for whom."""

    async def catch_up(self) -> None:
        """Wait until every event has a position, and read the new ones, whose positions have no hole."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while (await self._world.in_database(UNPOSITIONED, self._settled_id))[0][0]:
            assert time.monotonic() < deadline, "events stay without a position"
            await asyncio.sleep(LOOK_SECONDS)
        rows = await self._world.in_database(EVENTS, len(self.events))
        self.events.extend(_event(row) for row in rows)
        self._settled_id = max([self._settled_id, *(row["id"] for row in rows)])
        assert [event.position for event in self.events] == list(range(1, len(self.events) + 1))

    def expected(self, follower: Follower) -> list[LoggedEvent]:
        """The events that a follower is to have been told."""
        wants, start = follower.topic.wants, follower.start
        return [event for event in self.events[start.position :] if wants(event, start)]

    async def require(self, crowd: Crowd) -> None:
        """Every follower comes to stand where the log does: with its events, and with what a fresh reading shows."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            await self.catch_up()
            self._read.clear()
            wrong = [said for follower in crowd.followers if (said := await self._wrong(follower))]
            if not wrong:
                break
            assert time.monotonic() < deadline, "\n".join(wrong)
            await asyncio.sleep(LOOK_SECONDS)
        await self._require_reactions(deadline)

    async def _wrong(self, follower: Follower) -> str | None:
        """What a follower was told wrongly, or not yet."""
        follower.check()
        expected = self.expected(follower)
        found, positions = follower.positions, [event.position for event in expected]
        if not follower.topic.conflates and found != positions:
            lacking, other = sorted(set(positions) - set(found)), sorted(set(found) - set(positions))
            twice = [position for position, times in Counter(found).items() if times > 1]
            said = f"{follower}: told {len(found)} events and not {len(positions)}; missing {lacking[:9]}"
            return f"{said}, not its own {other[:9]}, twice {twice[:9]}; ended by {dict(follower.ends)}"
        fresh = await self._fresh(follower, {follower.topic.key_of(event) for event in expected})
        wrong = [(told, fresh.get(key)) for key, told in follower.mirror.items() if told != fresh.get(key)]
        if wrong or len(fresh) != len(follower.mirror):
            missing = sorted(fresh.keys() - follower.mirror.keys())
            return f"{follower}: of objects, missing {missing[:3]}, told and read differently {wrong[:2]}"
        return None

    async def _fresh(self, follower: Follower, ids: set[str]) -> dict[str, Any]:
        """The objects with `ids` as the follower's caller reads them now; a stranger reads none by its id."""
        topic = follower.topic
        if topic.credential is None:
            return follower.mirror
        read = self._read[topic.reading, topic.credential]
        missing = sorted(ids - read.keys())
        for first in range(0, len(missing), IDS_MAX):
            asked = missing[first : first + IDS_MAX]
            answer = await self._api.ask(topic.reading, topic.credential, ids=asked)
            read.update(zip(asked, answer["nodes"], strict=True))
        return {key: shown for key in ids if (shown := read[key]) is not None}

    async def _require_reactions(self, deadline: float) -> None:
        """The workers have come to the end of the log, and no reaction failed."""
        while [row["position"] for row in await self._world.in_database(REACTED)] != [len(self.events)]:
            assert time.monotonic() < deadline, "the workers stand still"
            await asyncio.sleep(LOOK_SECONDS)
            await self.catch_up()
        assert await self._world.in_database("SELECT * FROM failed_reactions") == []


def _event(row: Any) -> LoggedEvent:
    """An event from its row."""
    return LoggedEvent(
        position=row["position"],
        name=row["name"],
        keys={},
        facts=orjson.loads(row["facts"]),
        actor={},
        occurred_at=row["occurred_at"],
        transaction_id=int(row["transaction_id"]),
    )
