"""What inventory does when a time comes.

The worker's loop calls `expire_due_holds` every second, each call in a transaction of its own, and again at once while
the answer is true. No hold needs a job of its own: what is due stands in the table, so nothing is lost or done twice.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.commands import expire_holds
from app.kernel import clock, limits
from app.kernel.reacting import Timer

EXPIRY_INTERVAL_SECONDS = 1.0
"""How often the worker looks for holds that are due."""


async def expire_due_holds(session: AsyncSession) -> bool:
    """Give back what carts held too long; whether there may be more that is due."""
    return await expire_holds(session, clock.now()) == limits.in_force().holds_expired_at_once_max


TIMERS: dict[Timer, float] = {expire_due_holds: EXPIRY_INTERVAL_SECONDS}
"""What the worker does when a time comes, and how many seconds may pass between two looks."""
