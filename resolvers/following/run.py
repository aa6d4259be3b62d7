"""Following: starting, resuming and ending subscriptions, and handing each event of the log to those who follow it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.values import get_argument_values

from app.kernel.ending import to_its_end
from app.kernel.event_log import ACTORS, Cursor, LoggedEvent, decode_cursor
from app.kernel.identity import decode_id
from app.kernel.limits import Limits
from app.kernel.outbox import as_json
from app.kernel.principal import ANONYMOUS, Principal
from app.kernel.visibility import Visibility
from resolvers.errors import RequestError, not_found
from resolvers.following.cohorts import Cohort, Route, Routes, Wanted, batch_of, caller_of
from resolvers.following.followers import CursorExpired, Delivery, Follower, SendNow
from resolvers.following.log import Log, Placed
from resolvers.following.payloads import AnyPayload, Viewer, payload_of
from resolvers.following.tail import DATABASE_FAILURES, RETRY_SECONDS, Tail, Wakeup, passes
from resolvers.reading.decoding import keys_to_match
from resolvers.reading.documents import Operation
from resolvers.reading.run import Reading
from schema.feed import SUBJECTS, Feed
from schema.names import camel, pascal
from schema.operations import ACTOR_ID, KINDS, Filter, Subscription, id_target

SCAN_POSITIONS_MAX = 50_000
"""How much of the log one statement looks through for a follower who was away for long."""

Watcher = Callable[[Placed], None]
Told = tuple[bytes, int]
"""A response, and the position at or below which its reader was told everything."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one subscription operation asks for."""

    payload: AnyPayload
    route: Route
    conflates: bool
    after: str | None
    token: str | None
    """What opens the row that is followed, to a stranger; the route leads to it once the token was looked up."""


class Stream:
    """One subscription as it is read: a whole GraphQL response as JSON for each event, until it is closed."""

    __slots__ = (
        "_after",
        "_ended",
        "_following",
        "_responses",
        "_start",
        "_told_at",
        "cohort",
        "follower",
        "send_now",
    )

    def __init__(self, following: Following, asked: Asked) -> None:
        self._following = following
        self._after = asked.after
        self._responses = following.responses(asked, self)
        self._start: Cursor | None = None
        self._told_at: int | None = None
        self._ended: Exception | None = None
        self.follower: Follower | None = None
        self.cohort: Cohort | None = None
        self.send_now: SendNow | None = None
        """Sends to the reader while it waits, once the stream has caught up; the reader then is not told of it."""

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        body, self._told_at = await anext(self._responses)
        return body

    async def start(self) -> Cursor:
        """Where the stream begins, settled once; CursorExpired where nothing can begin there."""
        if self._start is None:
            self._start = await to_its_end(self._following.start_after(self._after))
        return self._start

    @property
    def cursor(self) -> str | None:
        """Where a reader stands that was told no more than the last response; None before the stream has begun."""
        if self._start is None:
            return None
        position = self._start.position if self._told_at is None else self._told_at
        return Cursor(self._start.epoch, position, self._start.snapshot).encode()

    @property
    def idle_cursor(self) -> str | None:
        """Where a reader stands that has taken everything so far; None while there is more to take."""
        if self.follower is None or self.cohort is None or not self.follower.idle:
            return None
        position = self.cohort.reading.settled(self._following.dispatched)
        self.follower.delivered_at = max(self.follower.delivered_at, position)
        return self.follower.cursor

    def end(self, reason: Exception) -> None:
        """End the stream: its reader gets what waits, then `reason`."""
        self._ended = reason
        if self.follower is not None:
            self.follower.end(reason)

    def join(self, follower: Follower, cohort: Cohort) -> None:
        """Be told by `follower` of `cohort` from now on; it ends where the stream was ended already."""
        self.follower, self.cohort = follower, cohort
        follower.send_now = self.send_now
        if self._ended is not None:
            follower.end(self._ended)

    async def aclose(self) -> None:
        """Follow no longer."""
        await self._responses.aclose()


