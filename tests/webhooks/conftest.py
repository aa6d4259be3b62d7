"""What the tests of webhooks share: receivers on this machine, and a worker's reader and sender, turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.tables import UserId
from app.gateways.outside import Outside
from app.kernel import clock
from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import DEFAULTS, Limits, put_in_force
from app.kernel.outbox import write_outbox
from app.kernel.principal import Principal, Role
from app.server.database import reading_pool
from app.server.relay import Relay
from app.server.wakeup import Wakeup
from app.server.webhook_reader import WebhookReader
from app.server.webhook_sender import WebhookSender
from app.webhooks import ports
from app.webhooks.rules import Reach
from resolvers.following.log import Log
from resolvers.following.webhooks import Webhooks
from resolvers.reading.documents import Documents
from resolvers.reading.run import Reading
from schema.root import GRAPH
from tests.factories import access
from tests.following.conftest import Shelf, shelf_of
from tests.following.processes import relaying
from tests.graph import GraphClient

LEVELS = "subscription { stockLevelChanged { cursor availableAfter stockLevel { available } } }"
LOOPBACK = Reach((ip_network("127.0.0.0/8"),), None, plain_http=True)
"""What tests may call: this machine alone."""


@dataclass
class Received:
    """One message as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What the message is known by."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """What it says."""
        return orjson.loads(self.body)

    @property
    def level(self) -> int:
        """The available pieces after the event that it tells."""
        level: int = self.json["data"]["stockLevelChanged"]["availableAfter"]
        return level


Script = Callable[[Received], tuple[int, dict[str, str]] | None]
"""What a receiver answers to a message: a status and headers, or nothing for as long as it is called."""


@dataclass
class Receiver:
    """A receiver of webhooks on this machine, which answers by its script and keeps all it was sent."""

    port: int = 0
    script: Script = lambda _: (204, {})
    received: list[Received] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?token=hidden"

    @property
    def levels(self) -> list[int]:
        """The available pieces that its messages told."""
        return [each.level for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection after the other, each for as long as it is kept."""
        try:
            while line := await reader.readline():
                self.paths.append(line.decode().split()[1])
                headers = {}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                message = Received(headers, await reader.readexactly(int(headers["content-length"])))
                self.received.append(message)
                answer = self.script(message)
                if answer is None:
                    await reader.read()
                    return
                status, told = answer
                lines = [f"HTTP/1.1 {status} So", *(f"{name}: {value}" for name, value in told.items())]
                writer.write("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving(script: Script = lambda _: (204, {})) -> AsyncIterator[Receiver]:
    """A receiver within the block."""
    made = Receiver(script=script)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@dataclass
class Office:
    """A graph with a shelf, whoever keeps webhooks, and a worker's reader and sender."""

    graph: GraphClient
    shelf: Shelf
    keeper: Principal
    relay: Relay
    reader: WebhookReader
    sender: WebhookSender
    webhooks: Webhooks
    outside: Outside
    sessions: async_sessionmaker[AsyncSession]

    async def endpoint(self, url: str, *, by: Principal | None = None, **given: Any) -> tuple[str, str]:
        """A new endpoint's id and secret; what happened before it is no business of its."""
        await self.positioned()
        wanted = {"name": "ERP", "url": url, "document": LEVELS, **given}
        select = "webhookEndpoint { id } secret"
        made = await self.graph.done("webhookEndpointCreate", wanted, select, by=by or self.keeper)
        return made["webhookEndpoint"]["id"], made["secret"]

    async def positioned(self) -> None:
        """Wait until everything that happened has its place in the log."""
        async with asyncio.timeout(10):
            while await self.unpositioned():
                await asyncio.sleep(0.005)

    async def unpositioned(self) -> int:
        """How many events have no place in the log."""
        async with self.graph.pool.pool.acquire() as connection:
            found: int = await connection.fetchval(
                "SELECT count(*) FROM outbox_events WHERE id NOT IN (SELECT event_id FROM outbox_positions)"
            )
        return found

    async def read(self) -> None:
        """Have everything read that happened."""
        await self.positioned()
        while await self.reader.turn():
            pass

    async def send(self) -> None:
        """Have everything sent that is due, and what becomes due by that."""
        while await self.sender.turn():
            await self.sender.settled()

    async def work(self, at: datetime | None = None) -> None:
        """Read and send, at an instant of its own if one is given."""
        with clock.stopped_at(at or clock.now()):
            await self.read()
            await self.send()

    async def of(self, endpoint_id: str, select: str) -> Any:
        """What the graph tells of an endpoint."""
        document = f"query($id: ID!) {{ webhookEndpoint(id: $id) {{ {select} }} }}"
        return (await self.graph.query(document, {"id": endpoint_id}))["webhookEndpoint"]

    async def log(self, endpoint_id: str) -> list[tuple[str, list[tuple[int | None, str | None]]]]:
        """The status of each delivery of an endpoint, and what came of its attempts."""
        told = await self.of(
            endpoint_id, "deliveries(first: 100) { nodes { status attempts { nodes { httpStatus error } } } }"
        )
        return [
            (node["status"], [(each["httpStatus"], each["error"]) for each in node["attempts"]["nodes"]])
            for node in told["deliveries"]["nodes"]
        ]


@asynccontextmanager
async def office_of(
    database_url: str, sessions: async_sessionmaker[AsyncSession], relay: Relay, **limits: int
) -> AsyncIterator[Office]:
    """An office within the block, whose webhooks may call this machine."""
    bounds = Limits(**limits)
    async with AsyncExitStack() as things:
        pool = await things.enter_async_context(reading_pool(database_url, pool=4))
        ports.reach.use(LOOPBACK)
        put_in_force(bounds)
        things.callback(put_in_force, DEFAULTS)
        things.callback(ports.reach.use, Reach())
        graph = GraphClient(pool, sessions, bounds)
        webhooks = Webhooks(Reading(GRAPH, pool, bounds, EVENT_CURSOR_SQL), Documents(GRAPH.schema, bounds).operation)
        outside = Outside(LOOPBACK, bounds)
        things.push_async_callback(outside.close)
        sender = WebhookSender(sessions, webhooks, outside, bounds, lambda: None)
        things.push_async_callback(sender.stop, 0)
        reader = WebhookReader(sessions, Log(pool), webhooks, bounds, lambda: None)
        shelf = await shelf_of(sessions)
        keeper = await user_of(sessions)
        yield Office(graph, shelf, keeper, relay, reader, sender, webhooks, outside, sessions)


async def user_of(sessions: async_sessionmaker[AsyncSession], **details: Any) -> Principal:
    """A user as a caller: an operator, unless `details` say otherwise."""
    async with sessions() as session:
        user_id: UserId = await access.user(session, **details)
        await write_outbox(session)
        await session.commit()
    return Principal(roles=frozenset(details.get("roles", (Role.OPERATOR,))), name="Olga", user_id=user_id)


@pytest.fixture
async def wakeup() -> AsyncIterator[Wakeup]:
    """A wake-up within this process."""
    made = Wakeup("memory://")
    await made.connect()
    yield made
    await made.disconnect()


@pytest.fixture
async def office(
    database_url: str, sessions: async_sessionmaker[AsyncSession], wakeup: Wakeup
) -> AsyncIterator[Office]:
    """An office over a log that a relay keeps."""
    async with relaying(database_url, wakeup) as relay, office_of(database_url, sessions, relay) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made
