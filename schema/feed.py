"""From declarations to the graph: the feed, which tells every event of the log with the object that it is about."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import strawberry

from app.kernel.outbox import Event
from app.kernel.principal import EVERYONE, Principal, Role
from schema.answers import DECLARED, Bulk, Follow, Part, Subject, Untold
from schema.names import snake
from schema.nodes import NodeType
from schema.operations import ACTOR_ID, BY_WHOM, KINDS, Subscription, add_event_fields, kind_of, node_name
from schema.types import Node, Types, listed, optional

FEED, KIND, SUBJECT_TYPE, OBJECT_TYPE = "eventLog", "EventKind", "SubjectType", "ObjectType"
"""The subscription to every event, and the enums of its events, of what they are about, and of all objects."""
SUBJECT, SUBJECTS = "subject", "subjects"
"""The field of an event that shows what it is about, and the argument that leaves only events about some types."""
FEED_DOC = (
    "Every event whose subject you may see, in order and each once: what a mirror of all that you may see is kept by. "
    "What you may see no longer is told once more, without its subject."
)


def type_name(node: str) -> str:
    """A node as the enums of types name it: `StockLevel` → `STOCK_LEVEL`."""
    return snake(node).upper()


@dataclass(frozen=True)
class Told:
    """What the feed tells of one kind of event: the node that the fact `key` names, or many rows where it is bulk."""

    node: str | None
    key: str
    before: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def refetch(self, facts: Mapping[str, Any], nodes: Mapping[str, str]) -> set[str]:
        """The nodes beside the subject of which others may be seen now; `nodes` are those of tables."""
        if self.node is None:
            return {nodes[table] for table in facts[self.key] if table in nodes}
        turned = (column for column in self.around if facts.get(self.before[column]) != facts.get(column, ...))
        return {name for column in turned for name in self.around[column]}


@dataclass(frozen=True, eq=False)
class Feed(Subscription):
    """A subscription to events about nodes of several types, with what is told of each event, by its name."""

    told: Mapping[str, Told]
    tables: Mapping[str, str]
    """The nodes by the tables of their rows."""
    only: frozenset[Role] = EVERYONE
    """Who alone may follow it."""

    def tells(self, event: str, facts: Mapping[str, Any]) -> bool:
        """Whether it tells an event that has these facts."""
        del event, facts
        return True

    def names_about(self, types: Collection[str | None] | None, roles: frozenset[Role]) -> set[str]:
        """The events about `types` (all where it is None) of which callers with `roles` may see any."""
        seen = {name for name, told in self.told.items() if told.node is None or self.sees(told.node, roles)}
        return seen if types is None else {name for name in seen if self.type_of(name) in types}

    def type_of(self, event: str) -> str | None:
        """What an event is about, as the enum of types names it."""
        node = self.told[event].node
        return None if node is None else type_name(node)

    def refetch(self, event: str, facts: Mapping[str, Any], roles: frozenset[Role]) -> list[str]:
        """The types that callers with `roles` are to read anew."""
        found = self.told[event].refetch(facts, self.tables)
        return sorted(type_name(node) for node in found if self.sees(node, roles))

    def may_see(self, event: str, keys: Mapping[str, Any], principal: Principal) -> bool:
        """Whether a caller may see what an event is about, as far as its keys tell: it may be another party's."""
        node = self.told[event].node
        if node is None or not self.sees(node, principal.roles):
            return node is None
        party = DECLARED[node].visibility.party(principal.roles)
        return party is None or party not in Event.by_name[event].keys or keys.get(party) == getattr(principal, party)

    @staticmethod
    def sees(node: str, roles: frozenset[Role]) -> bool:
        """Whether callers with `roles` may see any object of a type."""
        return bool(roles & set(DECLARED[node].visibility.rules))


@dataclass(frozen=True)
class Subjects:
    """What the feed was declared to tell: of which events what, of which nothing, and which nodes are parts."""

    told: Mapping[str, Told]
    untold: Mapping[str, str]
    parts: Mapping[str, tuple[str, ...]]


