"""What every change is told by: after each command, the rows that changed beside the events that were recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.outbox import OutboxEvent
from app.kernel.principal import Principal
from app.simulation.clerk import STAFF_AT_PLAY, Clerk
from schema.root import GRAPH
from tests.architecture.test_feed import TOLD_BY_NONE

OWNERS = {
    "Price": "array['Product:' || product_id]",
    "OrderLine": "array['Order:' || order_id]",
    "FulfilmentLine": "array['Fulfilment:' || fulfilment_id]",
    "Parcel": "array['Fulfilment:' || fulfilment_id, 'Shipment:' || shipment_id]",
    "ParcelLine": (
        "(select array['Fulfilment:' || parcel.fulfilment_id, 'Shipment:' || parcel.shipment_id]"
        " from parcels parcel where parcel.id = parcel_id)"
    ),
    "ReturnLine": "array['Return:' || return_id]",
    "Refund": "array['Return:' || return_id]",
}
"""The objects that tell of a part, by SQL over its row: all who see the part see one of them."""
Answer = TypeVar("Answer")
Rows = Mapping[str, tuple[str, frozenset[str]]]
"""What each row is and what must tell of it, by its name."""


class NotingClerk(Clerk):
    """A clerk who notes how many events each command recorded."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Write through `sessions`."""
        super().__init__(sessions)
        self.noted: Counter[Any] = Counter()

    async def give(
        self, command: Callable[..., Awaitable[Answer]], request: Any, *, by: Principal = STAFF_AT_PLAY
    ) -> Answer:
        """Give a command, and note its events."""
        before = self.events
        answer = await super().give(command, request, by=by)
        self.noted[command] += self.events - before
        return answer


class Telling:
    """Compares the rows of every node before and after each command with what its events are about."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Look through `sessions`."""
        self.sessions = sessions
        self.rows: Rows = {}
        self.last_event_id = 0

    async def check(self) -> None:
        """Require that events tell of every row that changed since the last time."""
        async with self.sessions() as session:
            rows = await rows_of(session)
            new = select(OutboxEvent).where(OutboxEvent.id > self.last_event_id).order_by(OutboxEvent.id)
            events = list(await session.scalars(new))
        before, told = self.rows or rows, {about(event) for event in events}
        changed = {name for name in {*rows, *before} if rows.get(name) != before.get(name)}
        for name in changed:
            tellers = {teller for moment in (rows, before) if name in moment for teller in moment[name][1]}
            silent = tellers - told
            assert not silent, f"{name} changed, and nothing tells of {silent}: {[event.name for event in events]}"
        self.rows = rows
        self.last_event_id = max([self.last_event_id, *(event.id for event in events)])


def about(event: OutboxEvent) -> str:
    """The object that an event is about, by its type and key; nothing where nobody is told."""
    told = GRAPH.subjects.told.get(event.name)
    return f"{told.node}:{event.facts[told.key]}" if told else ""


async def rows_of(session: AsyncSession) -> Rows:
    """Every row of every node, with what must tell of a change of it."""
    assert set(OWNERS) == set(GRAPH.subjects.parts)
    readings = []
    for name, node in GRAPH.nodes.items():
        if name in TOLD_BY_NONE:
            continue
        owners = OWNERS.get(name, f"array['{name}:' || id]")
        told = f"'{name}:' || id, md5(row::text), array_remove({owners}, null)"
        readings.append(f"select {told} " + f"from {node.table.__tablename__} row")
    found = await session.execute(text(" union all ".join(readings)))
    return {name: (digest, frozenset(owners)) for name, digest, owners in found}
