"""From declarations to the graph: alerts, which are those events that call for somebody's attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import strawberry

from app.kernel.outbox import Event
from app.kernel.principal import STAFF
from schema.answers import Alert, Follow
from schema.feed import SUBJECT, SUBJECT_TYPE, Feed, Subjects, Told
from schema.operations import ACTOR_ID, BY_WHOM, KINDS, Filter, add_event_fields
from schema.types import Node, Types, listed, optional

ALERTS, ALERT, ALERT_KIND = "alertRaised", "RaisedAlert", "AlertKind"
"""The subscription to alerts, what it tells, and the enum of their kinds."""
ALERTS_DOC = (
    "What calls for the attention of those who run the trade, in order and each once, as it happens; staff alone may "
    "follow. Nothing is kept of who has seen to it."
)
HERE = "Only alerts of events at this location; those of orders and shipments name none, and are left out."


@dataclass(frozen=True, eq=False)
class Alerts(Feed):
    """A subscription to those events that are alerts, by what makes each one."""

    rules: Mapping[str, Alert] = field(default_factory=dict)

    def tells(self, event: str, facts: Mapping[str, Any]) -> bool:
        """Whether an event that has these facts is an alert."""
        return self.rules[event].when(facts)


def add_alerts(types: Types, root: Any, declared: Iterable[Any], subjects: Subjects) -> Alerts | None:
    """Add the subscription to alerts to the root, where the rooms declare any."""
    alerts = [each for each in declared if isinstance(each, Alert)]
    rules = {event.name: alert for alert in alerts for event in alert.events}
    if not rules:
        return None
    made = Alerts(
        name=ALERTS,
        follow=_followed(tuple(Event.by_name[name] for name in rules)),
        node="",
        shown=SUBJECT,
        payload=ALERT,
        facts=(),
        filters=(Filter(argument="locationId", fact="location_id", kind=int, of_several=False, is_key=False),),
        kinds={name: alert.kind for name, alert in rules.items()},
        told={name: Told(subjects.told[name].node, subjects.told[name].key) for name in rules},
        tables={},
        only=STAFF,
        rules=rules,
    )
    kinds = types.enum(ALERT_KIND, "What alerts are about.", {alert.kind: alert.doc for alert in alerts})
    types.add(root, ALERTS, _payload(types, kinds), ALERTS_DOC, arguments=_arguments(kinds))
    return made


def _followed(events: tuple[type[Event], ...]) -> Follow:
    """The events that may be alerts."""
    nobody: Mapping[str, Any] = MappingProxyType({})
    return Follow(
        events=events, shows=SUBJECT, key="", by=(), tells=(), roles=nobody, token=None, conflates=False, doc=ALERTS_DOC
    )


def _payload(types: Types, kinds: Any) -> Any:
    """What a follower of alerts receives for each."""
    made = types.object(ALERT, "One alert, with the object that it is about.")
    add_event_fields(types, made)
    types.add(made, "kind", kinds, "What the alert is about, for a program to act on.")
    types.add(made, "subjectType", types.by_name[SUBJECT_TYPE], "The type of the object that it is about.")
    types.add(made, "subjectId", strawberry.ID, "The id of the object that it is about.")
    types.add(made, SUBJECT, optional(Node), "What it is about, as it is now.")
    return made


def _arguments(kinds: Any) -> dict[str, tuple[Any, str]]:
    """The arguments of the subscription to alerts."""
    return {
        "after": (str | None, "Go on after this cursor, from an alert or from `eventCursor`; else from now."),
        KINDS: (optional(listed(kinds)), "Only alerts of these kinds; all kinds where it is left out."),
        "locationId": (optional(strawberry.ID), HERE),
        ACTOR_ID: (optional(strawberry.ID), BY_WHOM),
    }
