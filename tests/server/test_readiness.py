"""Whether a process may be sent requests, as far as its place at the end of the log tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import orjson
import pytest
from starlette.requests import Request

from app.kernel.event_log import LogState
from app.server import http_health
from app.server.http_health import Readiness
from app.server.migrating import head


@dataclass
class Fake:
    """A database of the right revision, a wake-up, and a process somewhere in a log."""

    dispatched: int = 3
    last: int = 5
    connected: bool = True

    async def fetchval(self, statement: str) -> str:
        """The revision."""
        assert "alembic_version" in statement
        return head()

    @property
    def log(self) -> Fake:
        """Itself."""
        return self

    async def state(self) -> LogState:
        """Where the log stands."""
        return LogState("epoch", self.last, 0)


async def answered(readiness: Readiness) -> tuple[int, Any]:
    """The status, and what is told of the log."""
    answer = await readiness(cast("Request", None))
    return answer.status_code, orjson.loads(answer.body)["log"]


class TestReadiness:
    async def test_is_lost_by_who_stands_still_while_the_log_goes_on(self, monkeypatch: pytest.MonkeyPatch):
        here: Any = Fake()
        readiness = Readiness(here, here, head(), here)
        monkeypatch.setattr(http_health, "STANDS_SECONDS_MAX", 60.0)
        assert await answered(readiness) == (200, "ok")
        monkeypatch.setattr(http_health, "STANDS_SECONDS_MAX", 0.0)
        assert await answered(readiness) == (503, "followers stand still at position 3 of 5")
        here.dispatched = here.last = 6
        monkeypatch.setattr(http_health, "STANDS_SECONDS_MAX", 0.001)
        assert await answered(readiness) == (200, "ok")

    async def test_is_kept_by_who_is_late_but_moves(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(http_health, "STANDS_SECONDS_MAX", 0.001)
        here: Any = Fake()
        readiness = Readiness(here, here, head(), here)
        for position in range(3):
            here.dispatched, here.last = position, position + 1_000
            assert (await answered(readiness))[0] == 200

    async def test_is_kept_while_no_relay_gives_positions(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(http_health, "STANDS_SECONDS_MAX", 0.001)
        here: Any = Fake(dispatched=5)
        readiness = Readiness(here, here, head(), here)
        assert [(await answered(readiness))[0] for _ in range(3)] == [200] * 3
