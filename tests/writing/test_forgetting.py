"""Remembered requests are forgotten in their time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.idempotency import IdempotentRequest, forget_old_requests
from app.kernel.limits import DEFAULTS


async def remembered(session: AsyncSession, key: str) -> None:
    """A request that is remembered now."""
    told = {"caller": "user:1", "mutation": "stockAdjust", "key": key, "input_hash": "x", "outcome": {}}
    session.add(IdempotentRequest(**told))
    await session.flush()


class TestForgetOldRequests:
    async def test_keeps_those_that_may_still_be_repeated(self, session: AsyncSession):
        with clock.stopped_at(clock.now() - timedelta(hours=DEFAULTS.idempotency_hours, minutes=1)):
            await remembered(session, "old")
        await remembered(session, "new")
        assert not await forget_old_requests(session)
        assert (await session.scalars(select(IdempotentRequest.key))).all() == ["new"]
