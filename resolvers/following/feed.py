"""The feed's payloads: events about nodes of several types, each with its object, read once for each type.

What an event is about is told to those who may see it now. Who saw it before the event and may see it no longer is told
once more, without the object, so that a mirror knows what to drop.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_subfields

from app.kernel.event_log import Cursor, LoggedEvent
from app.kernel.identity import encode_id
from app.kernel.principal import Principal
from app.kernel.visibility import viewer_values
from resolvers.errors import RequestError
from resolvers.following.followers import Delivery
from resolvers.reading.documents import Operation
from resolvers.reading.former import former_row
from resolvers.reading.run import KEYS, Prepared, Reading, values_of
from schema.feed import Feed
from schema.operations import ACTOR, ACTOR_ID

Found = Mapping[int, Mapping[int, bytes]]
"""The JSON of objects by their keys, for each reading by its identity."""


@dataclass(frozen=True)
class FeedPart:
    """One selected field of an event; one that shows the subject has a reading for each type of node."""

    response_key: str
    field: str
    readings: Mapping[str, Prepared] | None


@dataclass(frozen=True)
class FeedPayload:
    """What one operation selects of the feed. Two with the same `key` have the same bytes for every event."""

    subscription: Feed
    response_key: str
    parts: tuple[FeedPart, ...]
    guards: Mapping[str, Prepared]
    """What tells whether objects may be seen where none is selected, by their types; none where all may be."""
    former: Mapping[str, Prepared]
    """What tells whether objects were seen before, by the names of events that may hide them."""
    reading: Reading
    variables: Mapping[str, Any]
    principal: Principal

    @cached_property
    def key(self) -> Hashable:
        """The selection, and the statements with every value that they bind: the caller's own only where they do."""
        parts = tuple((part.response_key, part.field, self._bound(part.readings)) for part in self.parts)
        guards, former = self._bound(self.guards), self._bound(self.former)
        return self.subscription.name, self.response_key, self.principal.roles, parts, guards, former

    @cached_property
    def cost(self) -> int:
        """What it costs at the most to read it of one event, in the points that bound operations."""
        shown = [part.readings for part in self.parts if part.readings]
        each = [
            max(prepared.budget.cost for prepared in readings.values())
            for readings in (*shown, self.guards)
            if readings
        ]
        return sum(each)

    async def deliveries(self, events: Sequence[LoggedEvent], epoch: str) -> dict[int, Delivery]:
        """What is delivered of each event, by position; of what its followers do not and did not see, nothing."""
        events = [event for event in events if self.subscription.tells(event.name, event.facts)]
        found = await self._found(events)
        shown = {event.position for event in events if self._shows(event, found)}
        gone = await self._gone([event for event in events if event.position not in shown])
        told = [event for event in events if event.position in shown | gone]
        objects = {event.position: found if event.position in shown else {} for event in told}
        return {event.position: self._delivery(event, objects[event.position], epoch) for event in told}

    async def _found(self, events: Sequence[LoggedEvent]) -> Found:
        """What the events are about, as it is selected, in one statement for each type and selection."""
        keys: dict[str, set[int]] = {}
        for event in events:
            node, key = self._about(event)
            if node is not None and self.subscription.may_see(event.name, event.keys, self.principal):
                keys.setdefault(node, set()).add(key)
        found = {}
        for node, of_node in keys.items():
            for prepared in self._readings(node):
                found[id(prepared)] = await self._read(prepared, sorted(of_node))
        return found

    async def _gone(self, hidden: Sequence[LoggedEvent]) -> set[int]:
        """The positions of those events whose subject is hidden from the followers, and was not before."""
        rows: dict[int, tuple[Prepared, list[dict[str, Any]]]] = {}
        for event in hidden:
            prepared = self.former.get(event.name)
            if prepared is not None:
                told = self.subscription.told[event.name]
                before = {column: event.facts.get(fact) for column, fact in told.before.items()}
                row = former_row(event.position, self._about(event)[1], before)
                rows.setdefault(id(prepared), (prepared, []))[1].append(row)
        gone = [await self._read(prepared, given) for prepared, given in rows.values()]
        return {position for positions in gone for position in positions}

    async def _read(self, prepared: Prepared, keys: Sequence[Any]) -> dict[int, bytes]:
        return await self.reading.read_objects(prepared, keys, self.variables, self.principal)

    def _about(self, event: LoggedEvent) -> tuple[str | None, int]:
        """The type and key of an event's subject; no type where it is about many objects at once."""
        told = self.subscription.told[event.name]
        return told.node, event.facts[told.key] if told.node else 0

    def _readings(self, node: str) -> list[Prepared]:
        """Every reading of the objects of a type."""
        guard = self.guards.get(node)
        shown = [part.readings[node] for part in self.parts if part.readings is not None]
        return shown if guard is None else [*shown, guard]

    def _shows(self, event: LoggedEvent, found: Found) -> bool:
        """Whether the followers may see what an event is about, or may read anew what it is about in bulk."""
        node, key = self._about(event)
        if node is None:
            return bool(self._refetch(event))
        if not self.subscription.may_see(event.name, event.keys, self.principal):
            return False
        return all(key in found[id(prepared)] for prepared in self._readings(node))

    def _refetch(self, event: LoggedEvent) -> list[str]:
        """The types that followers of these roles are to read anew."""
        return self.subscription.refetch(event.name, event.facts, self.principal.roles)

    def _delivery(self, event: LoggedEvent, found: Found, epoch: str) -> Delivery:
        """One event as JSON, in pieces that meet wherever its cursor is told."""
        pieces = [f'{{"data":{{"{self.response_key}":{{'.encode()]
        for index, part in enumerate(self.parts):
            pieces[-1] += f'{"," if index else ""}"{part.response_key}":'.encode()
            if part.field == "cursor":
                pieces[-1] += b'"'
                pieces.append(b'"')
            elif part.readings is not None:
                pieces[-1] += self._subject(part.readings, event, found)
            else:
                pieces[-1] += orjson.dumps(self._told(event, part.field))
        pieces[-1] += b"}}}"
        body = Cursor(epoch, event.position).encode().encode().join(pieces)
        return Delivery(epoch, event.position, event.position, event.transaction_id, tuple(pieces), body)

    def _subject(self, readings: Mapping[str, Prepared], event: LoggedEvent, found: Found) -> bytes:
        """The JSON of an event's subject; null where there is none to show."""
        node, key = self._about(event)
        objects = found.get(id(readings[node])) if node is not None else None
        return objects[key] if objects else b"null"

    def _told(self, event: LoggedEvent, field: str) -> Any:
        """A field that the event itself tells."""
        node, key = self._about(event)
        match field:
            case "occurredAt":
                return event.occurred_at.isoformat()
            case "actor":
                return event.actor.get("name")
            case "actorId":
                return event.actor_id
            case "event":
                return event.name
            case "kind":
                return self.subscription.kinds[event.name]
            case "subjectType":
                return self.subscription.type_of(event.name)
            case "subjectId":
                return encode_id(node, key) if node is not None else None
            case "refetch":
                return self._refetch(event)
        return self.subscription.payload

    def _bound(self, readings: Mapping[str, Prepared] | None) -> Hashable:
        """Statements and what they bind besides the keys of the objects."""
        viewer = viewer_values(self.principal)
        variables = {**self.variables, KEYS.name: []}
        each: Iterable[tuple[str, Prepared]] = sorted((readings or {}).items(), key=lambda item: item[0])
        return tuple(
            (name, one.statement.text, repr(values_of(one.statement, variables, viewer))) for name, one in each
        )


