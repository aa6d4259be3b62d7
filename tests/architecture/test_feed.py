"""The feed of all events: nothing happens of which it was not decided what it tells, and to whom."""

from __future__ import annotations

from importlib import import_module

from app.kernel.outbox import Event
from app.kernel.principal import EVERYONE
from resolvers.reading.former import print_former
from resolvers.reading.run import KEYS
from schema.root import GRAPH
from tests.architecture.sources import ROOT

SUBJECTS = GRAPH.subjects
REASON_LENGTH_MIN = 20
TOLD_BY_NONE = {"WebhookDelivery", "WebhookAttempt"}
"""What is noted of deliveries is no event: to tell of one would be a delivery of its own, and so on without end."""


def recorded() -> dict[str, type[Event]]:
    """Every event of the domains, by its stored name."""
    for path in (ROOT / "app").glob("*/events.py"):
        import_module(f"app.{path.parent.name}.events")
    return {name: event for name, event in Event.by_name.items() if event.__module__.startswith("app.")}


class TestEvents:
    def test_are_told_or_not_told_for_a_reason(self) -> None:
        silent = sorted(set(recorded()) - set(SUBJECTS.told) - set(SUBJECTS.untold))
        assert not silent, f"Say in the schema room what these are about, `subject(…)`, or `untold(…)`: {silent}"
        assert not set(SUBJECTS.told) & set(SUBJECTS.untold), "An event is told or it is not."
        assert all(len(because) >= REASON_LENGTH_MIN for because in SUBJECTS.untold.values())

    def test_name_the_object_that_they_are_about(self) -> None:
        for name, told in SUBJECTS.told.items():
            assert told.key in recorded()[name].__dataclass_fields__, name

    def test_tell_of_every_object(self) -> None:
        told = {each.node for each in SUBJECTS.told.values()} | set(SUBJECTS.parts) | TOLD_BY_NONE
        assert sorted(set(GRAPH.nodes) - told) == [], "Record events of these, or say whose `part(…)` they are."
        assert not {each.node for each in SUBJECTS.told.values()} & set(SUBJECTS.parts), "A part has no events."


class TestFormerRows:
    def test_are_judged_by_every_rule(self) -> None:
        for told in SUBJECTS.told.values():
            if told.before and told.node:
                node = GRAPH.nodes[told.node]
                assert set(told.before) <= set(node.table.__table__.columns.keys())
                for role in EVERYONE:
                    assert print_former(node, tuple(told.before), frozenset({role}), KEYS).text
