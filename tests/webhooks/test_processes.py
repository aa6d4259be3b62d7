"""Webhooks with real processes: a worker that is killed in the middle loses nothing, and what arrives is in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from standardwebhooks import Webhook

from app.access.commands import ensure_first_admin
from app.kernel.outbox import write_outbox
from tests.following.conftest import Shelf, shelf_of
from tests.stories.processes import START_SECONDS_MAX, Caller, Process, running
from tests.webhooks.conftest import Received, Receiver

DOCUMENT = "subscription { stockLevelChanged { availableAfter stockLevel { id } } }"
BY_KILL = 5
"""So many messages are answered before one is left without an answer."""


def by_object(received: list[Received]) -> dict[str, list[int]]:
    """The levels that were told of each object, each message once, in the order in which they first arrived."""
    seen: dict[str, Received] = {}
    for message in received:
        seen.setdefault(message.id, message)
    told: dict[str, list[int]] = {}
    for message in seen.values():
        told.setdefault(message.json["data"]["stockLevelChanged"]["stockLevel"]["id"], []).append(message.level)
    return told


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, for as long as processes take to start on a busy machine."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.05)


@dataclass
class House:
    """A server, a relay and a worker over one database, and an endpoint that is told of stock."""

    environment: dict[str, str]
    processes: AsyncExitStack
    worker: Process
    staff: Caller
    secret: str

    async def another_worker(self) -> Process:
        """One worker more."""
        return await self.processes.enter_async_context(running(self.environment, "worker"))

    async def told(self) -> list[dict[str, Any]]:
        """The log of what was delivered."""
        document = "{ webhookDeliveries(first: 100) { nodes { messageId status attemptCount } } }"
        found: list[dict[str, Any]] = (await self.staff.data(document))["webhookDeliveries"]["nodes"]
        return found


@pytest.fixture
async def house(
    database_url: str, redis_url: str, redis_prefix: str, session: AsyncSession, receiver: Receiver
) -> AsyncIterator[House]:
    """The processes, with an administrator who is signed in and keeps the endpoint."""
    admin = await ensure_first_admin(session)
    assert admin is not None
    await write_outbox(session)
    await session.commit()
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
        "LADING_SECRET": "a secret of these tests, long enough for anyone",
        "LADING_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "LADING_WEBHOOK_PORTS": "*",
        "LADING_WEBHOOK_PLAIN_HTTP": "true",
        "LADING_LIMIT_WEBHOOK_LEASE_SECONDS_MAX": "3",
    }
    async with AsyncExitStack() as processes:
        server = await processes.enter_async_context(running(environment, "serve", "--port", "0"))
        await processes.enter_async_context(running(environment, "relay"))
        worker = await processes.enter_async_context(running(environment, "worker"))
        address = await server.address()
        await until_positioned(session)
        signed_in = await Caller(address).do("signIn", "accessToken", email=admin.email, password=admin.password)
        staff = Caller(address, signed_in["accessToken"])
        given = {"name": "ERP", "url": receiver.url, "document": DOCUMENT, "idempotencyKey": "erp"}
        made = await staff.do("webhookEndpointCreate", "webhookEndpoint { id } secret", **given)
        yield House(environment, processes, worker, staff, made["secret"])


class TestKilled:
    async def test_worker_costs_no_event_and_no_order(self, shelves: list[Shelf], house: House, receiver: Receiver):
        answered: set[str] = set()

        def script(message: Received) -> tuple[int, dict[str, str]] | None:
            if len(answered) >= BY_KILL:
                return None
            answered.add(message.id)
            return 204, {}

        receiver.script = script
        await change(shelves, 4)
        await until(lambda: len(receiver.received) > BY_KILL)
        house.worker.running.kill()
        await house.worker.running.wait()
        receiver.script = lambda _: (204, {})
        await house.another_worker()
        await house.another_worker()
        await change(shelves, 2)
        await until(lambda: sum(len(levels) for levels in by_object(receiver.received).values()) >= 18)
        await until_settled(house)
        assert sorted(by_object(receiver.received).values()) == [[101, 102, 103, 104, 105, 106]] * 3
        told = await house.told()
        assert {each["messageId"] for each in told} == {message.id for message in receiver.received}
        assert len(told) == 18
        assert max(each["attemptCount"] for each in told) > 1
        for message in receiver.received:
            Webhook(house.secret).verify(message.body, message.headers)


@pytest.fixture
async def shelves(sessions: async_sessionmaker[AsyncSession]) -> list[Shelf]:
    """Three shelves with a hundred pieces each."""
    return [await shelf_of(sessions) for _ in range(3)]


async def change(shelves: list[Shelf], times: int) -> None:
    """Find so many pieces more on each shelf, one by one in turn."""
    for _ in range(times):
        for shelf in shelves:
            await shelf.change()


async def until_positioned(session: AsyncSession) -> None:
    """Wait until what happened so far has its place in the log, so that it is no business of a new endpoint."""
    open_ = "SELECT count(*) FROM outbox_events WHERE id NOT IN (SELECT event_id FROM outbox_positions)"
    async with asyncio.timeout(START_SECONDS_MAX):
        while await session.scalar(text(open_)):
            await asyncio.sleep(0.1)


async def until_settled(house: House) -> None:
    """Wait until nothing waits to be sent."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while {each["status"] for each in await house.told()} != {"DELIVERED"}:
            await asyncio.sleep(0.1)