def feed_payload_of(
    feed: Feed, details: list[FieldDetails], operation: Operation, reading: Reading, principal: Principal
) -> FeedPayload:
    """What an operation selects of the feed's events; RequestError where the caller may not."""
    if not principal.has(feed.only):
        raise RequestError("FORBIDDEN", f"You may not follow `{feed.name}`.")
    schema, variables, roles = reading.graph.schema, operation.variables, principal.roles
    kind = schema.type_map[feed.payload]
    assert isinstance(kind, GraphQLObjectType)  # noqa: S101
    found = collect_subfields(schema, operation.fragments, variables, operation.definition, kind, details)
    nodes = sorted({told.node for told in feed.told.values() if told.node and feed.sees(told.node, roles)})
    parts = []
    for key, inner in found.grouped_field_set.items():
        field = inner[0].node.name.value
        if field in {ACTOR, ACTOR_ID} and not principal.is_staff:
            raise RequestError("FORBIDDEN", f"You may not read `{feed.payload}.{field}`; leave it out.")
        shown = {node: reading.prepare_objects(operation, node, inner, roles) for node in nodes if field == feed.shown}
        parts.append(FeedPart(key, field, shown if field == feed.shown else None))
    hidden = [node for node in nodes if not reading.graph.nodes[node].visibility.to_all(roles)]
    is_shown = any(part.readings is not None for part in parts)
    guards = {} if is_shown else {node: reading.prepare_guard(operation, node, roles) for node in hidden}
    former = {
        name: reading.prepare_former(told.node, tuple(told.before), roles)
        for name, told in feed.told.items()
        if told.node in hidden and told.before
    }
    response_key = details[0].node.alias.value if details[0].node.alias else feed.name
    return FeedPayload(feed, response_key, tuple(parts), guards, former, reading, variables.coerced, principal)
