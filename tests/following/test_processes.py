"""Following with real processes that are killed: clients go on elsewhere, and nobody who is revoked does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.following.conftest import Shelf
from tests.following.fleets import EventStream, Fleet, event, fleet_of
from tests.server.sockets import closed


@pytest.fixture
async def fleet(database_url, redis_url, redis_prefix, shelf: Shelf) -> AsyncIterator[Fleet]:
    """The processes, and an administrator who is signed in."""
    async with fleet_of(database_url, redis_url, redis_prefix) as started:
        yield started


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
