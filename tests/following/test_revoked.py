"""Whoever may no longer call hears nothing more within a second, over sockets and event streams, in every process.

So it is while Redis is away, and while no relay leads.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from starlette.datastructures import Headers
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.access.events import ApiKeyRevoked
from app.kernel.outbox import record
from app.kernel.principal import SYSTEM, Principal, Role
from app.server.revoking import Revoking
from app.server.transport import SocketProtocol
from app.server.websocket import Sockets
from app.server.websocket_messages import SUBPROTOCOL, CloseCode
from tests.factories.access import PASSWORD
from tests.following.conftest import Shelf
from tests.following.fleets import LEVELS, EventStream, Fleet, event, fleet_of
from tests.following.own_redis import OwnRedis
from tests.following.processes import Process, eventually
from tests.server.sockets import closed, receive, send
from tests.stories.processes import Caller


@dataclass
class Doomed:
    """A caller who follows by a socket and by an event stream, and what ends that."""

    socket: ClientConnection
    stream: EventStream
    doom: Callable[[], Awaitable[Any]]

    async def ends(self) -> None:
        """Be doomed, and end within a second with nothing told any more."""
        await self.doom()
        async with asyncio.timeout(1):
            assert (await closed(self.socket))[0] == CloseCode.FORBIDDEN
            assert await self.stream.end() == ["next", "next", "complete"]
        assert b"UNAUTHENTICATED" in self.stream.body


class Dooming:
    """Callers at one server, whom an administrator at another one dooms in all the ways there are."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.number = 0

    async def everyone(self) -> list[Doomed]:
        """One caller for each way."""
        return [await self.by_key(), await self.by_role(), await self.by_disabling(), await self.by_session()]

    async def by_key(self) -> Doomed:
        """Someone whose key is revoked."""
        given = {"name": "Dashboard", "roles": ["OPERATOR"], "idempotencyKey": self._new()}
        key = await self.fleet.staff.do("apiKeyCreate", "apiKey { id } secret", **given)
        return await self._following(
            key["secret"], lambda: self.fleet.staff.do("apiKeyRevoke", "", apiKeyId=key["apiKey"]["id"])
        )

    async def by_role(self) -> Doomed:
        """Someone who has another role."""
        user, tokens = await self._user()
        granted = {"userId": user, "roles": ["ADMIN"]}
        return await self._following(tokens["accessToken"], lambda: self.fleet.staff.do("userGrant", "", **granted))

    async def by_disabling(self) -> Doomed:
        """Someone who is disabled."""
        user, tokens = await self._user()
        return await self._following(tokens["accessToken"], lambda: self.fleet.staff.do("userDisable", "", userId=user))

    async def by_session(self) -> Doomed:
        """Someone whose session ends because a refresh token is used twice."""
        _, tokens = await self._user()
        stranger = Caller(self.fleet.staff.address)
        await stranger.do("tokenRefresh", "", refreshToken=tokens["refreshToken"])

        async def doom() -> None:
            document = "mutation($it: String!) { tokenRefresh(input: {refreshToken: $it}) { userErrors { code } } }"
            told = await stranger.data(document, {"it": tokens["refreshToken"]})
            assert told["tokenRefresh"]["userErrors"] == [{"code": "REFRESH_TOKEN_REUSED"}]

        return await self._following(tokens["accessToken"], doom)

    async def _user(self) -> tuple[str, Any]:
        """An operator who has signed in."""
        email = f"{self._new()}@lading.example"
        given = {"email": email, "name": "Otto", "password": PASSWORD, "roles": ["OPERATOR"]}
        made = await self.fleet.staff.do("userCreate", "user { id }", **given)
        tokens = await self.fleet.staff.do("signIn", "accessToken refreshToken", email=email, password=PASSWORD)
        return made["user"]["id"], tokens

    async def _following(self, credential: str, doom: Callable[[], Awaitable[Any]]) -> Doomed:
        """A caller who follows at the other server."""
        there = self.fleet.other_address
        stream = await EventStream(there, credential, None).begun()
        return Doomed(await self.fleet.follow(there, credential=credential), stream, doom)

    def _new(self) -> str:
        self.number += 1
        return f"caller-{self.number}"


async def test_nobody_who_may_no_longer_call_hears_more(
    database_url: str, own_redis: OwnRedis, redis_prefix: str, shelf: Shelf
):
    async with AsyncExitStack() as things:
        fleet = await things.enter_async_context(fleet_of(database_url, own_redis.url, redis_prefix, relays=1))
        dooming = Dooming(fleet)
        staff = await fleet.follow(fleet.other_address)

        async def no_relay() -> None:
            fleet.relays[0].running.kill()
            await fleet.relays[0].running.wait()

        async def no_redis() -> None:
            own_redis.stop()

        async def all_well() -> None:
            pass

        for number, outage in enumerate((all_well, no_redis, no_relay)):
            doomed = await dooming.everyone()
            await shelf.change()
            assert (await event(staff))["availableAfter"] == 101 + 2 * number
            for one in doomed:
                assert (await event(one.socket))["availableAfter"] == 101 + 2 * number
                await one.stream.levels(1)
            await outage()
            await asyncio.gather(*(one.ends() for one in doomed))
            await shelf.change()
            if outage is not no_relay:
                assert (await event(staff))["availableAfter"] == 102 + 2 * number
        await staff.close()


async def test_nothing_is_told_that_happened_in_the_same_moment(served: Process, shelf: Shelf):
    async def by_key(payload: Mapping[str, Any], _: Headers) -> Principal:
        return Principal(roles=frozenset({Role.OPERATOR}), name="a key", api_key_id=int(payload["key"]))

    async def nobody(_: Collection[Principal]) -> Collection[Principal]:
        return ()

    sockets = Sockets(served.execution, by_key)
    Revoking(nobody, sockets).watch(served.following)
    async with listening(sockets) as url:
        told: dict[int, list[str]] = {}
        for key in (1, 2):
            connection = await connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)
            await send(connection, type="connection_init", payload={"key": key})
            assert await receive(connection) == {"type": "connection_ack"}
            await send(connection, type="subscribe", id="1", payload={"query": LEVELS})
            told[key] = []
            reading = asyncio.create_task(everything(connection, told[key]))
            await eventually(lambda key=key: served.following.routes.followers == key)  # type: ignore[misc]
            if key == 1:
                doomed = reading
        async with shelf.sessions() as session:
            await shelf.change_in(session)
            record(session, ApiKeyRevoked(api_key_id=1, prefix="lading_x"), by=SYSTEM)
            await shelf.change_in(session)
            await session.commit()
        assert await doomed == CloseCode.FORBIDDEN
        await eventually(lambda: len(told[2]) == 2)
        assert told == {1: [], 2: ["next", "next"]}
    assert await reading == CloseCode.RESTART


async def everything(connection: ClientConnection, told: list[str]) -> int | None:
    """Note what is told until the socket is closed; the code of that."""
    with suppress(ConnectionClosed):
        while True:
            told.append(orjson.loads(await connection.recv())["type"])
    return connection.close_code


@asynccontextmanager
async def listening(sockets: Sockets) -> AsyncIterator[str]:
    """The address of a server of these sockets."""
    config = uvicorn.Config(sockets, ws=SocketProtocol, lifespan="off", log_config=None, ws_per_message_deflate=False)
    server, port = uvicorn.Server(config), socket.socket()
    port.bind(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve(sockets=[port]))
    await eventually(lambda: server.started)
    yield f"ws://127.0.0.1:{port.getsockname()[1]}/graphql"
    await sockets.drain(1)
    server.should_exit = True
    await running
