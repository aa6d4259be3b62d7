"""What came of an attempt is noted, and what follows from it: the next attempt, the end, or the next of its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.limits import in_force
from app.kernel.locks import lock_one
from app.webhooks import rules
from app.webhooks.commands.claiming import Claimed
from app.webhooks.commands.switching import disable
from app.webhooks.tables import DeliveryStatus, DisabledReason, WebhookAttempt, WebhookDelivery, WebhookEndpoint

GONE = 410
DELIVERED_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one attempt. It succeeded where there is no `error`."""

    error: str | None = None
    http_status: int | None = None
    milliseconds: int = 0
    told_wait: timedelta | None = None
    """How long the receiver asked to be left alone."""
    chance: float = 0.5
    """A number from 0 to 1 by chance, which spreads what failed together."""

    @property
    def is_success(self) -> bool:
        """Whether the receiver took the message."""
        return self.error is None


async def settle(session: AsyncSession, claimed: Claimed, outcome: Outcome) -> DeliveryStatus | None:
    """Note what came of an attempt, and what becomes of its delivery; None where others settled that meanwhile."""
    endpoint, delivery = await _locked(session, claimed)
    await _note(session, claimed, outcome)
    is_ours = delivery.attempt_count == claimed.attempt or outcome.is_success
    if delivery.status is not DeliveryStatus.WAITING or not is_ours:
        return None
    if outcome.is_success:
        await _succeeded(session, endpoint)
        await _finish(session, delivery, DeliveryStatus.DELIVERED)
    else:
        await _failed(session, endpoint, delivery, outcome)
    return delivery.status


async def withdraw(session: AsyncSession, claimed: Claimed, why: str) -> None:
    """Leave a delivery unsent for good, because its caller may not see any more what it would show."""
    _, delivery = await _locked(session, claimed)
    await _note(session, claimed, Outcome(error=why))
    if delivery.status is DeliveryStatus.WAITING:
        await _finish(session, delivery, DeliveryStatus.WITHDRAWN)


async def cut_off(session: AsyncSession, claimed: Claimed, reason: DisabledReason, why: str) -> None:
    """Disable an endpoint that may be told nothing any more; the delivery waits for it to be enabled again."""
    endpoint, delivery = await _locked(session, claimed)
    await _note(session, claimed, Outcome(error=why))
    if delivery.status is DeliveryStatus.WAITING:
        delivery.due_at, delivery.tried = clock.now(), 0
    await disable(session, endpoint, reason)
    await session.flush()


async def _locked(session: AsyncSession, claimed: Claimed) -> tuple[WebhookEndpoint, WebhookDelivery]:
    """The endpoint and the delivery, locked in this order, as by everybody."""
    endpoint = await lock_one(session, WebhookEndpoint, claimed.endpoint_id)
    delivery = await lock_one(session, WebhookDelivery, claimed.delivery_id)
    assert endpoint is not None  # noqa: S101
    assert delivery is not None  # noqa: S101
    return endpoint, delivery


async def _note(session: AsyncSession, claimed: Claimed, outcome: Outcome) -> None:
    """Complete the attempt's row."""
    await session.execute(
        update(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == claimed.delivery_id, WebhookAttempt.number == claimed.attempt)
        .values(http_status=outcome.http_status, milliseconds=outcome.milliseconds, error=outcome.error)
        .execution_options(synchronize_session=False)
    )


async def _failed(
    session: AsyncSession, endpoint: WebhookEndpoint, delivery: WebhookDelivery, outcome: Outcome
) -> None:
    """Have a delivery tried again later, or give it up; an endpoint that is gone or failing for days is disabled."""
    now = clock.now()
    since = endpoint.failing_since or now
    if endpoint.failing_since is None:
        await _note_health(session, endpoint, failing_since=now)
    wait = rules.delay_before(delivery.tried + 1, told=outcome.told_wait, chance=outcome.chance)
    if wait is None:
        await _finish(session, delivery, DeliveryStatus.DEAD)
    else:
        delivery.due_at = now + wait
        await session.flush()
    if outcome.http_status == GONE:
        await disable(session, endpoint, DisabledReason.GONE)
    elif now - since >= timedelta(hours=in_force().webhook_failing_hours_max):
        await disable(session, endpoint, DisabledReason.FAILING)


async def _succeeded(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Note that an endpoint takes messages, at most once a minute unless it did not before."""
    now, noted = clock.now(), endpoint.delivered_at
    if endpoint.failing_since is not None or noted is None or now - noted >= DELIVERED_NOTED_EVERY:
        await _note_health(session, endpoint, failing_since=None, delivered_at=now)


async def _note_health(session: AsyncSession, endpoint: WebhookEndpoint, **values: object) -> None:
    """Note how an endpoint does, which is locked; that is no change of it, so its version stays."""
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint.id)
        .values(**values, updated_at=WebhookEndpoint.updated_at)
        .execution_options(synchronize_session=False)
    )


async def _finish(session: AsyncSession, delivery: WebhookDelivery, status: DeliveryStatus) -> None:
    """Settle a delivery, and let the next that waits under its key be sent."""
    delivery.status, delivery.settled_at, delivery.due_at = status, clock.now(), None
    await session.flush()
    following = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.endpoint_id == delivery.endpoint_id,
            WebhookDelivery.order_key == delivery.order_key,
            WebhookDelivery.status == DeliveryStatus.WAITING,
        )
        .order_by(WebhookDelivery.id)
        .limit(1)
        .scalar_subquery()
    )
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == following, WebhookDelivery.due_at.is_(None))
        .values(due_at=clock.now(), updated_at=WebhookDelivery.updated_at)
        .execution_options(synchronize_session=False)
    )
