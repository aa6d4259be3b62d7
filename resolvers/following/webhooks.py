"""Webhooks as followers who are away: their subscriptions are checked, routed and read as those of sockets are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import OperationType

from app.kernel.event_log import Cursor, LoggedEvent
from app.kernel.principal import Principal
from app.webhooks.ports import Unfollowable, Wish
from resolvers.errors import RequestError
from resolvers.following.cohorts import Place, Route, each_of
from resolvers.following.run import Asked, Following
from resolvers.reading.documents import Operation, RequestErrors
from resolvers.reading.run import Reading
from schema.feed import Feed

Opened = Callable[[str, str | None, Mapping[str, Any]], Operation]
"""Opens the operation of a document that has the name, with variables."""


class Webhooks:
    """Answers what webhooks ask for, in one process."""

    def __init__(self, reading: Reading, opened: Opened) -> None:
        """Open documents by `opened`, which refuses those that may not be asked here, and read through `reading`."""
        self.reading = reading
        self._opened = opened

    def check(self, wish: Wish, by: Principal) -> None:
        """Check what is wished as a socket would, down to the values it binds; Unfollowable where it is refused."""
        asked = self.asked(wish, by)
        try:
            hash(asked.payload.key)
        except RequestError as refused:
            raise Unfollowable(refused.message) from None

    def asked(self, wish: Wish, by: Principal) -> Asked:
        """What a subscription asks for in the name of `by`; Unfollowable where it asks for what cannot be followed."""
        variables = orjson.loads(wish.variables) if wish.variables else {}
        try:
            operation = self._opened(wish.document, wish.operation_name, variables)
            if operation.kind is not OperationType.SUBSCRIPTION:
                raise Unfollowable("A webhook asks for a subscription, and not for a query or a mutation.")
            asked = Following.asked(self.reading, operation.located, by)
        except RequestErrors as refused:
            raise Unfollowable(" ".join(error.message for error in refused.errors)) from None
        except RequestError as refused:
            raise Unfollowable(refused.message) from None
        if asked.after is not None:
            raise Unfollowable("Leave `after` out: a webhook begins now, or after the cursor given as `startAfter`.")
        if asked.token is not None:
            raise Unfollowable("Follow by id and not by a token: a webhook sees for its caller.")
        return asked

    async def message(self, asked: Asked, event: LoggedEvent, epoch: str) -> bytes | None:
        """The body that tells one event, with the object as it is now; None where its caller may not see that."""
        found = await asked.payload.deliveries([event], epoch)
        if event.position not in found:
            return None
        head = {
            "type": event.name,
            "timestamp": event.occurred_at.isoformat(),
            "cursor": Cursor(epoch, event.position).encode(),
        }
        return orjson.dumps(head)[:-1] + b"," + found[event.position].body[1:]


def order_key(asked: Asked, event: LoggedEvent) -> str:
    """What the deliveries of one endpoint that are sent in turn have in common: the object that they are about."""
    subscription = asked.payload.subscription
    if isinstance(subscription, Feed):
        told = subscription.told[event.name]
        return f"{told.node}:{event.facts.get(told.key) if told.node else event.name}"
    return f"{subscription.node}:{event.facts.get(subscription.follow.key)}"


@dataclass(frozen=True)
class Listener:
    """One endpoint, and what it asks for."""

    endpoint_id: int
    asked: Asked


class Listeners:
    """Every endpoint that is told what happens, found by the names and keys of events without trying each."""

    def __init__(self) -> None:
        self._at: dict[Place, dict[int, Listener]] = defaultdict(dict)

    def add(self, listener: Listener) -> None:
        """Have an endpoint found from now on."""
        for place in listener.asked.route.places:
            self._at[place][listener.endpoint_id] = listener

    def remove(self, listener: Listener) -> None:
        """Have it found no longer."""
        for place in listener.asked.route.places:
            self._at[place].pop(listener.endpoint_id, None)
            if not self._at[place]:
                del self._at[place]

    def of(self, name: str, keys: Mapping[str, Any]) -> list[Listener]:
        """The endpoints that may be told an event, as far as its name and keys tell."""
        places: list[Place] = [(name,)]
        places += [(name, key, value) for key, told in keys.items() for value in each_of(told)]
        found = {each.endpoint_id: each for place in places for each in self._at.get(place, {}).values()}
        return [each for each in found.values() if _route(each).leads_to(name, keys)]


def _route(listener: Listener) -> Route:
    return listener.asked.route
