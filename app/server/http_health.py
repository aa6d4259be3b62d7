"""Whether the process lives and whether it may be sent requests, for whoever starts and watches it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.server.lending import Lender
from app.server.migrating import head, mismatch, revision_by
from app.server.replica import Replica
from app.server.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.requests import Request

ANSWER_SECONDS_MAX = 3
OK = "ok"


async def livez(_: Request) -> Response:
    """The event loop turns: nothing more is said."""
    return PlainTextResponse(OK)


@dataclass(frozen=True)
class Readiness:
    """Asks PostgreSQL for its schema's revision and Redis for an answer."""

    primary: Lender
    wakeup: Wakeup
    wanted: str
    replica: Replica | None = None

    async def __call__(self, _: Request) -> Response:
        """Ready (200) or not (503), and why.

        Without Redis followers are served by polling, and without the replica the primary is read: both are only told.
        """
        database, waker = await asyncio.gather(_told(self._database()), _told(self._redis()))
        ready = database == OK
        told: dict[str, Any] = {"status": "ready" if ready else "not ready", "database": database, "redis": waker}
        if self.replica is not None:
            told["replica"] = self.replica.state
        return JSONResponse(told, status_code=200 if ready else 503)

    async def _database(self) -> str:
        return mismatch(await revision_by(self.primary.fetchval), self.wanted) or OK

    async def _redis(self) -> str:
        return OK if self.wakeup.connected else "does not answer"


def readiness(primary: Lender, wakeup: Wakeup, replica: Replica | None) -> Readiness:
    """The check of a process whose code is of the newest revision it knows."""
    return Readiness(primary, wakeup, head(), replica)


async def _told(check: Awaitable[str]) -> str:
    try:
        return await asyncio.wait_for(check, ANSWER_SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "does not answer"
