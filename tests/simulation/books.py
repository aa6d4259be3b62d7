"""The books of a test's database: what is true after every command, and that each change of state has one event."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.fulfilment.events import FULFILMENT_CHANGES
from app.fulfilment.tables import Fulfilment
from app.inventory.events import StockLevelChanged
from app.inventory.tables import StockLevel
from app.kernel.outbox import OutboxEvent
from app.orders.events import ORDER_EVENTS
from app.orders.tables import Order
from app.returns.events import RETURN_CHANGES
from app.returns.tables import Return
from app.shipments.events import SHIPMENT_CHANGES
from app.shipments.tables import Shipment
from tests.importing.ledger import require_balance

STATED: dict[str, tuple[Any, str, frozenset[str]]] = {
    "order": (Order, "order_id", frozenset(event.name for event in ORDER_EVENTS)),
    "fulfilment": (Fulfilment, "fulfilment_id", frozenset(event.name for event in FULFILMENT_CHANGES)),
    "shipment": (Shipment, "shipment_id", frozenset(event.name for event in SHIPMENT_CHANGES)),
    "return": (Return, "return_id", frozenset(event.name for event in RETURN_CHANGES)),
}
"""What has states: its table, what events call its key, and the events that change it."""
COUNTED = ("on_hand", "held", "incoming")
Counts = tuple[int, int, int]


@dataclass
class Moment:
    """The states and counts of everything, and the last event, at one moment."""

    states: dict[str, dict[int, str]] = field(default_factory=dict)
    levels: dict[int, Counts] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    last_event_id: int = 0


class Books:
    """Compares the database before and after each command."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Look through `sessions`."""
        self.sessions = sessions
        self.before = Moment()

    async def open(self) -> None:
        """Take the database as it is now for the beginning."""
        async with self.sessions() as session:
            self.before = await _moment(session)

    async def check(self, *, refused: bool = False) -> None:
        """Require that all is well after a command, and that a refused one changed nothing."""
        async with self.sessions() as session:
            await require_balance(session)
            after = await _moment(session)
            new = select(OutboxEvent).where(OutboxEvent.id > self.before.last_event_id).order_by(OutboxEvent.id)
            events = list(await session.scalars(new))
        if refused:
            assert (events, after) == ([], self.before)
        for kind in STATED:
            _require_one_event_each(kind, self.before, after, events)
        _require_level_events(self.before, after, events)
        self.before = after


def _require_one_event_each(kind: str, before: Moment, after: Moment, events: list[OutboxEvent]) -> None:
    """Each object whose state changed has one event that tells so, and no other has any."""
    _, key, names = STATED[kind]
    told: dict[int, list[tuple[str | None, str]]] = defaultdict(list)
    for event in events:
        if event.name in names and event.facts["status_before"] != event.facts["status_after"]:
            told[event.facts[key]].append((event.facts["status_before"], event.facts["status_after"]))
    changed = {
        row: [(before.states[kind].get(row), state)]
        for row, state in after.states[kind].items()
        if before.states[kind].get(row) != state
    }
    assert dict(told) == changed, kind


def _require_level_events(before: Moment, after: Moment, events: list[OutboxEvent]) -> None:
    """The events of each level lead, one by one, from its counts before to its counts after; one a change."""
    counts, changes = dict(before.levels), dict.fromkeys(after.levels, 0)
    for event in events:
        if event.name == StockLevelChanged.name:
            level = event.facts["stock_level_id"]
            assert counts.get(level, (0, 0, 0)) == tuple(event.facts[f"{name}_before"] for name in COUNTED)
            counts[level] = tuple(event.facts[f"{name}_after"] for name in COUNTED)
            changes[level] += 1
    assert {level: counts.get(level, (0, 0, 0)) for level in after.levels} == after.levels
    assert changes == {level: version - before.versions.get(level, 1) for level, version in after.versions.items()}


async def _moment(session: AsyncSession) -> Moment:
    """The database as it is now."""
    moment = Moment()
    for kind, (table, _, _) in STATED.items():
        rows = await session.execute(select(table.id, table.status))
        moment.states[kind] = {row.id: row.status.value for row in rows}
    for row in await session.execute(
        select(StockLevel.id, StockLevel.on_hand, StockLevel.held, StockLevel.incoming, StockLevel.version)
    ):
        moment.levels[row.id] = (row.on_hand, row.held, row.incoming)
        moment.versions[row.id] = row.version
    moment.last_event_id = await session.scalar(select(func.coalesce(func.max(OutboxEvent.id), 0))) or 0
    return moment
