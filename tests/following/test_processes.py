"""Following with real processes that are killed: clients go on elsewhere, and nobody who is revoked does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.access.commands import ensure_first_admin
from app.kernel.outbox import write_outbox
from app.server.websocket_messages import SUBPROTOCOL
from tests.following.conftest import Shelf
from tests.server.sockets import closed, receive, send
from tests.server.streams import events_of, eventually
from tests.stories.processes import Caller, Process, running

LEVELS = "subscription ($after: String) { stockLevelChanged(after: $after) { cursor availableAfter } }"


@dataclass
class Fleet:
    """Two servers and two relays over one database."""

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


@pytest.fixture
async def fleet(database_url, redis_url, redis_prefix, session, shelf: Shelf) -> AsyncIterator[Fleet]:
    """The processes, and an administrator who is signed in."""
    admin = await ensure_first_admin(session)
    assert admin is not None
    await write_outbox(session)
    await session.commit()
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
        "LADING_SECRET": "a secret of these tests, long enough for anyone",
    }
    async with AsyncExitStack() as processes:
        commands = (("serve", "--port", "0"), ("serve", "--port", "0"), ("relay",), ("relay",))
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


class TestKilled:
    async def test_servers_and_relays_cost_no_event(self, fleet: Fleet, shelf: Shelf):
        connection = await fleet.follow(fleet.staff.address)
        await shelf.change()
        seen = [await event(connection)]
        fleet.here.running.kill()
        await fleet.here.running.wait()
        await shelf.change()
        again = await fleet.follow(fleet.other_address, after=seen[0]["cursor"])
        seen.append(await event(again))
        for relay in fleet.relays:
            relay.running.kill()
            await relay.running.wait()
            if relay is fleet.relays[0]:
                await shelf.change()
                seen.append(await event(again))
        assert [each["availableAfter"] for each in seen] == [101, 102, 103]
        await again.close()
        await connection.close()


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


class TestEventStreams:
    async def test_end_with_their_key_and_go_on_elsewhere_when_a_server_stops(self, fleet: Fleet, shelf: Shelf):
        here, there = fleet.staff.address, fleet.other_address
        key = await fleet.staff.do(
            "apiKeyCreate", "apiKey { id } secret", name="Dashboard", roles=["OPERATOR"], idempotencyKey="key"
        )
        staff = await EventStream(here, fleet.staff.credential, None).begun()
        dashboard = await EventStream(there, key["secret"], None).begun()
        await shelf.change()
        assert await staff.levels(1) == await dashboard.levels(1) == [101]
        await fleet.staff.do("apiKeyRevoke", "", apiKeyId=key["apiKey"]["id"])
        async with asyncio.timeout(1):
            assert await dashboard.end() == ["next", "next", "complete"]
        assert b"UNAUTHENTICATED" in dashboard.body
        fleet.here.running.terminate()
        assert await staff.end() == ["next"]
        assert await fleet.here.stop() == 0
        await shelf.change()
        again = await EventStream(there, fleet.staff.credential, staff.last_id).begun()
        await shelf.change()
        assert await again.levels(2) == [102, 103]
        fleet.there.running.terminate()
        assert await again.end() == ["next", "next"]


class TestClosed:
    async def test_by_a_revoked_key_within_a_second_and_by_a_server_that_stops(self, fleet: Fleet, shelf: Shelf):
        staff = await fleet.follow(fleet.staff.address)
        key = await fleet.staff.do(
            "apiKeyCreate", "apiKey { id } secret", name="Dashboard", roles=["OPERATOR"], idempotencyKey="key"
        )
        dashboard = await fleet.follow(fleet.other_address, credential=key["secret"])
        await shelf.change()
        for connection in (staff, dashboard):
            assert (await event(connection))["availableAfter"] == 101
        await fleet.staff.do("apiKeyRevoke", "", apiKeyId=key["apiKey"]["id"])
        async with asyncio.timeout(1):
            assert (await closed(dashboard))[0] == 4403
        fleet.here.running.terminate()
        assert (await closed(staff))[0] == 1012
        assert await fleet.here.stop() == 0
