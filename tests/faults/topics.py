"""Topics: what followers of the crowd follow, and which events of the log each of them must be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.kernel.event_log import Cursor, LoggedEvent
from app.kernel.identity import encode_id
from resolvers.following.cohorts import each_of
from schema.names import camel
from schema.operations import Subscription
from schema.root import GRAPH
from tests.faults.world import Shop

SELECTED = {
    "StockLevel": "onHand held available updatedAt",
    "Order": "status version updatedAt",
    "Shipment": "status estimatedDeliveryAt",
    "TrackingEvent": "status",
    "Return": "status version",
    "Product": "version",
}
"""What is selected of the object that an event shows, besides its id."""


@dataclass(frozen=True)
class Topic:
    """A subscription as one caller follows it."""

    name: str
    credential: str | None
    wanted: Mapping[str, int] = field(default_factory=dict)
    """What events must tell: of the arguments, and of whom the caller acts for."""
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def subscription(self) -> Subscription:
        """What the graph declares of it."""
        return GRAPH.subscriptions[self.name]

    @property
    def conflates(self) -> bool:
        """Whether it is a stream of states, and not of events."""
        return self.subscription.follow.conflates

    @property
    def document(self) -> str:
        """The subscription, which goes on after a cursor."""
        given = "".join(f', {name}: "{value}"' for name, value in self.arguments.items())
        selected = f"{{ cursor shown: {self._shown} }}"
        return f"subscription($after: String) {{ it: {self.name}(after: $after{given}) {selected} }}"

    @property
    def reading(self) -> str:
        """The query that reads its objects anew, by their ids."""
        node = self.subscription.node
        return f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {node} {{ {SELECTED[node]} }} }} }}"

    @cached_property
    def _names(self) -> frozenset[str]:
        """What the events that it follows are called."""
        return frozenset(event.name for event in self.subscription.follow.events)

    @property
    def _shown(self) -> str:
        return f"{self.subscription.shown} {{ id {SELECTED[self.subscription.node]} }}"

    def wants(self, event: LoggedEvent, start: Cursor) -> bool:
        """Whether whoever follows from `start` on must be told of an event."""
        return (
            event.position > start.position
            and not (start.snapshot and start.snapshot.saw(event.transaction_id))
            and event.name in self._names
            and all(value in each_of(event.facts.get(fact)) for fact, value in self.wanted.items())
        )

    def key_of(self, event: LoggedEvent) -> str:
        """The id of the object that an event shows."""
        return encode_id(self.subscription.node, event.facts[self.subscription.follow.key])


def of_staff(shop: Shop) -> Iterator[Topic]:
    """What staff follow: everything, and by key."""
    for name in ("stockLevelChanged", "orderChanged", "shipmentChanged", "trackingEventAdded", "returnChanged"):
        yield Topic(name, shop.staff)
    yield from (_by(shop.staff, "stockLevelChanged", "product_id", key) for key in shop.products)
    for place in shop.places:
        yield _by(shop.staff, "stockLevelChanged", "location_id", place)
        inside = {"within_location_ids": place}
        yield Topic("stockLevelChanged", shop.staff, inside, {"withinLocationId": encode_id("Location", place)})


def of_customers(shop: Shop) -> Iterator[Topic]:
    """What customers follow: their own, whether they ask for it or not; and that strangers may follow the stock."""
    for customer, credential in shop.customers.items():
        for name in ("orderChanged", "shipmentChanged", "trackingEventAdded", "returnChanged"):
            yield Topic(name, credential, {"customer_id": customer})
        yield _by(credential, "orderChanged", "customer_id", customer)


def of_strangers(shipments: Mapping[int, str]) -> Iterator[Topic]:
    """What strangers follow by the tracking tokens of shipments."""
    for key, token in shipments.items():
        for name in ("trackingEventAdded", "shipmentChanged"):
            yield Topic(name, None, {"shipment_id": key}, {"trackingToken": token})


def _by(credential: str, name: str, fact: str, key: int) -> Topic:
    node = camel(fact.removesuffix("_id"))
    argument = encode_id(f"{node[0].upper()}{node[1:]}", key)
    return Topic(name, credential, {fact: key}, {camel(fact): argument})


def seen_of(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The cursor and the object of what a follower was told."""
    told = payload["it"]
    return told["cursor"], told["shown"]
