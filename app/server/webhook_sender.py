"""The sender of webhooks: claims what is due, calls the receivers, and notes what came of it.

No transaction is open while a receiver is called. A delivery that was claimed by a process which died is found again
when its lease ends, and is sent again under the same id. Deliveries of one endpoint and key go out in turn. No endpoint
takes more than its share of the places, and those that fail have half of them at most: they hold up no others.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from prometheus_client import Counter as Count
from prometheus_client import Gauge
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.questions import caller_now
from app.kernel import clock
from app.kernel.event_log import LoggedEvent
from app.kernel.identity import encode_id
from app.kernel.limits import Limits
from app.kernel.outbox import OutboxEvent, OutboxLog, write_outbox
from app.webhooks import ports
from app.webhooks.commands import (
    TEST_EVENT,
    Claimed,
    Outcome,
    claim,
    cut_off,
    seeds_of,
    settle,
    wish_of,
    withdraw,
)
from app.webhooks.ports import CallFailed, Outside, Unfollowable
from app.webhooks.rules import told_wait
from app.webhooks.tables import DisabledReason, WebhookDelivery, WebhookEndpoint
from resolvers.errors import RequestError
from resolvers.following.tail import DATABASE_FAILURES
from resolvers.following.webhooks import Webhooks

DELIVERED, FAILED, UNSENT = "delivered", "failed", "unsent"
SENT = Count("lading_webhook_attempts_total", "Attempts to deliver to webhooks, by what came of them.", ["outcome"])
for _outcome in (DELIVERED, FAILED, UNSENT):
    SENT.labels(_outcome)
WAITING = Gauge(
    "lading_webhook_waiting",
    "Deliveries that wait to be sent to endpoints that are not disabled.",
    multiprocess_mode="livemax",
)
OLDEST = Gauge(
    "lading_webhook_oldest_waiting_seconds",
    "How long ago the oldest of those that wait was noted.",
    multiprocess_mode="livemax",
)
DEAD = Gauge("lading_webhook_dead", "Deliveries that were given up and are kept.", multiprocess_mode="livemax")
HIDDEN = "Not sent: what it shows is hidden from its caller by now, or not asked for any more."
CALLER_ENDED = "Not sent: the user or API key that the endpoint acts for may no longer call."
LOOK = """
SELECT count(*), coalesce(extract(epoch FROM :now - min(delivery.created_at)), 0),
    (SELECT count(*) FROM webhook_deliveries WHERE status = 'DEAD')
