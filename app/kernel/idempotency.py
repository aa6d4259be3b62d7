"""Idempotency: what a key stands for, so that a request sent twice is done once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Identity, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.limits import in_force
from app.kernel.reacting import Timer
from app.kernel.tables import Table

FORGOTTEN_AT_ONCE = 1_000


class IdempotentRequest(Table):
    """One request done under a key: whose, which mutation, its input's hash, and the ids or refusal it ended in."""

    __tablename__ = "idempotent_requests"
    __table_args__ = (UniqueConstraint("caller", "mutation", "key"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    caller: Mapped[str]
    mutation: Mapped[str]
    key: Mapped[str]
    input_hash: Mapped[str]
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


async def forget_old_requests(session: AsyncSession) -> bool:
    """Forget requests that nobody repeats any more, some at a time; whether there may be more."""
    before = clock.now() - timedelta(hours=in_force().idempotency_hours)
    old = select(IdempotentRequest.id).where(IdempotentRequest.recorded_at < before).limit(FORGOTTEN_AT_ONCE)
    found = await session.execute(delete(IdempotentRequest).where(IdempotentRequest.id.in_(old)))
    return found.rowcount == FORGOTTEN_AT_ONCE  # type: ignore[attr-defined,no-any-return]


TIMERS: dict[Timer, float] = {forget_old_requests: 60.0}
"""What the worker does when a time comes, and how many seconds may pass between two looks."""