class Following:
    """Answers subscriptions in one process."""

    def __init__(self, reading: Reading, event_log: Log, wakeup: Wakeup, limits: Limits) -> None:
        """Follow `event_log`, woken by `wakeup`, and read what followers select through `reading`."""
        self.reading = reading
        self.limits = limits
        self.log = event_log
        self.routes = Routes(limits)
        self.tail = Tail(event_log, wakeup, limits, deliver=self._deliver, renewed=self._expire)
        self.dispatched = 0
        self._watchers: dict[str, list[Watcher]] = defaultdict(list)

    async def start(self) -> None:
        """Stand at the end of the log."""
        await self.tail.start()
        self.dispatched = self.tail.position

    async def stop(self) -> None:
        """Follow the log no longer."""
        await self.tail.stop()

    def watch(self, name: str, watcher: Watcher) -> None:
        """Have `watcher` called in this process at each event called `name`."""
        self._watchers[name].append(watcher)

    def follow(self, operation: Operation, principal: Principal, *, after: str | None = None) -> Stream:
        """The stream of one subscription, `after` before its own argument; RequestError where it may not be."""
        asked = self.asked(self.reading, operation, principal)
        return Stream(self, asked if after is None else replace(asked, after=after))

    async def responses(self, asked: Asked, stream: Stream) -> AsyncGenerator[Told, None]:
        """Every event asked for: first those that were missed, then each as it happens."""
        asked = await to_its_end(self._opened(asked))
        start = await stream.start()
        follower = self._follower(start, conflates=asked.conflates)
        position, batch = start.position, self.limits.follow_batch_events_max
        while self.tail.position - position > batch:
            position, missed = await to_its_end(self._missed(asked, follower, position, self.tail.position))
            for told in missed:
                yield told
        if start.epoch != self.tail.epoch:
            raise CursorExpired
        follower.joined_at = max(position, self.tail.position)
        cohort = self.routes.join(follower, asked.route, asked.payload)
        asked = replace(asked, route=cohort.route, payload=cohort.reading.payload)
        stream.join(follower, cohort)
        try:
            _, missed = await to_its_end(self._missed(asked, follower, position, follower.joined_at))
            for told in missed:
                yield told
            while True:
                yield await follower.next(), follower.delivered_at
        finally:
            await self.routes.leave(follower, cohort)

    def _follower(self, start: Cursor, *, conflates: bool) -> Follower:
        """A follower with a buffer of the size there is."""
        limits = self.limits
        buffer_max, bytes_max = limits.follower_buffer_events_max, limits.follower_buffer_bytes_max
        return Follower(start, conflates=conflates, buffer_max=buffer_max, bytes_max=bytes_max)

    async def _opened(self, asked: Asked) -> Asked:
        """What is asked for, with the row that a token opens; RequestError where it opens none."""
        opened = asked.payload.subscription.follow.token
        if asked.token is None or opened is None:
            return asked
        key = await self.reading.key_of_token(opened, asked.token)
        if key is None:
            node = pascal(opened.fact.removesuffix("_id"))
            raise RequestError("NOT_FOUND", not_found("", node)["message"])
        wanted = (Wanted(opened.fact, frozenset([key])), *asked.route.wanted)
        return replace(asked, route=replace(asked.route, wanted=wanted))

    async def start_after(self, after: str | None) -> Cursor:
        """Where to begin: now, or after a cursor, which must be one of this log and not too old."""
        if after is None:
            return Cursor(self.tail.epoch, self.tail.position)
        cursor, state = decode_cursor(after), await self.log.state()
        if cursor is None or cursor.epoch != state.epoch:
            raise CursorExpired
        if not state.pruned_position <= cursor.position <= state.last_position:
            raise CursorExpired
        return cursor

    async def _between(self, route: Route, epoch: str, after: int, until: int) -> tuple[int, list[LoggedEvent]]:
        """A batch of what a route leads to, after one position and until another, and how far it goes.

        It is taken from what is at hand, or read. CursorExpired where some of it went meanwhile: who reads a long way
        behind may be overtaken.
        """
        batch = self.limits.follow_batch_events_max
        recent = self.tail.recent(after, min(until, after + batch))
        if recent is None:
            until = min(until, after + SCAN_POSITIONS_MAX)
            events = await self.log.matching(route, after=after, until=until, limit=batch)
            state = await self.log.state()
            if state.pruned_position > after or state.epoch != epoch:
                raise CursorExpired
            return events[-1].position if len(events) == batch else until, events
        found = [event for event in recent if route.leads_to(event.name, event.keys)]
        await self.log.complete(found)
        return min(until, after + batch), [event.whole for event in found if event.whole is not None]

    async def _missed(self, asked: Asked, follower: Follower, after: int, until: int) -> tuple[int, list[Told]]:
        """How far the next batch of events goes that were there before a follower joined, and what is told of them."""
        slots, caller = self.routes.slots, caller_of(asked.payload)
        async with slots.taken(caller):
            position, events = await self._between(asked.route, follower.epoch, after, until)
        wanted = [event for event in events if asked.route.wants(event) and not follower.saw(event.transaction_id)]
        deliveries: dict[int, Delivery] = {}
        size = batch_of(asked.payload, self.limits)
        for first in range(0, len(wanted), size):
            async with slots.taken(caller):
                deliveries |= await asked.payload.deliveries(wanted[first : first + size], follower.epoch)
        missed = [deliveries[event.position] for event in wanted if event.position in deliveries]
        return position, [(follower.told(delivery), follower.delivered_at) for delivery in missed]

    async def _deliver(self, placed: list[Placed]) -> None:
        """Hand events to the cohorts that follow them.

        Whoever joins or leaves meanwhile does no harm: a follower wants nothing from before it joined.
        """
        epoch = self.tail.epoch
        for event in placed:
            self._tell_watchers(event)
        routed = []
        for event in placed:
            await self.routes.turns.given()
            routed.append((event, self.routes.of(event.name, event.keys)))
        await self._complete([event for event, cohorts in routed if cohorts])
        for event, cohorts in routed:
            for cohort in cohorts:
                await self.routes.turns.given()
                if event.whole is not None and cohort.route.wants(event.whole):
                    cohort.reading.push(event.whole, cohort, epoch)
        self.dispatched = placed[-1].position

    async def _complete(self, placed: list[Placed]) -> None:
        """Read the whole of events; while the database is away, try again, for nothing may be passed over."""
        while True:
            try:
                await self.log.complete(placed)
            except DATABASE_FAILURES as error:
                if not passes(error):
                    raise
                log.warning("following_waits", error=str(error), kind=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _tell_watchers(self, event: Placed) -> None:
        for watcher in self._watchers.get(event.name, ()):
            try:
                watcher(event)
            except Exception:
                log.exception("watcher_failed", name=event.name)

    def _expire(self) -> None:
        """End every follower: the log is no longer the one that they followed."""
        self.dispatched = self.tail.position
        self.routes.forget()
        for follower in self.routes.everyone():
            follower.end(CursorExpired())

    @staticmethod
    def asked(reading: Reading, operation: Operation, principal: Principal) -> Asked:
        """What a subscription operation asks for; RequestError where the caller may not."""
        schema = reading.graph.schema
        root = schema.subscription_type
        assert root is not None  # noqa: S101
        variables, definition = operation.variables, operation.definition
        fields = collect_fields(schema, operation.fragments, variables, root, definition).grouped_field_set
        details: list[FieldDetails] = next(iter(fields.values()))
        name = details[0].node.name.value
        arguments = get_argument_values(root.fields[name], details[0].node, variables)
        subscription = reading.graph.subscriptions[name]
        opened = subscription.follow.token
        token = arguments.get(camel(opened.column)) if opened else None
        viewer = Viewer(principal) if token is None else Viewer(ANONYMOUS, guarded=False)
        payload = payload_of(subscription, details, operation, reading, viewer)
        route = route_of(subscription, arguments, principal)
        if viewer.guarded and not isinstance(subscription, Feed):
            route = confined(route, subscription, reading.graph.nodes[subscription.node].visibility, principal)
        return Asked(payload, route, subscription.follow.conflates, arguments.get("after"), token)


def route_of(subscription: Subscription, arguments: dict[str, Any], principal: Principal) -> Route:
    """Which events the arguments of a subscription leave; RequestError where one is an id of something else."""
    given = [(each, arguments.get(each.argument)) for each in subscription.filters]
    for each, value in given:
        if value is not None and not subscription.may(principal.roles, each.fact):
            message = f"You may not filter `{subscription.name}` by `{each.argument}`; leave it out."
            raise RequestError("FORBIDDEN", message)
    wanted = tuple(
        Wanted(each.fact, _told(each, value), each.of_several, each.is_key)
        for each, value in given
        if value is not None
    )
    kinds = arguments.get(KINDS)
    names = [event.name for event in subscription.follow.events]
    if isinstance(subscription, Feed):
        about = subscription.names_about(arguments.get(SUBJECTS), principal.roles)
        names = [name for name in names if name in about]
    named = tuple(name for name in names if kinds is None or subscription.kinds[name] in kinds)
    return Route(named, wanted, _actor(subscription, arguments.get(ACTOR_ID), principal))


def _actor(subscription: Subscription, given: str | None, principal: Principal) -> tuple[str, int] | None:
    """Who must have done what is followed, as events tell it; RequestError where that is nobody, or is not told."""
    if given is None:
        return None
    if not principal.is_staff:
        message = f"You may not filter `{subscription.name}` by `{ACTOR_ID}`; leave it out."
        raise RequestError("FORBIDDEN", message)
    found = decode_id(given)
    if found is None or found.type_name not in ACTORS:
        raise RequestError("INVALID_ID", f"`{ACTOR_ID}` is the id of a User or an ApiKey.")
    return ACTORS[found.type_name], found.key


def confined(route: Route, subscription: Subscription, visibility: Visibility, principal: Principal) -> Route:
    """The route to those events alone that tell the caller's own party, where it sees nothing but its own.

    All else would be read once for each such caller, to find each time that it is hidden from it. Events find it by the
    party, of whom few share a route.
    """
    party, events = visibility.party(principal.roles), subscription.follow.events
    if party is None or not all(party in event.keys for event in events):
        return route
    others = tuple(wanted for wanted in route.wanted if wanted.fact != party)
    asked = [wanted.values for wanted in route.wanted if wanted.fact == party]
    own = frozenset({getattr(principal, party)} - {None}).intersection(*asked)
    return replace(route, wanted=(Wanted(party, own), *others))


def _told(given: Filter, value: Any) -> frozenset[Any]:
    """The values of a filter as events tell them: an id as its key, all else as JSON."""
    if not given.fact.endswith(("_id", "_ids")):
        return frozenset(as_json(each) for each in (value if isinstance(value, list) else [value]))
    node = id_target(given.kind) or pascal(given.fact.removesuffix("_id"))
    return frozenset([keys_to_match(node)(value)])
