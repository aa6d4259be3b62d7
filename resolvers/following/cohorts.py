"""Cohorts: followers of the same events with the same payload. Events reach them by key, and are read once for all."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from operator import or_
from typing import Any

import structlog

from app.kernel.ending import to_its_end
from app.kernel.event_log import LoggedEvent
from app.kernel.limits import Limits
from resolvers.errors import RequestError, fault
from resolvers.following.counts import counts
from resolvers.following.followers import Delivery, Follower, Reason, TooSlow
from resolvers.following.payloads import AnyPayload
from resolvers.following.tail import DATABASE_FAILURES, RETRY_SECONDS, passes
from resolvers.following.turns import Slots, Turns

log = structlog.get_logger(__name__)

Place = tuple[Any, ...]
"""The name of an event, or its name, one of its keys and a value of that."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The `values` of which events must tell one as `fact`."""

    fact: str
    values: frozenset[Any]
    of_several: bool = False
    """Whether events tell several values as the fact."""
    is_key: bool = True
    """Whether the fact is among the keys of every event followed."""

    def told_by(self, facts: Mapping[str, Any]) -> bool:
        """Whether `facts` tell one of the values."""
        return not self.values.isdisjoint(each_of(facts.get(self.fact)))

    @property
    def told(self) -> list[dict[str, Any]]:
        """What an event tells, for each of the values."""
        return [{self.fact: [value] if self.of_several else value} for value in self.values]