def subjects_of(declared: Iterable[Any], followed: Iterable[Follow]) -> Subjects:
    """What the rooms declare of the feed; an event that a subscription follows is about what that one shows."""
    told: dict[str, Told] = {}
    untold: dict[str, str] = {}
    parts: dict[str, tuple[str, ...]] = {}
    for each in declared:
        match each:
            case Subject():
                about = Told(_known(each.shows), each.key, each.before, each.around)
                told.update({event.name: about for event in each.events})
            case Bulk():
                told.update({event.name: Told(None, each.rows) for event in each.events})
            case Untold():
                untold.update({event.name: each.because for event in each.events})
            case Part():
                parts[_known(each.shows)] = tuple(_known(owner) for owner in each.of)
    for follow in followed:
        for event in follow.events:
            told.setdefault(event.name, Told(_known(follow.shows), follow.key))
    return Subjects(dict(sorted(told.items())), untold, parts)


def add_feed(types: Types, root: Any, subjects: Subjects, nodes: Mapping[str, NodeType]) -> Feed:
    """Add the subscription to every event to the root."""
    events = tuple(Event.by_name[name] for name in subjects.told)
    told = Follow(
        events=events,
        shows=SUBJECT,
        key="",
        by=(),
        tells=(),
        roles=MappingProxyType({}),
        token=None,
        conflates=False,
        doc=FEED_DOC,
    )
    feed = Feed(
        name=FEED,
        follow=told,
        node="",
        shown=SUBJECT,
        payload="LoggedEvent",
        facts=(),
        filters=(),
        kinds={event.name: kind_of(event) for event in events},
        told=subjects.told,
        tables={node.table.__tablename__: name for name, node in nodes.items()},
    )
    payload = _payload(types, subjects, nodes)
    types.add(root, FEED, payload, FEED_DOC, arguments=_arguments(types))
    return feed


def _payload(types: Types, subjects: Subjects, nodes: Mapping[str, NodeType]) -> Any:
    """What a follower of the feed receives for each event."""
    made = types.object("LoggedEvent", "One event of the log, with the object that it is about.")
    kinds = types.enum(KIND, "The kinds of event that the log tells.", _kinds(subjects))
    abouts = types.enum(SUBJECT_TYPE, "The types of object that events are about.", _abouts(subjects))
    objects = {type_name(name): inspect.getdoc(DECLARED[name].source) or "" for name in sorted(nodes)}
    anew = types.enum(OBJECT_TYPE, "The types of object that there are.", objects)
    add_event_fields(types, made)
    types.add(made, "kind", kinds, "What kind of event it is, for a program to act on.")
    types.add(made, "subjectType", optional(abouts), "What it is about; null where it is about many objects at once.")
    types.add(
        made, "subjectId", optional(strawberry.ID), "The id of what it is about, which you may have lost sight of."
    )
    said = "What it is about, as it is now; null where you may see it no longer, or where it is about many at once."
    types.add(made, SUBJECT, optional(Node), said)
    said = (
        "Types of which you may see other objects than before, though no event of theirs tells: read them anew. They "
        "belong to the subject; where there is none, rows of them were imported."
    )
    types.add(made, "refetch", listed(anew), said)
    return made


def _kinds(subjects: Subjects) -> dict[str, str]:
    """Every kind of event with its explanation."""
    events = [Event.by_name[name] for name in subjects.told]
    return {kind_of(event): inspect.getdoc(event) or "" for event in events}


def _abouts(subjects: Subjects) -> dict[str, str]:
    """Every type that events are about, with what belongs to it."""
    found = {}
    for name in sorted({told.node for told in subjects.told.values() if told.node}):
        parts = sorted(part for part, owners in subjects.parts.items() if name in owners)
        found[type_name(name)] = f"{name} objects{', with what is part of them: ' if parts else ''}{', '.join(parts)}."
    return found


def _arguments(types: Types) -> dict[str, tuple[Any, str]]:
    """The arguments of the feed."""
    return {
        "after": (str | None, "Go on after this cursor, from an event or from `eventCursor`; else from now."),
        KINDS: (optional(listed(types.by_name[KIND])), "Only events of these kinds; all kinds where it is left out."),
        SUBJECTS: (optional(listed(types.by_name[SUBJECT_TYPE])), "Only events about these types; about all else."),
        ACTOR_ID: (optional(strawberry.ID), BY_WHOM),
    }


def _known(shows: type | str) -> str:
    """The name of a node that a declaration names; TypeError where there is none."""
    name = str(node_name(shows))
    if name not in DECLARED:
        raise TypeError(f"{name} is no node of the graph, so no event is about it")
    return name
