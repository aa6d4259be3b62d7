"""Endpoints: who may make one of what, where it begins, and why it is told nothing any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from app.access.commands import DisableUser, GrantUser, RevokeApiKey, disable_user, grant_user, revoke_api_key
from app.access.tables import UserId
from app.kernel import clock
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.server.working import Worker
from app.webhooks.ports import Unfollowable, Wish, followable
from app.webhooks.reactions import REACTIONS, forget_old_deliveries
from resolvers.reading.trusted import Trusted
from tests.factories import access, parties
from tests.graph import GraphClient
from tests.webhooks.conftest import LEVELS, Office, Receiver, user_of

HIDE = text("UPDATE products SET status = 'DRAFT'")
DIE = text("UPDATE webhook_deliveries SET status = 'DEAD', due_at = NULL, settled_at = now()")
REFUSED = {
    "query": "{ products { nodes { sku } } }",
    "mutation": 'mutation { stockAdjust(input: {productId: "x", locationId: "y", quantityChange: 1}) { dryRun } }',
    "nonsense": "subscription {",
    "unknown": "subscription { nothingChanged { cursor } }",
    "after": 'subscription { stockLevelChanged(after: "b3RoZXI6MQ==") { cursor } }',
    "token": 'subscription { shipmentChanged(trackingToken: "x") { cursor } }',
    "variable": "subscription ($id: ID!) { stockLevelChanged(productId: $id) { cursor } }",
    "two": "subscription { a: stockLevelChanged { cursor } b: orderChanged { cursor } }",
}


async def commit(office: Office, command: Any, request: Any) -> None:
    """Give a command as the system, and commit."""
    async with office.sessions() as session:
        await command(session, request, by=SYSTEM)
        await write_outbox(session)
        await session.commit()


async def react(office: Office) -> None:
    """Have the worker react to what happened."""
    await office.positioned()
    worker = Worker(office.sessions, office.graph.execution.limits, lambda: None, timers={}, reactions=REACTIONS)
    while await worker.react():
        pass


class TestCreate:
    @pytest.mark.parametrize("wrong", REFUSED)
    async def test_takes_one_subscription_that_can_be_followed(self, office: Office, wrong: str):
        given = {"name": "ERP", "url": "https://erp.example/", "document": REFUSED[wrong]}
        code = await office.graph.refused("webhookEndpointCreate", given, by=office.keeper)
        assert code == "INVALID_SUBSCRIPTION"

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"url": "https://169.254.169.254/latest/meta-data"}, "UNREACHABLE_URL"),
            ({"url": "ftp://erp.example/"}, "UNREACHABLE_URL"),
            ({"variables": "[1]"}, "INVALID_INPUT"),
            ({"variables": "{"}, "INVALID_INPUT"),
            ({"startAfter": "b3RoZXI6MQ=="}, "CURSOR_EXPIRED"),
            ({"startAfter": "nonsense"}, "CURSOR_EXPIRED"),
            ({"name": ""}, "INVALID_INPUT"),
        ],
    )
    async def test_refuses_what_could_not_be_told(self, office: Office, given: dict[str, Any], code: str):
        wanted = {"name": "ERP", "url": "https://erp.example/", "document": LEVELS, **given}
        assert await office.graph.refused("webhookEndpointCreate", wanted, by=office.keeper) == code
        found = await office.graph.query("{ webhookEndpoints { totalCount } }")
        assert found == {"webhookEndpoints": {"totalCount": 0}}

    async def test_is_for_whom_we_know_and_for_what_they_may_follow(self, office: Office):
        given = {"name": "ERP", "url": "https://erp.example/", "document": LEVELS}
        assert await office.graph.refused("webhookEndpointCreate", given, by=ANONYMOUS) == "FORBIDDEN"
        assert await office.graph.refused("webhookEndpointCreate", given, by=SYSTEM) == "FORBIDDEN"
        customer = await customer_of(office)
        actor = {**given, "document": "subscription { orderChanged { actor } }"}
        assert await office.graph.refused("webhookEndpointCreate", actor, by=customer) == "INVALID_SUBSCRIPTION"
        await office.graph.done("webhookEndpointCreate", actor, by=office.keeper)

    async def test_takes_trusted_documents_alone_where_no_others_are_answered(self, office: Office):
        GraphClient(office.graph.pool.pool, office.sessions, trusted=Trusted({"levels": LEVELS}, only=True))
        followable.part(Wish(LEVELS), office.keeper)
        with pytest.raises(Unfollowable, match="given beforehand"):
            followable.part(Wish("subscription { orderChanged { cursor } }"), office.keeper)

    async def test_is_bounded_for_each_caller(self, office: Office):
        limit = office.graph.execution.limits.webhook_endpoints_per_caller_max
        for _ in range(limit):
            await office.endpoint("https://erp.example/")
        given = {"name": "ERP", "url": "https://erp.example/", "document": LEVELS}
        assert await office.graph.refused("webhookEndpointCreate", given, by=office.keeper) == "TOO_MANY_ENDPOINTS"
        await office.endpoint("https://erp.example/", by=await user_of(office.sessions))
        found = await office.graph.query("{ webhookEndpoints(first: 1) { nodes { id } } }", by=office.keeper)
        named = {"webhookEndpointId": found["webhookEndpoints"]["nodes"][0]["id"]}
        await office.graph.done("webhookEndpointDisable", named, by=office.keeper)
        await office.endpoint("https://erp.example/")
        assert await office.graph.refused("webhookEndpointEnable", named, by=office.keeper) == "TOO_MANY_ENDPOINTS"

    async def test_shows_an_endpoint_to_its_maker_and_administrators_alone(self, office: Office):
        endpoint, _ = await office.endpoint("https://erp.example/")
        key = await key_of(office)
        own, _ = await office.endpoint("https://erp.example/", by=key)
        seen = "{ webhookEndpoints { nodes { id } } }"

        async def ids(by: Principal) -> set[str]:
            found = await office.graph.query(seen, by=by)
            return {node["id"] for node in found["webhookEndpoints"]["nodes"]}

        assert await ids(office.keeper) == {endpoint}
        assert await ids(key) == {own}
        assert await ids(replace(office.keeper, user_id=9_999)) == set()
        assert await ids(access.ADMIN) == {endpoint, own}
        for name in ("Disable", "RotateSecret", "Test", "Redeliver"):
            code = await office.graph.refused(f"webhookEndpoint{name}", {"webhookEndpointId": own}, by=office.keeper)
            assert code == "UNKNOWN_WEBHOOK_ENDPOINT"

    async def test_keeps_no_secret_anywhere(self, office: Office, receiver: Receiver):
        endpoint, secret = await office.endpoint(receiver.url)
        rotated = await office.graph.done(
            "webhookEndpointRotateSecret", {"webhookEndpointId": endpoint}, "secret", by=office.keeper
        )
        async with office.graph.pool.pool.acquire() as connection:
            rows = await connection.fetch("SELECT to_jsonb(endpoint)::text FROM webhook_endpoints AS endpoint")
            requests = await connection.fetch("SELECT to_jsonb(request)::text FROM idempotent_requests AS request")
            events = await connection.fetch("SELECT to_jsonb(event)::text FROM outbox_events AS event")
        kept = "".join(row[0] for row in (*rows, *requests, *events))
        for told in (secret, rotated["secret"]):
            assert told.removeprefix("whsec_") not in kept


class TestStart:
    async def test_after_a_cursor_tells_exactly_what_the_data_beside_it_does_not_show(
        self, office: Office, receiver: Receiver
    ):
        await office.endpoint("https://other.example/")
        await office.shelf.change()
        await office.read()
        async with office.sessions() as under_way:
            await office.shelf.change_in(under_way)
            cursor = (await office.graph.query("{ eventCursor }"))["eventCursor"]
            await under_way.commit()
        await office.shelf.change()
        await office.read()
        endpoint, _ = await office.endpoint(receiver.url, startAfter=cursor)
        await office.shelf.change()
        await office.work()
        assert receiver.levels == [102, 103, 104]
        assert (await office.of(endpoint, "beginsAfter"))["beginsAfter"] == cursor

    async def test_leaves_no_reader_behind_that_would_keep_the_log(self, office: Office, receiver: Receiver):
        await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        async with office.graph.pool.pool.acquire() as connection:
            names = await connection.fetch("SELECT name FROM log_readers")
        assert [row["name"] for row in names] == ["webhooks"]

    async def test_again_after_being_disabled_goes_on_from_a_cursor(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        named = {"webhookEndpointId": endpoint}
        await office.graph.done("webhookEndpointDisable", named, by=office.keeper)
        await office.shelf.change()
        await office.work()
        assert await office.graph.refused("webhookEndpointTest", named, by=office.keeper) == "ENDPOINT_STATUS_FORBIDS"
        last = receiver.received[-1].json["cursor"]
        await office.graph.done("webhookEndpointEnable", {**named, "startAfter": last}, by=office.keeper)
        await office.shelf.change()
        await office.work()
        assert receiver.levels == [101, 102, 103]


class TestUpdate:
    async def test_holds_for_what_happens_from_then_on(self, office: Office, receiver: Receiver):
        endpoint, secret = await office.endpoint("https://erp.example/")
        changes = {"webhookEndpointId": endpoint, "url": receiver.url, "expectedVersion": 7}
        assert await office.graph.refused("webhookEndpointUpdate", changes, by=office.keeper) == "VERSION_CONFLICT"
        changes = {
            "webhookEndpointId": endpoint,
            "url": receiver.url,
            "document": "subscription ($id: ID!) { it: stockLevelChanged(productId: $id) { availableAfter } }",
            "variables": f'{{"id": "{office.shelf.product_id}"}}',
        }
        await office.graph.done("webhookEndpointUpdate", changes, by=office.keeper)
        await office.shelf.change()
        await office.work()
        (message,) = receiver.received
        assert Webhook(secret).verify(message.body, message.headers)["data"] == {"it": {"availableAfter": 101}}


class TestRotation:
    async def test_has_both_secrets_sign_for_a_day_and_then_the_new_one_alone(self, office: Office, receiver: Receiver):
        endpoint, before = await office.endpoint(receiver.url)
        named = {"webhookEndpointId": endpoint}
        yesterday = clock.now() - timedelta(hours=25)
        with clock.stopped_at(yesterday):
            rotated = await office.graph.done("webhookEndpointRotateSecret", named, "secret", by=office.keeper)
        await office.shelf.change()
        await office.work()
        (late,) = receiver.received
        Webhook(rotated["secret"]).verify(late.body, late.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(before).verify(late.body, late.headers)
        again = await office.graph.done("webhookEndpointRotateSecret", named, "secret", by=office.keeper)
        await office.shelf.change()
        await office.work()
        both = receiver.received[1]
        assert len(both.headers["webhook-signature"].split()) == 2
        for secret in (rotated["secret"], again["secret"]):
            Webhook(secret).verify(both.body, both.headers)


class TestEnd:
    async def test_comes_with_its_key(self, office: Office, receiver: Receiver):
        key = await key_of(office)
        endpoint, _ = await office.endpoint(receiver.url, by=key)
        await office.shelf.change()
        await office.read()
        await commit(office, revoke_api_key, RevokeApiKey(api_key_id=key.api_key_id))  # type: ignore[arg-type]
        await office.send()
        assert receiver.received == []
        assert await status_of(office, endpoint) == ("DISABLED", "CALLER_ENDED")
        named = {"webhookEndpointId": endpoint}
        assert await office.graph.refused("webhookEndpointEnable", named, by=access.ADMIN) == "CALLER_ENDED"

    async def test_comes_with_its_user_though_nothing_happens(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        assert office.keeper.user_id is not None
        await commit(office, disable_user, DisableUser(user_id=UserId(office.keeper.user_id)))
        await react(office)
        assert await status_of(office, endpoint) == ("DISABLED", "CALLER_ENDED")

    async def test_comes_with_a_role_that_its_subscription_needs(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(
            receiver.url, document="subscription { stockLevelChanged { actor availableAfter } }"
        )
        await office.shelf.change()
        await office.read()
        customer = await customer_of(office)
        assert office.keeper.user_id is not None
        granting = GrantUser(
            user_id=UserId(office.keeper.user_id),
            roles=(Role.CUSTOMER,),
            customer_id=customer.customer_id,  # type: ignore[arg-type]
        )
        await commit(office, grant_user, granting)
        await office.send()
        assert receiver.received == []
        assert await status_of(office, endpoint) == ("DISABLED", "FORBIDDEN")

    async def test_of_what_is_hidden_by_then_is_its_withdrawal(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.read()
        customer = await customer_of(office)
        assert office.keeper.user_id is not None
        granting = GrantUser(
            user_id=UserId(office.keeper.user_id),
            roles=(Role.CUSTOMER,),
            customer_id=customer.customer_id,  # type: ignore[arg-type]
        )
        await commit(office, grant_user, granting)
        async with office.sessions() as session:
            await session.execute(HIDE)
            await session.commit()
        await office.send()
        assert receiver.received == []
        ((status, ((code, error),)),) = await office.log(endpoint)
        assert (status, code) == ("WITHDRAWN", None)
        assert error is not None
        assert "hidden" in error

    async def test_comes_when_the_receiver_says_that_it_is_gone(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        receiver.script = lambda _: (410, {})
        await office.shelf.change()
        await office.work()
        assert await status_of(office, endpoint) == ("DISABLED", "GONE")
        receiver.script = lambda _: (204, {})
        await office.shelf.change()
        await office.work(clock.now() + timedelta(hours=1))
        assert receiver.levels == [101]
        await office.graph.done("webhookEndpointEnable", {"webhookEndpointId": endpoint}, by=office.keeper)
        await office.work(clock.now() + timedelta(hours=1))
        assert receiver.levels == [101, 101]

    async def test_comes_after_days_of_failures_and_is_told(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        receiver.script = lambda _: (500, {})
        start = clock.now()
        for days in range(6):
            assert await status_of(office, endpoint) == ("ACTIVE", None)
            await office.shelf.change()
            await office.work(start + timedelta(days=days))
        assert await status_of(office, endpoint) == ("DISABLED", "FAILING")
        async with office.graph.pool.pool.acquire() as connection:
            facts = await connection.fetchval(
                "SELECT facts FROM outbox_events WHERE name = 'webhooks.endpoint_disabled'"
            )
        assert "FAILING" in facts


class TestRedelivery:
    async def test_sends_what_is_dead_again_under_the_same_id(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        receiver.script = lambda _: (500, {})
        for _ in range(3):
            await office.shelf.change()
        await office.read()
        async with office.sessions() as session:
            await session.execute(DIE)
            await session.commit()
        receiver.script = lambda _: (204, {})
        named = {"webhookEndpointId": endpoint}
        done = await office.graph.done("webhookEndpointRedeliver", named, "redelivered", by=office.keeper)
        assert done["redelivered"] == 3
        await office.send()
        assert receiver.levels == [101, 102, 103]
        found = await office.of(endpoint, "deliveries(first: 1) { nodes { id messageId allowedActions } }")
        (first,) = found["deliveries"]["nodes"]
        assert first["allowedActions"] == ["REDELIVER"]
        again = {"webhookDeliveryId": first["id"]}
        await office.graph.done("webhookDeliveryRedeliver", again, by=office.keeper)
        refused = await office.graph.refused("webhookDeliveryRedeliver", again, by=office.keeper)
        assert refused == "DELIVERY_STATUS_FORBIDS"
        await office.send()
        assert receiver.received[3].id == receiver.received[0].id == first["messageId"]

    async def test_is_for_whom_the_delivery_is(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        found = await office.of(endpoint, "deliveries { nodes { id } }")
        again = {"webhookDeliveryId": found["deliveries"]["nodes"][0]["id"]}
        stranger = await user_of(office.sessions)
        code = await office.graph.refused("webhookDeliveryRedeliver", again, by=stranger)
        assert code == "UNKNOWN_WEBHOOK_DELIVERY"

    async def test_of_a_test_tells_that_it_is_one(self, office: Office, receiver: Receiver):
        endpoint, secret = await office.endpoint(receiver.url)
        await office.graph.done("webhookEndpointTest", {"webhookEndpointId": endpoint}, by=office.keeper)
        await office.work()
        (message,) = receiver.received
        told = Webhook(secret).verify(message.body, message.headers)
        assert told["type"] == "webhooks.test"
        assert told["data"] == {"webhookEndpoint": {"id": endpoint, "name": "ERP"}}

    async def test_of_what_was_delivered_long_ago_is_no_more(self, office: Office, receiver: Receiver):
        endpoint, _ = await office.endpoint(receiver.url)
        await office.shelf.change()
        await office.work()
        await office.shelf.change()
        await office.read()
        hours = office.graph.execution.limits.webhook_delivered_hours_max
        for late, left in ((-1, 2), (1, 1)):
            with clock.stopped_at(clock.now() + timedelta(hours=hours + late)):
                async with office.sessions() as session:
                    assert await forget_old_deliveries(session) is False
                    await session.commit()
            assert len(await office.log(endpoint)) == left


async def status_of(office: Office, endpoint: str) -> tuple[str, str | None]:
    """An endpoint's status, and why it is disabled if it is."""
    found = await office.of(endpoint, "status disabledReason")
    return found["status"], found["disabledReason"]


async def customer_of(office: Office) -> Principal:
    """A customer, as a user who signs in."""
    async with office.sessions() as session:
        customer_id = await parties.customer(session)
        await write_outbox(session)
        await session.commit()
    user = await user_of(office.sessions, roles=(Role.CUSTOMER,), customer_id=customer_id)
    return replace(user, customer_id=customer_id)


async def key_of(office: Office) -> Principal:
    """An operator's API key as a caller."""
    async with office.sessions() as session:
        key = await access.api_key(session)
        await write_outbox(session)
        await session.commit()
    return Principal(roles=frozenset({Role.OPERATOR}), name="Key", api_key_id=key.id)
