"""Followers that do not read, of a real server: they cost nobody else anything. Their ends are tested with outages.

They take next to nothing into their own buffers and those of the system, so that what is sent soon waits in the server.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.catalog.commands import UpdateProduct, update_product
from app.kernel.event_log import decode_cursor
from app.kernel.principal import SYSTEM
from app.server.websocket_messages import SUBPROTOCOL
from tests.following.conftest import Shelf
from tests.following.processes import eventually
from tests.stories.processes import Process, running

EVENTS = "subscription { productChanged { cursor product { name description } } }"
STATES = """subscription {
  stockLevelChanged { cursor availableAfter stockLevel { product { description } } } }"""
DESCRIPTION = "It is described at length. " * 180
"""Some 5 kB, so that a few dozen messages are more than all buffers hold."""
BUFFER_EVENTS, CHANGES, AT_ONCE, FOLLOWERS = 60, 250, 50, 200
RECEIVE_BYTES, SEGMENT_BYTES = 4_096, 536
LATE_SECONDS_MAX = 10.0
KEPT_KB_MAX = 250
"""What may be kept for one that does not read: 64 kB in its transport and one message more, its socket, and the places
of what waits. All that it was to be told is 1,250 kB."""


@dataclass
class Following:
    """One socket that follows, and what it has read."""

    connection: ClientConnection
    read: list[Any] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Read all that comes, with more room from now on."""
        self.connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        async for text in self.connection:
            message = orjson.loads(text)
            if message["type"] == "next":
                self.read.append(next(iter(message["payload"]["data"].values())))
                self.at.append(time.monotonic())


@pytest.fixture
async def server(database_url: str, redis_url: str, redis_prefix: str) -> AsyncIterator[tuple[Process, str]]:
    """A server and its address, with a relay."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
        "LADING_SECRET": "a secret of these tests, long enough for anyone",
        "LADING_LIMIT_SOCKETS_PER_CALLER_MAX": "1000",
        "LADING_LIMIT_FOLLOWER_BUFFER_EVENTS_MAX": str(BUFFER_EVENTS),
    }
    async with running(environment, "serve", "--port", "0") as process, running(environment, "relay"):
        yield process, await process.address()


async def follow(address: str, document: str, leaving: AsyncExitStack, *, reads: bool = False) -> Following:
    """A follower that is a stranger with little room for what it is sent, until `leaving` is left."""
    parts = urlsplit(address)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    narrow.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    narrow.setblocking(False)  # noqa: FBT003
    await asyncio.get_running_loop().sock_connect(narrow, (parts.hostname, parts.port))
    asked = {"subprotocols": [Subprotocol(SUBPROTOCOL)], "compression": None, "max_queue": 1, "ping_interval": None}
    connection = await connect(f"ws://{parts.netloc}/graphql", sock=narrow, **asked)  # type: ignore[arg-type]
    leaving.callback(connection.transport.abort)
    await connection.send('{"type":"connection_init"}')
    assert orjson.loads(await connection.recv())["type"] == "connection_ack"
    payload = {"query": document}
    await connection.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode())
    made = Following(connection)
    if reads:
        leaving.callback(asyncio.create_task(made.run()).cancel)
    return made


def kilobytes_of(process: Process) -> float:
    """The memory that a process has."""
    pages = int(Path(f"/proc/{process.running.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000


async def changed(sessions: async_sessionmaker[AsyncSession], shelf: Shelf, numbers: range) -> float:
    """Change the product and its stock once for each number, in one transaction; when that was committed."""
    async with sessions() as session:
        for number in numbers:
            update = UpdateProduct(product_id=shelf.product, name=f"Product {number}", description=DESCRIPTION)  # type: ignore[arg-type]
            await update_product(session, update, by=SYSTEM)
            await shelf.change_in(session)
        await session.commit()
    return time.monotonic()


async def all_changed(
    address: str, sessions: async_sessionmaker[AsyncSession], shelf: Shelf, leaving: AsyncExitStack
) -> list[float]:
    """Make every change, in rounds each of which one who reads is told of first; how late it was told of each."""
    fast, late = await follow(address, EVENTS, leaving, reads=True), []
    await asyncio.sleep(1)
    for first in range(1, CHANGES, AT_ONCE):
        committed = await changed(sessions, shelf, range(first, first + AT_ONCE))
        wanted = first - 1 + AT_ONCE
        await eventually(lambda wanted=wanted: len(fast.read) >= wanted, LATE_SECONDS_MAX)  # type: ignore[misc]
        assert len(fast.read) == wanted
        late.append(fast.at[-1] - committed)
    assert positions(fast.read) == sorted(set(positions(fast.read)))
    return late


class TestFollowersThatDoNotRead:
    async def test_delay_nobody_and_keep_little(
        self, server: tuple[Process, str], sessions: async_sessionmaker[AsyncSession], shelf: Shelf
    ) -> None:
        process, address = server
        async with AsyncExitStack() as leaving:
            for number in range(FOLLOWERS):
                await follow(address, (EVENTS, STATES)[number % 2], leaving)
            await asyncio.sleep(1)
            before = kilobytes_of(process)
            late = await all_changed(address, sessions, shelf, leaving)
            assert max(late) < LATE_SECONDS_MAX
            assert (kilobytes_of(process) - before) / FOLLOWERS < KEPT_KB_MAX


def positions(read: list[Any]) -> list[int]:
    """The positions of events that were told."""
    return [cursor.position for each in read if (cursor := decode_cursor(each["cursor"])) is not None]
