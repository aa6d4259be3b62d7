"""The figures of real processes: what a follower and a relay do is seen from outside, and the README names them all."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families as families

from app.server import figures
from app.server.migrating import ROOT
from tests.following.conftest import Shelf
from tests.following.fleets import EventStream, event, fleet_of
from tests.server.sockets import receive, send

FIGURE = re.compile(r"`(lading_\w+)`")
OF_REPLICAS = {"lading_replica_reads_total", "lading_replica_behind_bytes"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def told_at(address: str) -> dict[str, float]:
    """Every figure without labels, and every name of one with."""
    async with httpx2.AsyncClient() as client:
        text = (await client.get(f"{address}/metrics")).text
    found = [sample for family in families(text) for sample in family.samples]
    return {sample.name: sample.value for sample in found if sample.name.startswith("lading_")}


async def until(address: str, name: str, value: float) -> dict[str, float]:
    """The figures, once one of them is `value`."""
    async with asyncio.timeout(10):
        while (told := await told_at(address)).get(name) != value:
            await asyncio.sleep(0.1)
    return told


async def test_tell_of_followers_and_of_the_relay(database_url: str, redis_url: str, redis_prefix: str, shelf: Shelf):
    port = str(free_port())
    settings = {"relays": 1, "LADING_METRICS_PORT": port}
    async with fleet_of(database_url, redis_url, redis_prefix, **settings) as fleet:  # type: ignore[arg-type]
        here, relay = fleet.staff.address, f"http://127.0.0.1:{port}"
        connection = await fleet.follow(here)
        stream = await EventStream(here, fleet.staff.credential, None).begun()
        await shelf.change()
        await event(connection)
        await stream.levels(1)
        await send(connection, type="subscribe", id="2", payload={"query": EXPIRED})
        assert (await receive(connection))["type"] == "error"
        told = await until(here, "lading_follow_deliveries_total", 2)
        assert {name: told[f"lading_{name}"] for name in EXPECTED} == EXPECTED
        assert told["lading_follow_latest_seconds_count"] >= 1
        assert 0 < told["lading_follow_latest_seconds_sum"] < 5
        assert told["lading_follow_silence_seconds"] < 5
        led = await told_at(relay)
        assert (led["lading_relay_leads"], led["lading_relay_waiting_events"]) == (1, 0)
        assert led["lading_relay_positioned_total"] >= 2
        assert led["lading_wakeup_connected"] == 1
        await connection.close()
        await until(here, "lading_followers", 1)
        fleet.relays[0].running.kill()
        before = (await told_at(here))["lading_follow_silence_seconds"]
        await asyncio.sleep(1.5)
        assert (await told_at(here))["lading_follow_silence_seconds"] > before + 1
    beginning = (ROOT / "README.md").read_text().partition("<!-- figures -->")[2].partition("<!-- /figures -->")[0]
    named = set(FIGURE.findall(beginning))
    assert named - told.keys() - led.keys() - OF_REPLICAS - {"lading_http_request_seconds", HISTOGRAM} == set()
    parts = re.compile(r"_(created|bucket|count|sum)$")
    assert {parts.sub("", name) for name in (*told, *led) if not name.endswith("_created")} - named == set()


EXPIRED = 'subscription { stockLevelChanged(after: "b3RoZXI6MQ==") { cursor } }'
HISTOGRAM = "lading_follow_latest_seconds"
EXPECTED = {
    "followers": 2,
    "cohorts": 1,
    "websockets_open": 1,
    "event_streams_open": 1,
    "follow_lag_positions": 0,
    "follow_cursors_expired_total": 1,
    "follow_too_slow_total": 0,
    "wakeup_connected": 1,
    "wakeup_connections_total": 1,
}


class TestForgetDead:
    def test_leaves_out_what_processes_that_ended_had(self, tmp_path: Path):
        dead = 2**22 + 1
        for pid in (os.getpid(), dead):
            (tmp_path / f"gauge_livesum_{pid}.db").touch()
            (tmp_path / f"counter_{pid}.db").touch()
        figures.forget_dead(tmp_path)
        kept = {path.name for path in tmp_path.iterdir()}
        assert kept == {f"gauge_livesum_{os.getpid()}.db", f"counter_{os.getpid()}.db", f"counter_{dead}.db"}
