"""A loop that stands still is found out, and the watched server answers as the real one does."""

import asyncio
import json
import time
from typing import Any

from bench.standstill import PATH, Ticks, Watched, spread


class TestTicks:
    async def test_tell_how_long_the_loop_stood_still_and_by_whose_work(self):
        ticks = Ticks()
        ticking = asyncio.create_task(ticks.run())
        await asyncio.sleep(0.005)
        deadline = time.thread_time() + 0.03
        while time.thread_time() < deadline:
            pass
        await asyncio.sleep(0.005)
        told = ticks.take()
        ticking.cancel()
        assert told["late"]["most"] >= 25
        assert 20 <= told["own"]["most"] <= told["late"]["most"]
        assert ticks.take()["ticks"] == 0

    def test_of_nothing_are_nothing(self):
        assert spread([]) == {"p50": 0.0, "p99": 0.0, "most": 0.0}


class TestWatched:
    async def test_leads_all_to_the_application_but_one_path(self):
        asked: list[str] = []
        sent: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            asked.append(scope.get("path", scope["type"]))

        async def send(message: Any) -> None:
            sent.append(message)

        watched = Watched(app)
        for path in ("/graphql", PATH):
            await watched({"type": "http", "path": path}, None, send)  # type: ignore[arg-type]
        await watched({"type": "lifespan"}, None, send)  # type: ignore[arg-type]
        assert asked == ["/graphql", "lifespan"]
        assert json.loads(sent[1]["body"])["ticks"] == 0
