"""Whether the process lives and whether it may be sent requests, for whoever starts and watches it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.server.lending import Lender
from app.server.migrating import mismatch, revision_by
from app.server.replica import Replica
from app.server.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.requests import Request

    from resolvers.following.run import Following

ANSWER_SECONDS_MAX = 3
STANDS_SECONDS_MAX = 15
"""A process whose followers are handed nothing for so long, though there is something, stands still."""
OK = "ok"


async def livez(_: Request) -> Response:
    """The event loop turns: nothing more is said."""
    return PlainTextResponse(OK)


@dataclass
class Readiness:
    """Asks PostgreSQL for its schema's revision and where the log stands, and Redis for an answer."""

    primary: Lender
    wakeup: Wakeup
    wanted: str
    following: Following
    replica: Replica | None = None
    _stood_at: int = -1
    _stood_since: float = 0.0

    async def __call__(self, _: Request) -> Response:
        """Ready (200) or not (503), and why.

        Without Redis followers are served by polling, and without the replica the primary is read: both are only told.
        One whose followers hear nothing more although the log goes on is not ready, for others may do better. That no
        relay gives positions is a fault that others share: a figure tells it (`lading_follow_silence_seconds`).
        """
        checks = (_told(self._database()), _told(self._redis()), _told(self._log()))
        database, waker, log = await asyncio.gather(*checks)
        ready = database == log == OK
        told: dict[str, Any] = {"status": "ready" if ready else "not ready", "database": database, "redis": waker}
        told["log"] = log
        if self.replica is not None:
            told["replica"] = self.replica.state
        return JSONResponse(told, status_code=200 if ready else 503)

    async def _database(self) -> str:
        return mismatch(await revision_by(self.primary.fetchval), self.wanted) or OK

    async def _redis(self) -> str:
        return OK if self.wakeup.connected else "does not answer"

    async def _log(self) -> str:
        """Whether followers are handed what is in the log; it needs two looks to see that nothing moves."""
        last = (await self.following.log.state()).last_position
        dispatched, now = self.following.dispatched, time.monotonic()
        if dispatched != self._stood_at or dispatched >= last:
            self._stood_at, self._stood_since = dispatched, now
        if now - self._stood_since < STANDS_SECONDS_MAX:
            return OK
        return f"followers stand still at position {dispatched} of {last}"


async def _told(check: Awaitable[str]) -> str:
    try:
        return await asyncio.wait_for(check, ANSWER_SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "does not answer"