@dataclass(frozen=True, slots=True)
class Route:
    """Which events a follower follows: their names, and what they must tell."""

    names: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    by: tuple[str, int] | None = None
    """Who must have done it: what events call its key, and the key."""

    @property
    def actor(self) -> dict[str, int]:
        """What events must tell of who did it."""
        return dict([self.by]) if self.by else {}

    @property
    def places(self) -> list[Place]:
        """Where events find it without trying each route: by the first key that is wanted, or by their name alone."""
        key = next((each for each in self.wanted if each.is_key), None)
        if key is None:
            return [(name,) for name in self.names]
        return [(name, key.fact, value) for name in self.names for value in key.values]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The alternatives of what events tell that are wanted: each of all values beside each."""
        return [reduce(or_, each, {}) for each in product(*(wanted.told for wanted in self.wanted))]

    def leads_to(self, name: str, keys: Mapping[str, Any]) -> bool:
        """Whether an event may be followed, as far as its name and keys tell."""
        return name in self.names and all(each.told_by(keys) for each in self.wanted if each.is_key)

    def wants(self, event: LoggedEvent) -> bool:
        """Whether an event tells all that is wanted, and was done by whom it is wanted of."""
        is_by = self.by is None or event.actor.get(self.by[0]) == self.by[1]
        return is_by and all(each.told_by(event.facts) for each in self.wanted)


class SharedReading:
    """One payload, read once for an event however many follow it, in the order of the log."""

    def __init__(self, payload: AnyPayload, limits: Limits, slots: Slots, turns: Turns) -> None:
        """Read `payload` when there is a slot for its caller, and hand it on by `turns` with all others."""
        self.payload = payload
        self.cohorts: set[Cohort] = set()
        self._limits = limits
        self._slots = slots
        self._turns = turns
        self._batch_max = batch_of(payload, limits)
        self._pending: deque[tuple[LoggedEvent, Cohort, str]] = deque()
        self._at: int | None = None
        self._working: asyncio.Task[None] | None = None

    def push(self, event: LoggedEvent, cohort: Cohort, epoch: str) -> None:
        """Deliver `event` to the followers of `cohort`, soon; where too much waits, they are let go."""
        if len(self._pending) >= self._limits.follow_waiting_events_max:
            self._end(TooSlow)
            return
        self._pending.append((event, cohort, epoch))
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="shared reading")

    def settled(self, position: int) -> int:
        """Up to where everything was delivered, when the process stands at `position`."""
        at = self._at if self._at is not None else self._pending[0][0].position if self._pending else None
        return position if at is None else at - 1

    def forget(self) -> None:
        """Deliver nothing of what waits: it is of a log that is no more."""
        self._pending.clear()

    async def close(self) -> None:
        """Read no longer."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    async def _work(self) -> None:
        """Deliver what waits, batch by batch, then end until there is more."""
        try:
            while self._pending:
                size = min(len(self._pending), self._batch_max)
                batch = [self._pending.popleft() for _ in range(size)]
                self._at = batch[0][0].position
                deliveries = await self._read(batch)
                for event, cohort, _ in batch:
                    await self._hand_on(cohort, deliveries.get(event.position))
                counts.told(batch[0][0].occurred_at)
                self._at = None
        except Exception as error:  # noqa: BLE001
            refused = error if isinstance(error, RequestError) else None
            told = refused.formatted if refused else fault(error)
            self._end(lambda cursor: _with_cursor(told, cursor))
        finally:
            self._at = None
            self._working = None

    async def _read(self, batch: list[tuple[LoggedEvent, Cohort, str]]) -> dict[int, Delivery]:
        """Read a batch in one statement; while the database is away, try again."""
        events = list({event.position: event for event, _, _ in batch}.values())
        while True:
            try:
                async with self._slots.taken(caller_of(self.payload)):
                    return await to_its_end(self.payload.deliveries(events, batch[0][2]))
            except DATABASE_FAILURES as error:
                if not passes(error):
                    raise
                log.warning("reading_waits", error=str(error), kind=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _hand_on(self, cohort: Cohort, delivery: Delivery | None) -> None:
        """Hand a delivery to every follower of a cohort; none where the object is hidden from them."""
        if delivery is None:
            return
        counts.deliveries += len(cohort.followers)
        for follower in list(cohort.followers):
            await self._turns.given()
            if follower in cohort.followers:
                follower.offer(delivery)

    def _end(self, reason: Reason) -> None:
        """End every follower, and forget what waits."""
        self._pending.clear()
        for cohort in self.cohorts:
            for follower in list(cohort.followers):
                follower.end(reason)


@dataclass(eq=False, slots=True)
class Cohort:
    """The followers of one route and one payload."""

    route: Route
    reading: SharedReading
    followers: dict[Follower, None] = field(default_factory=dict)


class Routes:
    """Every cohort of this process, found by the names and keys of events without trying each."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.slots = Slots(limits.follow_reads_max)
        self.turns = Turns()
        self._readings: dict[Any, SharedReading] = {}
        self._cohorts: dict[Any, Cohort] = {}
        self._at: dict[Place, set[Cohort]] = defaultdict(set)

    def join(self, follower: Follower, route: Route, payload: AnyPayload) -> Cohort:
        """Add a follower; the first of its cohort begins it."""
        reading_key = payload.key
        key = (reading_key, route)
        cohort = self._cohorts.get(key)
        if cohort is None:
            reading = self._readings.get(reading_key)
            if reading is None:
                reading = self._readings[reading_key] = SharedReading(payload, self._limits, self.slots, self.turns)
            cohort = self._cohorts[reading.payload.key, route] = Cohort(route, reading)
            reading.cohorts.add(cohort)
            for place in route.places:
                self._at[place].add(cohort)
        cohort.followers[follower] = None
        return cohort

    async def leave(self, follower: Follower, cohort: Cohort) -> None:
        """Remove a follower; the last of its cohort ends it, and what nobody follows is read no longer."""
        cohort.followers.pop(follower, None)
        if cohort.followers:
            return
        reading, reading_key = cohort.reading, cohort.reading.payload.key
        if self._cohorts.pop((reading_key, cohort.route), None) is None:
            return
        self._forget(cohort)
        reading.cohorts.discard(cohort)
        if not reading.cohorts:
            del self._readings[reading_key]
            await reading.close()

    def of(self, name: str, keys: Mapping[str, Any]) -> list[Cohort]:
        """The cohorts that may follow an event, as far as its name and keys tell."""
        found = list(self._at.get((name,), ()))
        for key, told in keys.items():
            for value in each_of(told):
                found.extend(self._at.get((name, key, value), ()))
        return [cohort for cohort in dict.fromkeys(found) if cohort.route.leads_to(name, keys)]

    def forget(self) -> None:
        """Deliver nothing of what waits to be read."""
        for reading in self._readings.values():
            reading.forget()

    def everyone(self) -> list[Follower]:
        """Every follower of this process."""
        return [follower for cohort in self._cohorts.values() for follower in cohort.followers]

    @property
    def followers(self) -> int:
        """How many followers there are."""
        return sum(len(cohort.followers) for cohort in self._cohorts.values())

    def __len__(self) -> int:
        return len(self._cohorts)

    def _forget(self, cohort: Cohort) -> None:
        """Take a cohort from where it is found, and the places that are empty then."""
        for place in cohort.route.places:
            self._at[place].discard(cohort)
            if not self._at[place]:
                del self._at[place]


def each_of(told: Any) -> Sequence[Any]:
    """The values that an event tells as one fact."""
    return told if isinstance(told, list) else (told,)


def batch_of(payload: AnyPayload, limits: Limits) -> int:
    """Of how many events a payload is read in one statement: of fewer where each costs much."""
    return max(1, min(limits.follow_batch_events_max, limits.follow_batch_cost_max // max(1, payload.cost)))


def caller_of(payload: AnyPayload) -> Hashable:
    """For whom a payload is read, as callers take turns: a key, a user, or all strangers together."""
    return payload.principal.api_key_id, payload.principal.user_id


def _with_cursor(told: Mapping[str, Any], cursor: str) -> RequestError:
    """An error as a follower is told it: with the cursor to go on from."""
    extensions = {**told["extensions"], "cursor": cursor}
    return RequestError(extensions.pop("code"), told["message"], **extensions)
