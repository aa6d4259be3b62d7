"""Reading the log: each event is noted once for each endpoint, whoever reads, and whatever of the log is still kept."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY
from sqlalchemy import text

from app.server.webhook_reader import WebhookReader
from app.server.webhook_sender import WebhookSender
from resolvers.following.log import Log
from tests.webhooks.conftest import Office, Receiver, receiving
from tests.webhooks.test_endpoints import status_of

FEED = "subscription { eventLog { event subjectId subject { id } } }"
GONE = text("DELETE FROM outbox_positions")
PRUNED = text("UPDATE outbox_log SET pruned_position = last_position")


class TestReaders:
    async def test_of_several_workers_note_and_send_each_event_once(self, office: Office, receiver: Receiver):
        limits = office.graph.execution.limits
        rest = (office.webhooks, limits, lambda: None)
        another = WebhookReader(office.sessions, Log(office.graph.pool), *rest)
        await office.endpoint(receiver.url)

        async def read(reader: WebhookReader) -> None:
            for _ in range(20):
                await reader.turn()

        for _ in range(10):
            await office.shelf.change()
        await office.positioned()
        await asyncio.gather(read(office.reader), read(another))
        sender = WebhookSender(office.sessions, office.webhooks, office.outside, limits, lambda: None)

        async def send(one: WebhookSender) -> None:
            for _ in range(15):
                await one.turn()
                await one.settled()

        await asyncio.gather(send(office.sender), send(sender))
        assert receiver.levels == [*range(101, 111)]
        assert len({message.id for message in receiver.received}) == 10

    async def test_tell_the_feed_of_all_events_too(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url, document=FEED)
        await office.shelf.change()
        await office.work()
        told = [message.json["data"]["eventLog"] for message in receiver.received]
        assert "inventory.stock_level_changed" in {each["event"] for each in told}
        assert all(each["subject"] == {"id": each["subjectId"]} for each in told if each["subjectId"])

    async def test_tell_what_becomes_of_endpoints(self, office: Office, receiver: Receiver):
        document = "subscription { webhookEndpointChanged { kind reason webhookEndpoint { id status } } }"
        watching, _ = await office.endpoint(receiver.url, document=document)
        await office.work()
        receiver.received.clear()
        async with receiving(lambda _: (410, {})) as gone:
            endpoint, _ = await office.endpoint(gone.url)
            await office.shelf.change()
            await office.work()
        await office.work()
        told = [message.json["data"]["webhookEndpointChanged"] for message in receiver.received]
        assert {each["webhookEndpoint"]["id"] for each in told} == {endpoint}
        assert [(each["kind"], each["reason"]) for each in told] == [
            ("WEBHOOK_ENDPOINT_CREATED", None),
            ("WEBHOOK_ENDPOINT_DISABLED", "GONE"),
        ]
        assert await status_of(office, watching) == ("ACTIVE", None)

    async def test_need_no_positions_for_what_they_noted(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.read()
        async with office.sessions() as session:
            await session.execute(GONE)
            await session.commit()
        await office.send()
        assert receiver.levels == [101]

    async def test_say_where_the_beginning_is_no_longer_kept(self, office: Office, receiver: Receiver):
        cursor = (await office.graph.query("{ eventCursor }"))["eventCursor"]
        await office.shelf.change()
        await office.read()
        endpoint, _ = await office.endpoint(receiver.url, startAfter=cursor)
        async with office.sessions() as session:
            await session.execute(PRUNED)
            await session.commit()
        await office.work()
        assert await status_of(office, endpoint) == ("DISABLED", "MISSED")
        assert receiver.received == []

    async def test_say_where_the_log_went_on_without_them(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.read()
        await office.shelf.change()
        await office.positioned()
        async with office.sessions() as session:
            await session.execute(PRUNED)
            await session.commit()
        await office.work()
        assert await status_of(office, endpoint) == ("DISABLED", "MISSED")
        await office.graph.done("webhookEndpointEnable", {"webhookEndpointId": endpoint}, by=office.keeper)
        await office.shelf.change()
        await office.work()
        assert receiver.levels == [102]


class TestFigures:
    async def test_tell_what_waits_and_what_is_dead(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.shelf.change()
        await office.read()
        assert await office.sender.look() is False
        assert REGISTRY.get_sample_value("lading_webhook_waiting") == 2
        oldest = REGISTRY.get_sample_value("lading_webhook_oldest_waiting_seconds")
        assert oldest is not None
        assert 0 <= oldest < 60
        assert REGISTRY.get_sample_value("lading_webhook_dead") == 0
        before = REGISTRY.get_sample_value("lading_webhook_attempts_total", {"outcome": "delivered"}) or 0
        await office.send()
        after = REGISTRY.get_sample_value("lading_webhook_attempts_total", {"outcome": "delivered"}) or 0
        assert after == before + 2
