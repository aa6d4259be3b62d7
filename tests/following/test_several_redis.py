"""Following over a cluster and over Sentinels: a node that is killed, and a fail-over, cost latency and no event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.server import doctor
from app.server.settings import Settings, read_settings
from app.server.wakeup import Wakeup, server
from tests.following.conftest import Shelf
from tests.following.processes import Reader, eventually, process, relaying
from tests.following.several_redis import PASSWORD, SENTINELS_PASSWORD, Node, Several, cluster, until, watched

LEVELS = "subscription { stockLevelChanged { cursor availableAfter } }"


@asynccontextmanager
async def over(url: str) -> AsyncIterator[Wakeup]:
    """A wake-up of one process, which hears."""
    made = Wakeup(url, namespace="several")
    await made.connect()
    try:
        await eventually(lambda: made.connected, 10)
        assert made.connected
        yield made
    finally:
        await made.disconnect()


@asynccontextmanager
async def following(
    url: str, database_url: str, sessions: async_sessionmaker[AsyncSession]
) -> AsyncIterator[tuple[list[Wakeup], list[Reader]]]:
    """A relay and three processes, each with a wake-up of its own, and a reader in each process."""
    async with AsyncExitStack() as things:
        wakeups = [await things.enter_async_context(over(url)) for _ in range(4)]
        await things.enter_async_context(relaying(database_url, wakeups[0]))
        readers = []
        for wakeup in wakeups[1:]:
            made = await things.enter_async_context(process(database_url, sessions, wakeup))
            await made.settled()
            readers.append(await made.follow(LEVELS))
        yield wakeups, readers
        for reader in readers:
            await reader.close()


async def hears(teller: Wakeup, hearer: Wakeup) -> bool:
    """Whether what one tells the other hears."""
    try:
        async with asyncio.timeout(1), hearer.subscribe("try") as heard:
            await teller.publish("try", "it")
            while await heard.next() != "it":
                pass
    except TimeoutError:
        return False
    return True


async def changes(shelf: Shelf, readers: list[Reader], told: int, more: int) -> int:
    """Change stock so often, and see that every reader is told of all changes, each once, in order."""
    for _ in range(more):
        await shelf.change()
        await asyncio.sleep(0.1)
    for reader in readers:
        read = await reader.count(told + more, 15)
        assert [event["availableAfter"] for event in read] == [101 + number for number in range(told + more)]
    return told + more


async def all_hear(wakeups: list[Wakeup]) -> None:
    """Wait until each hears what each other tells."""
    for teller in wakeups:
        for hearer in wakeups:

            async def heard(teller: Wakeup = teller, hearer: Wakeup = hearer) -> bool:
                return await hears(teller, hearer)

            await until(heard)


def settings_of(several: Several, database_url: str, home: Path) -> Settings:
    """Settings of a production over these servers."""
    return read_settings(home=home, database_url=SecretStr(database_url), redis_url=SecretStr(several.url))


async def told_by_doctor(settings: Settings) -> str:
    """What the doctor says of Redis."""
    (finding,) = await doctor._reached("Redis", settings.woken_by, doctor._redis)  # noqa: SLF001
    assert not finding.wrong
    return finding.found


async def test_a_cluster_s_node_that_is_killed_costs_no_event(database_url, sessions, shelf: Shelf, tmp_path: Path):
    async with cluster(tmp_path) as several:
        assert "a cluster whose state is ok" in await told_by_doctor(settings_of(several, database_url, tmp_path))
        async with following(several.url, database_url, sessions) as (wakeups, readers):
            await all_hear(wakeups)
            told = await changes(shelf, readers, 0, 3)
            for node in several.nodes[:2]:
                node.kill()
                told = await changes(shelf, readers, told, 5)
                await all_hear(wakeups)
                told = await changes(shelf, readers, told, 3)


async def test_a_node_at_which_nobody_is_heard_is_left_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(server, "QUIET_SECONDS", 0.3)
    async with cluster(tmp_path) as several, over(several.url):
        for node in several.nodes:

            async def is_heard(node: Node = node) -> bool:
                return "keep-alive" in str(await node.ask("PUBSUB", "CHANNELS"))

            await until(is_heard)


async def test_a_fail_over_by_sentinels_costs_no_event(database_url, sessions, shelf: Shelf, tmp_path: Path):
    async with watched(tmp_path) as several:
        found = await told_by_doctor(settings_of(several, database_url, tmp_path))
        assert "trade by the Sentinels 127.0.0.1:" in found
        assert PASSWORD not in found
        assert SENTINELS_PASSWORD not in found
        async with following(several.url, database_url, sessions) as (wakeups, readers):
            await all_hear(wakeups)
            told = await changes(shelf, readers, 0, 3)
            several.nodes[0].kill()
            told = await changes(shelf, readers, told, 5)

            async def is_master() -> bool:
                role: str = (await several.nodes[1].ask("INFO", "replication"))["role"]
                return role == "master"

            await until(is_master)
            await all_hear(wakeups)
            await changes(shelf, readers, told, 3)


async def test_a_master_that_only_steps_down_costs_no_event(database_url, sessions, shelf: Shelf, tmp_path: Path):
    async with watched(tmp_path) as several, following(several.url, database_url, sessions) as (wakeups, readers):
        told = await changes(shelf, readers, 0, 3)

        async def steps_down() -> bool:
            return bool(await several.nodes[2].ask("SENTINEL", "FAILOVER", "trade"))

        async def is_replica() -> bool:
            role: str = (await several.nodes[0].ask("INFO", "replication"))["role"]
            return role == "slave"

        await until(steps_down)
        told = await changes(shelf, readers, told, 5)
        await until(is_replica)
        await all_hear(wakeups)
        await changes(shelf, readers, told, 3)
