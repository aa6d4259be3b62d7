"""What happens to holds whose time ran out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands.holds import IS_ACTIVE, close_part, facts_of
from app.inventory.commands.levels import change_levels
from app.inventory.events import StockHoldExpired
from app.inventory.tables import HoldStatus, LevelChangeReason, StockHold
from app.kernel import limits
from app.kernel.outbox import record
from app.kernel.principal import SYSTEM, Principal


async def expire_holds(session: AsyncSession, now: datetime, *, by: Principal = SYSTEM) -> int:
    """Give back what holds that ended at `now` or before held; answers how many holds there were.

    Doing it again does nothing, several workers may do it at once, and a hold that its cart is just changing is left
    for the next time. One transaction takes `holds_expired_at_once_max` at most, so that it keeps no levels locked for
    long; call again at once where the answer is that many.
    """
    due = (
        select(StockHold)
        .where(IS_ACTIVE, StockHold.expires_at <= now)
        .order_by(StockHold.expires_at, StockHold.id)
        .limit(limits.in_force().holds_expired_at_once_max)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    holds = list(await session.scalars(due))
    changes = [close_part(session, hold, hold.quantity, HoldStatus.EXPIRED).change for hold in holds]
    for hold in holds:
        record(session, StockHoldExpired(**facts_of(hold)), by=by)
    await change_levels(session, changes, reason=LevelChangeReason.EXPIRED, by=by)
    await session.flush()
    return len(holds)
