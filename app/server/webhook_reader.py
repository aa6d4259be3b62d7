"""The reader of webhooks: goes through the log, and notes for each event which endpoints are to be told.

The notes and how far the log was read commit together, so each event is noted once for each endpoint, however many
workers there are and however often one is killed. An endpoint that begins earlier than the others stand has a reader of
its own until it has caught up with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.questions import caller_now
from app.access.tables import ApiKey, User
from app.kernel.event_log import Cursor, LoggedEvent, LogState, decode_cursor
from app.kernel.limits import Limits
from app.kernel.locks import lock_one
from app.kernel.outbox import OutboxLog, write_outbox
from app.kernel.reacting import LogReader
from app.webhooks.commands import READER, Due, disable, enqueue, leave, reader_name, wish_of
from app.webhooks.ports import Unfollowable
from app.webhooks.tables import DisabledReason, EndpointStatus, WebhookEndpoint
from resolvers.following.log import Log, Placed
from resolvers.following.run import SCAN_POSITIONS_MAX
from resolvers.following.webhooks import Listener, Listeners, Webhooks, order_key

log = structlog.get_logger("lading.webhooks")
Sessions = async_sessionmaker[AsyncSession]
Version = tuple[int, int]
"""The version of an endpoint, and that of the user or key that it acts for."""


@dataclass(frozen=True)
class Known:
    """An endpoint as it was last looked at, and where it begins."""

    version: Version
    listener: Listener
    start: Cursor | None

    def wants(self, event: LoggedEvent, epoch: str) -> bool:
        """Whether an event is to be told, and its effects were not there to be read where the endpoint begins."""
        start = self.start if self.start is not None and self.start.epoch == epoch else None
        seen = start is not None and start.snapshot is not None and start.snapshot.saw(event.transaction_id)
        return not seen and self.listener.asked.route.wants(event)


class WebhookReader:
    """Turns the log into deliveries; of all workers' readers one works at a time."""

    def __init__(
        self, sessions: Sessions, event_log: Log, webhooks: Webhooks, limits: Limits, after_commit: Callable[[], None]
    ) -> None:
        """Read `event_log`, and note through `sessions`; call `after_commit` when something happened."""
        self._sessions = sessions
        self._log = event_log
        self._webhooks = webhooks
        self._limits = limits
        self._after_commit = after_commit
        self._known: dict[int, Known] = {}
        self._listeners = Listeners()
        self._turns = 0

    async def turn(self) -> bool:
        """Read on by one batch, or have one endpoint catch up by one, in turn; whether there may be more at once."""
        async with self._sessions() as session:
            reader = await self._reader(session)
            if reader is None:
                return False
            state = await self._log.state()
            if reader.position >= state.last_position and not await self._own(session):
                return False
            await self._look(session)
            own = await self._own(session)
            behind = [key for key, row in own.items() if row.position < reader.position]
            if behind and (self._turns % 2 or reader.position >= state.last_position):
                key = behind[self._turns // 2 % len(behind)]
                await self._catch_up(session, key, own[key], reader.position)
                read = True
            else:
                read = await self._read_on(session, reader, own, state)
            happened = await write_outbox(session)
            await session.commit()
        self._turns += 1
        if happened:
            self._after_commit()
        return read or bool(behind)

    async def _reader(self, session: AsyncSession) -> LogReader | None:
        """The row of our progress, locked; None where another worker holds it. The first begins at the log's end."""
        end = select(func.coalesce(func.max(OutboxLog.last_position), 0)).scalar_subquery()
        first = insert(LogReader).values(name=READER, position=end, attempts=0)
        await session.execute(first.on_conflict_do_nothing())
        mine = select(LogReader).where(LogReader.name == READER).with_for_update(skip_locked=True)
        return (await session.scalars(mine)).one_or_none()

    async def _look(self, session: AsyncSession) -> None:
        """Know the endpoints as they are now."""
        caller = func.coalesce(User.version, ApiKey.version)
        found = (
            select(WebhookEndpoint.id, WebhookEndpoint.version, caller)
            .outerjoin(User, User.id == WebhookEndpoint.user_id)
            .outerjoin(ApiKey, ApiKey.id == WebhookEndpoint.api_key_id)
            .where(WebhookEndpoint.status == EndpointStatus.ACTIVE)
        )
        present: dict[int, Version] = {row[0]: (row[1], row[2]) for row in await session.execute(found)}
        for key in [key for key, known in self._known.items() if present.get(key) != known.version]:
            self._listeners.remove(self._known.pop(key).listener)
        for key in sorted(present.keys() - self._known.keys()):
            await self._meet(session, key, present[key])

    async def _meet(self, session: AsyncSession, endpoint_id: int, version: Version) -> None:
        """Know one endpoint; where its caller may not follow what it asks for any more, it is disabled."""
        endpoint = await session.get(WebhookEndpoint, endpoint_id, populate_existing=True)
        if endpoint is None or endpoint.status is not EndpointStatus.ACTIVE:
            return
        caller = await caller_now(session, user_id=endpoint.user_id, api_key_id=endpoint.api_key_id)
        if caller is None:
            await self._disable(session, endpoint_id, DisabledReason.CALLER_ENDED)
            return
        try:
            listener = Listener(endpoint_id, self._webhooks.asked(wish_of(endpoint), caller))
        except Unfollowable as refused:
            log.warning("webhook cannot follow", endpoint_id=endpoint_id, why=str(refused))
            await self._disable(session, endpoint_id, DisabledReason.FORBIDDEN)
            return
        except Exception:
            log.exception("webhook cannot follow", endpoint_id=endpoint_id)
            await self._disable(session, endpoint_id, DisabledReason.FORBIDDEN)
            return
        start = decode_cursor(endpoint.begins_after) if endpoint.begins_after else None
        self._known[endpoint_id] = Known(version, listener, start)
        self._listeners.add(listener)

    async def _disable(self, session: AsyncSession, endpoint_id: int, reason: DisabledReason) -> None:
        endpoint = await lock_one(session, WebhookEndpoint, endpoint_id)
        if endpoint is not None:
            await disable(session, endpoint, reason)

    async def _own(self, session: AsyncSession) -> dict[int, LogReader]:
        """The readers that endpoints have to themselves; each is there as soon as its endpoint is known."""
        prefix = reader_name(0).removesuffix("0")
        found = select(LogReader).where(LogReader.name.startswith(prefix, autoescape=True)).order_by(LogReader.name)
        rows = await session.scalars(found.execution_options(populate_existing=True))
        return {int(row.name.removeprefix(prefix)): row for row in rows}

    async def _catch_up(self, session: AsyncSession, endpoint_id: int, own: LogReader, until: int) -> None:
        """Note the next of what one endpoint is to be told of what the others were told before."""
        known = self._known.get(endpoint_id)
        state = await self._log.state()
        if known is None or state.pruned_position > own.position:
            await self._give_up(session, endpoint_id)
            return
        until = min(until, own.position + SCAN_POSITIONS_MAX)
        route, batch = known.listener.asked.route, self._limits.webhook_batch_events_max
        found = await self._log.matching(route, after=own.position, until=until, limit=batch)
        wanted = [event for event in found if known.wants(event, state.epoch)]
        await enqueue(session, [_due(known.listener, event) for event in wanted])
        own.position = found[-1].position if len(found) == batch else until

    async def _give_up(self, session: AsyncSession, endpoint_id: int) -> None:
        """End a reader that has nobody to read for, or that finds what it was to read gone."""
        if endpoint_id in self._known:
            await self._disable(session, endpoint_id, DisabledReason.MISSED)
        else:
            await leave(session, endpoint_id)

    async def _read_on(
        self, session: AsyncSession, reader: LogReader, own: Mapping[int, LogReader], state: LogState
    ) -> bool:
        """Note the next of what all those are to be told that have come as far; whether there was anything to read."""
        if state.pruned_position > reader.position:
            await self._miss(session, reader, own, state)
            return True
        before = reader.position
        if not self._known:
            reader.position = max(before, state.last_position)
            return False
        _, placed = await self._log.after(before, self._limits.webhook_batch_events_max)
        begins = {key: row.position for key, row in own.items()}
        told = [
            (event, known)
            for event in placed
            for known in self._told(event)
            if before <= begins.get(known.listener.endpoint_id, before) < event.position
        ]
        await self._log.complete([event for event, _ in told])
        whole = [(event.whole, known) for event, known in told if event.whole is not None]
        wanted = [(event, known) for event, known in whole if known.wants(event, state.epoch)]
        await enqueue(session, [_due(known.listener, event) for event, known in wanted])
        reader.position = placed[-1].position if placed else before
        for key, begin in begins.items():
            if before <= begin <= reader.position:
                await leave(session, key)
        return bool(placed)

    async def _miss(
        self, session: AsyncSession, reader: LogReader, own: Mapping[int, LogReader], state: LogState
    ) -> None:
        """Go on where the log begins, for no worker came for weeks; whoever was to be told what is gone is disabled."""
        log.error("webhooks missed events", after=reader.position, until=state.pruned_position)
        for key in sorted(self._known.keys() - own.keys()):
            await self._disable(session, key, DisabledReason.MISSED)
        reader.position = state.pruned_position

    def _told(self, event: Placed) -> list[Known]:
        """The endpoints that an event may be for."""
        return [self._known[each.endpoint_id] for each in self._listeners.of(event.name, event.keys)]


def _due(listener: Listener, event: LoggedEvent) -> Due:
    """What is to be delivered of an event to an endpoint."""
    return Due(listener.endpoint_id, event.position, event.name, order_key(listener.asked, event), event.occurred_at)
