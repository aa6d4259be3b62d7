"""Order and retries: what concerns one object goes out in turn, and what fails is tried again when its time comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.kernel import clock
from app.webhooks.rules import RETRY_AFTER, TOLD_WAIT_MAX
from tests.following.conftest import shelf_of
from tests.webhooks.conftest import Office, Received, Receiver, receiving

MARGIN = 1.2
"""A little later than the latest that chance may choose."""


class TestOrder:
    async def test_holds_for_an_object_while_its_receiver_fails(self, office: Office, receiver: Receiver):
        other = await shelf_of(office.sessions)
        endpoint, _ = await office.endpoint(receiver.url)
        failing = {101}
        receiver.script = lambda message: (503, {}) if message.level in failing else (204, {})
        start = clock.now()
        for shelf, pieces in ((office.shelf, 1), (office.shelf, 1), (other, 50), (office.shelf, 1)):
            await shelf.change(pieces)
        await office.work(start)
        await office.work(start + timedelta(seconds=4))
        assert sorted(receiver.levels) == [101, 150]
        failing.clear()
        await office.work(start + timedelta(seconds=6))
        assert receiver.levels[2:] == [101, 102, 103]
        assert len({message.id for message in receiver.received}) == 4
        assert {status for status, _ in await office.log(endpoint)} == {"DELIVERED"}

    async def test_goes_on_after_one_that_is_dead(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        receiver.script = lambda message: (500, {}) if message.level == 101 else (204, {})
        await office.shelf.change()
        await office.shelf.change()
        at = clock.now()
        for wait in RETRY_AFTER:
            at += wait * MARGIN
            assert 102 not in receiver.levels
            await office.work(at)
        assert receiver.levels == [101] * len(RETRY_AFTER) + [102]
        dead, delivered = await office.log(endpoint)
        assert dead == ("DEAD", [(500, "The receiver answered 500.")] * len(RETRY_AFTER))
        assert delivered == ("DELIVERED", [(204, None)])

    async def test_is_that_of_the_log_for_many_at_once(self, office: Office, receiver: Receiver):
        shelves = [office.shelf, *[await shelf_of(office.sessions) for _ in range(3)]]
        document = "subscription { stockLevelChanged { availableAfter stockLevel { id } } }"
        await office.endpoint(receiver.url, document=document)
        for round_ in range(6):
            for shelf in shelves:
                await shelf.change()
            if round_ % 2:
                await office.work()
        by_object: dict[str, list[int]] = {}
        for message in receiver.received:
            shown = message.json["data"]["stockLevelChanged"]["stockLevel"]["id"]
            by_object.setdefault(shown, []).append(message.level)
        assert list(by_object.values()) == [[101, 102, 103, 104, 105, 106]] * 4
        assert len({message.id for message in receiver.received}) == 24


class TestRetries:
    async def test_come_as_late_as_the_receiver_asks(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url)
        receiver.script = lambda _: (429, {"Retry-After": "600"})
        await office.shelf.change()
        start = clock.now()
        await office.work(start)
        await office.work(start + timedelta(seconds=590))
        assert len(receiver.received) == 1
        await office.work(start + timedelta(seconds=601))
        assert len(receiver.received) == 2
        receiver.script = lambda _: (429, {"Retry-After": "99999999"})
        await office.work(start + timedelta(seconds=1_300))
        await office.work(start + timedelta(seconds=1_301) + TOLD_WAIT_MAX)
        assert len(receiver.received) == 4

    @pytest.mark.parametrize("status", [301, 400, 404, 500])
    async def test_follow_every_answer_that_is_no_success(self, office: Office, receiver: Receiver, status: int):
        endpoint, _ = await office.endpoint(receiver.url)
        receiver.script = lambda _: (status, {"Location": receiver.url})
        await office.shelf.change()
        await office.work()
        ((waiting, ((told, _),)),) = await office.log(endpoint)
        assert (waiting, told) == ("WAITING", status)
        assert (await office.of(endpoint, "failingSince"))["failingSince"] is not None

    async def test_show_the_object_as_it_is_then(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url)
        shown: list[int] = []

        def script(message: Received) -> tuple[int, dict[str, str]]:
            shown.append(message.json["data"]["stockLevelChanged"]["stockLevel"]["available"])
            return (500 if len(shown) == 1 else 204, {})

        receiver.script = script
        await office.shelf.change()
        start = clock.now()
        await office.work(start)
        await office.shelf.change(9)
        await office.work(start + timedelta(seconds=6))
        assert receiver.levels == [101, 101, 110]
        assert shown == [101, 110, 110]

    async def test_of_a_worker_that_died_come_when_its_lease_ends(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.shelf.change()
        await office.read()
        receiver.script = lambda _: None
        await office.sender.turn()
        await office.sender.stop(0)
        receiver.script = lambda _: (204, {})
        receiver.received.clear()
        await office.work()
        assert receiver.received == []
        await office.work(clock.now() + timedelta(seconds=61))
        assert receiver.levels == [101, 102]
        assert (await office.log(endpoint))[0] == ("DELIVERED", [(None, None), (204, None)])


class TestPlaces:
    async def test_are_kept_from_a_receiver_that_hangs_for_those_that_do_not(self, office: Office, receiver: Receiver):
        shelves = [await shelf_of(office.sessions) for _ in range(20)]
        async with receiving(lambda _: None) as hanging:
            await office.endpoint(hanging.url)
            await office.endpoint(receiver.url)
            for shelf in shelves:
                await shelf.change()
            await office.read()
            for _ in range(20):
                await office.sender.turn()
                await asyncio.sleep(0.05)
            assert 1 <= len(hanging.received) <= 8
            assert len(receiver.received) == 20
            await office.sender.stop(0)

    async def test_of_receivers_that_fail_are_one_each(self, office: Office, receiver: Receiver):
        receiver.script = lambda _: (500, {})
        shelves = [await shelf_of(office.sessions) for _ in range(5)]
        await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        for shelf in shelves:
            await shelf.change()
        await office.read()
        receiver.script = lambda _: None
        receiver.received.clear()
        for _ in range(5):
            await office.sender.turn()
            await asyncio.sleep(0.05)
        assert len(receiver.received) == 1
        await office.sender.stop(0)
