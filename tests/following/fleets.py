"""Whole fleets of real processes for the tests of following, and bare clients of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.access.commands import ensure_first_admin
from app.kernel.outbox import write_outbox
from app.server.database import sessions_of, writing_engine
from app.server.websocket_messages import SUBPROTOCOL
from tests.server.sockets import receive, send
from tests.server.streams import events_of, eventually
from tests.stories.processes import Caller, Process, running

LEVELS = "subscription ($after: String) { stockLevelChanged(after: $after) { cursor availableAfter } }"


@dataclass
class Fleet:
    """Two servers and some relays over one database."""

    here: Process
    there: Process
    relays: list[Process]
    staff: Caller
    other_address: str

    async def follow(
        self, address: str, *, after: str | None = None, credential: str | None = None
    ) -> ClientConnection:
        """A socket that follows stock."""
        url = f"{address.replace('http', 'ws')}/graphql"
        connection = await connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)
        payload = {"authorization": f"Bearer {credential or self.staff.credential}"}
        await send(connection, type="connection_init", payload=payload)
        assert (await receive(connection))["type"] == "connection_ack"
        await send(connection, type="subscribe", id="1", payload={"query": LEVELS, "variables": {"after": after}})
        await asyncio.sleep(0.2)
        return connection


@asynccontextmanager
async def fleet_of(
    database_url: str, redis_url: str, redis_prefix: str, *, relays: int = 2, **settings: str
) -> AsyncIterator[Fleet]:
    """The processes within the block, and an administrator who is signed in."""
    engine = writing_engine(database_url, pool=1)
    async with sessions_of(engine)() as session:
        admin = await ensure_first_admin(session)
        assert admin is not None
        await write_outbox(session)
        await session.commit()
    await engine.dispose()
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
        "LADING_SECRET": "a secret of these tests, long enough for anyone",
        **settings,
    }
    async with AsyncExitStack() as processes:
        commands = (("serve", "--port", "0"), ("serve", "--port", "0"), *[("relay",)] * relays)
        started = [await processes.enter_async_context(running(environment, *command)) for command in commands]
        here, there = await started[0].address(), await started[1].address()
        await ready(here)
        await ready(there)
        signed_in = await Caller(here).do("signIn", "accessToken", email=admin.email, password=admin.password)
        yield Fleet(started[0], started[1], started[2:], Caller(here, signed_in["accessToken"]), there)


async def ready(address: str) -> None:
    """Wait until the server at `address` may be sent requests."""
    async with asyncio.timeout(30), httpx2.AsyncClient() as client:
        while True:
            with suppress(httpx2.TransportError):
                if (await client.get(f"{address}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def event(connection: ClientConnection) -> Any:
    """The next event; pings are passed over."""
    while (message := await receive(connection))["type"] == "ping":
        pass
    assert message["type"] == "next", message
    return message["payload"]["data"]["stockLevelChanged"]


class EventStream:
    """A bare client of Server-Sent Events that follows stock, with the bytes that it was sent so far."""

    def __init__(self, address: str, credential: str | None, last_id: str | None) -> None:
        self.body = b""
        self.ended: str | None = None
        self._asked = {"accept": "text/event-stream", "authorization": f"Bearer {credential}"}
        if last_id is not None:
            self._asked["last-event-id"] = last_id
        self._reading = asyncio.create_task(self._read(f"{address}/graphql"))

    async def _read(self, url: str) -> None:
        async with AsyncExitStack() as things:
            client = await things.enter_async_context(httpx2.AsyncClient(timeout=30))
            asked = client.stream("POST", url, json={"query": LEVELS}, headers=self._asked)
            answer = await things.enter_async_context(asked)
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            async for part in answer.aiter_raw():
                self.body += part
        self.ended = "whole"

    @property
    def last_id(self) -> str | None:
        """What a client resumes from."""
        return events_of(self.body)[1]

    async def levels(self, number: int) -> list[int]:
        """The available pieces after each event, once so many were told."""
        await eventually(lambda: len(events_of(self.body)[0]) >= number)
        return [event.json["data"]["stockLevelChanged"]["availableAfter"] for event in events_of(self.body)[0]]

    async def end(self) -> list[str]:
        """The kinds of events that were told until the stream ended, as HTTP has it."""
        async with asyncio.timeout(10):
            await self._reading
        assert self.ended == "whole"
        return [event.kind for event in events_of(self.body)[0]]

    async def begun(self) -> EventStream:
        """The stream, once it follows."""
        await eventually(lambda: self.last_id)
        return self