FROM webhook_deliveries AS delivery JOIN webhook_endpoints AS endpoint ON endpoint.id = delivery.endpoint_id
WHERE delivery.status = 'WAITING' AND endpoint.status = 'ACTIVE'
"""
OUR_FAULT = "Something went wrong on our side."
log = structlog.get_logger("lading.webhooks")
Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True)
class Letter:
    """What is to be sent, and where to."""

    url: str
    message_id: str
    body: bytes
    seeds: list[bytes]


@dataclass(frozen=True)
class Unsent:
    """Why nothing is sent: for good, or, where there is a reason to disable the endpoint, until it is enabled again."""

    why: str
    reason: DisabledReason | None = None


class WebhookSender:
    """Sends what webhooks are to be told, many at once; any number of processes may have one."""

    def __init__(
        self,
        sessions: Sessions,
        webhooks: Webhooks,
        outside: Outside,
        limits: Limits,
        after_commit: Callable[[], None],
    ) -> None:
        """Send by `outside` what `webhooks` read; call `after_commit` when something happened."""
        self._sessions = sessions
        self._webhooks = webhooks
        self._outside = outside
        self._limits = limits
        self._after_commit = after_commit
        self._sending: dict[asyncio.Task[None], tuple[int, bool]] = {}

    async def turn(self) -> bool:
        """Claim what is due and begin to send it; whether there may be more to do at once."""
        free = self._limits.webhook_sends_max - len(self._sending)
        share = max(1, self._limits.webhook_sends_per_endpoint_max // 2)
        under_way = Counter(endpoint for endpoint, _ in self._sending.values())
        full = [key for key, count in under_way.items() if count > self._limits.webhook_sends_per_endpoint_max - share]
        half = self._limits.webhook_sends_max // 2 - sum(failing for _, failing in self._sending.values())
        begun = await self._begin(free, each=share, failing=False, busy=full)
        begun += await self._begin(min(free - begun, half), each=1, failing=True, busy=list(under_way))
        return begun > 0

    async def look(self) -> bool:
        """Count for the figures what waits and what was given up."""
        async with self._sessions() as session:
            waiting, oldest, dead = (await session.execute(text(LOOK), {"now": clock.now()})).one()
        WAITING.set(waiting)
        OLDEST.set(float(oldest))
        DEAD.set(dead)
        return False

    async def settled(self) -> None:
        """Wait for all that is under way."""
        while self._sending:
            await asyncio.wait([*self._sending])

    async def stop(self, seconds: float) -> None:
        """Wait for what is under way for so long; what is cut off then is sent again once its lease ends."""
        if self._sending:
            _, late = await asyncio.wait([*self._sending], timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _begin(self, many: int, *, each: int, failing: bool, busy: list[int]) -> int:
        """Begin to send up to so many deliveries; answers how many it is."""
        async with self._sessions() as session:
            claimed = await claim(session, many, each=each, failing=failing, busy=busy)
            await session.commit()
        for one in claimed:
            task = asyncio.create_task(self._deliver(one), name="webhook")
            self._sending[task] = (one.endpoint_id, failing)
            task.add_done_callback(lambda done: self._sending.pop(done, None))
        return len(claimed)

    async def _deliver(self, claimed: Claimed) -> None:
        """Send one delivery and note what came of it. What fails here itself is tried again when the lease ends."""
        try:
            letter = await self._read(claimed)
            if isinstance(letter, Unsent):
                await self._noted(lambda session: _left(session, claimed, letter))
                SENT.labels(UNSENT).inc()
                return
            outcome = await self._sent(letter) if isinstance(letter, Letter) else letter
            await self._noted(lambda session: settle(session, claimed, outcome))
        except Exception:
            log.exception("webhook delivery failed", delivery_id=claimed.delivery_id)
            return
        SENT.labels(DELIVERED if outcome.is_success else FAILED).inc()
        tell = log.info if outcome.is_success else log.warning
        host = urlsplit(letter.url).hostname if isinstance(letter, Letter) else None
        told = {"delivery_id": claimed.delivery_id, "attempt": claimed.attempt, "host": host}
        tell("webhook sent", status=outcome.http_status, error=outcome.error, **told)

    async def _read(self, claimed: Claimed) -> Letter | Unsent | Outcome:
        """The letter that is to be sent, why there is none, or an attempt that failed before anything was sent."""
        try:
            return await self._written(claimed)
        except (DBAPIError, *DATABASE_FAILURES):
            raise
        except RequestError as refused:
            return Outcome(error=f"Not sent: {refused.message}", chance=random.random())  # noqa: S311
        except Exception:
            log.exception("webhook cannot be written", delivery_id=claimed.delivery_id)
            return Outcome(error=OUR_FAULT, chance=random.random())  # noqa: S311

    async def _written(self, claimed: Claimed) -> Letter | Unsent:
        """The letter that tells a delivery's event as it is to be told now, or why there is none."""
        async with self._sessions() as session:
            delivery = await session.get_one(WebhookDelivery, claimed.delivery_id)
            endpoint = await session.get_one(WebhookEndpoint, claimed.endpoint_id)
            caller = await caller_now(session, user_id=endpoint.user_id, api_key_id=endpoint.api_key_id)
            event = await _event(session, delivery)
            epoch = await session.scalar(select(OutboxLog.epoch)) or ""
        if caller is None:
            return Unsent(CALLER_ENDED, DisabledReason.CALLER_ENDED)
        try:
            asked = self._webhooks.asked(wish_of(endpoint), caller)
        except Unfollowable as refused:
            return Unsent(f"Not sent: {refused}", DisabledReason.FORBIDDEN)
        if event is None:
            body = _test_body(endpoint, delivery)
        else:
            wanted = asked.route.wants(event) and event.name in asked.route.names
            told = await self._webhooks.message(asked, event, epoch) if wanted else None
            if told is None:
                return Unsent(HIDDEN)
            body = told
        return Letter(endpoint.url, delivery.message_id, body, seeds_of(endpoint))

    async def _sent(self, letter: Letter) -> Outcome:
        """What came of calling the receiver."""
        now, began = clock.now(), time.perf_counter()
        headers = ports.secrets.part.signed(letter.seeds, letter.message_id, now, letter.body)
        status, wait, error = None, None, None
        try:
            answer = await self._outside.post(letter.url, headers, letter.body)
        except CallFailed as failed:
            error = str(failed)
        except Exception:
            log.exception("webhook call failed", host=urlsplit(letter.url).hostname)
            error = OUR_FAULT
        else:
            status, wait = answer.status, told_wait(answer.retry_after, clock.now())
            error = None if 200 <= status < 300 else _refusal(status)
        return Outcome(
            error=error,
            http_status=status,
            milliseconds=round((time.perf_counter() - began) * 1_000),
            told_wait=wait,
            chance=random.random(),  # noqa: S311
        )

    async def _noted(self, note: Callable[[AsyncSession], Any]) -> None:
        """Note in one transaction what came of an attempt."""
        async with self._sessions() as session:
            await note(session)
            happened = await write_outbox(session)
            await session.commit()
        if happened:
            self._after_commit()


async def _left(session: AsyncSession, claimed: Claimed, unsent: Unsent) -> None:
    """Note why nothing was sent."""
    if unsent.reason is None:
        await withdraw(session, claimed, unsent.why)
    else:
        await cut_off(session, claimed, unsent.reason, unsent.why)


async def _event(session: AsyncSession, delivery: WebhookDelivery) -> LoggedEvent | None:
    """The event that a delivery tells, from the outbox, which outlives the positions; None of a test."""
    if delivery.event_id is None:
        return None
    event = await session.get_one(OutboxEvent, delivery.event_id)
    return LoggedEvent(
        position=delivery.position or 0,
        name=event.name,
        keys=event.keys,
        facts=event.facts,
        actor=event.actor,
        occurred_at=event.occurred_at,
        transaction_id=0,
    )


def _test_body(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> bytes:
    """The body of a message that tries an endpoint out."""
    told = {"id": encode_id("WebhookEndpoint", endpoint.id), "name": endpoint.name}
    message = {
        "type": TEST_EVENT,
        "timestamp": delivery.occurred_at.isoformat(),
        "cursor": None,
        "data": {"webhookEndpoint": told},
    }
    return orjson.dumps(message)


def _refusal(status: int) -> str:
    """Why an answer is no success."""
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."
