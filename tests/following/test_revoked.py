"""Whoever may no longer call hears nothing more within a second, over sockets and event streams, in every process.

So it is while Redis is away, and while no relay leads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection

from app.server.websocket_messages import CloseCode
from tests.factories.access import PASSWORD
from tests.following.conftest import Shelf
from tests.following.fleets import EventStream, Fleet, event, fleet_of
from tests.following.own_redis import OwnRedis
from tests.server.sockets import closed
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
