"""Payloads: what followers selected of an event, read once for all whose reading would be the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_subfields

from app.kernel.event_log import Cursor, LoggedEvent
from app.kernel.principal import Principal
from app.kernel.visibility import viewer_values
from resolvers.errors import RequestError
from resolvers.following.feed import FeedPayload, feed_payload_of
from resolvers.following.followers import Delivery
from resolvers.reading.documents import Operation
from resolvers.reading.run import KEYS, Prepared, Reading, values_of
from schema.feed import Feed
from schema.names import camel
from schema.operations import ACTOR, ACTOR_ID, Subscription


@dataclass(frozen=True)
class Viewer:
    """For whom payloads are read, and whether the objects are `guarded`: whoever has a token is entitled to its row."""

    principal: Principal
    guarded: bool = True


@dataclass(frozen=True)
class Part:
    """One selected field of a payload; one that shows the object has a reading."""

    response_key: str
    field: str
    prepared: Prepared | None


@dataclass(frozen=True)
class Payload:
    """What one subscription selects of each event. Two with the same `key` have the same bytes for every event."""

    subscription: Subscription
    response_key: str
    parts: tuple[Part, ...]
    guard: Prepared | None
    reading: Reading
    variables: Mapping[str, Any]
    principal: Principal

    @cached_property
    def key(self) -> Hashable:
        """The selection, and the statements with every value that they bind: the caller's own only where they do."""
        parts = tuple((part.response_key, part.field, self._bound(part.prepared)) for part in self.parts)
        return self.subscription.name, self.response_key, parts, self._bound(self.guard)

    @cached_property
    def cost(self) -> int:
        """What it costs to read it of one event, in the points that bound operations."""
        prepared = [*(part.prepared for part in self.parts), self.guard]
        return sum(each.budget.cost for each in prepared if each is not None)

    async def deliveries(self, events: Sequence[LoggedEvent], epoch: str) -> dict[int, Delivery]:
        """What is delivered of each event, by position; events whose object the followers may not see have nothing."""
        keys = sorted({key for event in events if (key := self._shown(event)) is not None})
        readings = [*(part.prepared for part in self.parts), self.guard]
        objects = {id(reading): await self._read(reading, keys) for reading in readings if reading is not None}
        seen = [event for event in events if all(self._shown(event) in found for found in objects.values())]
        return {event.position: self._delivery(event, objects, epoch) for event in seen}

    def _shown(self, event: LoggedEvent) -> Any:
        """The key of the object that an event shows."""
        return event.facts.get(self.subscription.follow.key)

    async def _read(self, prepared: Prepared, keys: list[int]) -> dict[int, bytes]:
        return await self.reading.read_objects(prepared, keys, self.variables, self.principal)

    def _bound(self, prepared: Prepared | None) -> Hashable:
        """A statement and what it binds besides the keys of the objects."""
        if prepared is None:
            return None
        bound = values_of(prepared.statement, {**self.variables, KEYS.name: []}, viewer_values(self.principal))
        return prepared.statement.text, repr(bound)

    def _delivery(self, event: LoggedEvent, objects: Mapping[int, Mapping[int, bytes]], epoch: str) -> Delivery:
        """One event as JSON, in pieces that meet wherever its cursor is told."""
        pieces = [f'{{"data":{{"{self.response_key}":{{'.encode()]
        for index, part in enumerate(self.parts):
            pieces[-1] += f'{"," if index else ""}"{part.response_key}":'.encode()
            if part.field == "cursor":
                pieces[-1] += b'"'
                pieces.append(b'"')
            elif part.prepared is not None:
                pieces[-1] += objects[id(part.prepared)][self._shown(event)]
            else:
                pieces[-1] += orjson.dumps(self._told(event, part.field))
        pieces[-1] += b"}}}"
        body = Cursor(epoch, event.position).encode().encode().join(pieces)
        return Delivery(epoch, event.position, self._shown(event), event.transaction_id, tuple(pieces), body)

    def _told(self, event: LoggedEvent, field: str) -> Any:
        """A field that the event itself tells."""
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
            case "__typename":
                return self.subscription.payload
        return next((event.facts.get(fact) for fact in self.subscription.facts if camel(fact) == field), None)


AnyPayload = Payload | FeedPayload
"""What one subscription selects of each event, about one type of object or about several."""


def payload_of(
    subscription: Subscription,
    details: list[FieldDetails],
    operation: Operation,
    reading: Reading,
    viewer: Viewer,
) -> AnyPayload:
    """What an operation selects of a subscription's events; RequestError where the caller may not."""
    principal = viewer.principal
    if isinstance(subscription, Feed):
        return feed_payload_of(subscription, details, operation, reading, principal)
    schema = reading.graph.schema
    kind = schema.type_map[subscription.payload]
    assert isinstance(kind, GraphQLObjectType)  # noqa: S101
    variables = operation.variables
    found = collect_subfields(schema, operation.fragments, variables, operation.definition, kind, details)
    parts = []
    for key, inner in found.grouped_field_set.items():
        field = inner[0].node.name.value
        fact = next((fact for fact in subscription.facts if camel(fact) == field), field)
        if (field in {ACTOR, ACTOR_ID} and not principal.is_staff) or not subscription.may(principal.roles, fact):
            raise RequestError("FORBIDDEN", f"You may not read `{subscription.payload}.{field}`; leave it out.")
        shown = field == subscription.shown
        shows = (operation, subscription.node, inner, principal.roles)
        parts.append(Part(key, field, reading.prepare_objects(*shows, guarded=viewer.guarded) if shown else None))
    guard = None
    everything = reading.graph.nodes[subscription.node].visibility.to_all(principal.roles)
    if viewer.guarded and not everything and not any(part.prepared for part in parts):
        guard = reading.prepare_guard(operation, subscription.node, principal.roles)
    response_key = details[0].node.alias.value if details[0].node.alias else subscription.name
    return Payload(subscription, response_key, tuple(parts), guard, reading, variables.coerced, principal)
