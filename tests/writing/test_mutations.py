"""What every mutation has: refusals as data, keys that make it once, dry runs, and one commit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.commands import passwords
from app.inventory.tables import StockMovement
from app.kernel.idempotency import IdempotentRequest
from app.kernel.identity import encode_id
from app.kernel.outbox import OutboxEvent
from app.kernel.principal import ANONYMOUS, Principal, Role
from app.kernel.refusal import ALWAYS
from resolvers.writing.run import UndeclaredRefusal
from schema.root import GRAPH
from tests.factories import inventory, orders, parties, shipments
from tests.graph import GraphClient

OPERATOR = Principal(roles=frozenset({Role.OPERATOR}), name="Olga", user_id=7)
SHOWN = "stockLevel { onHand product { sku } }"


@pytest.fixture
async def found(session: AsyncSession) -> dict[str, Any]:
    """The input that a count of ten pieces, three more than the books say, makes."""
    product, place = await inventory.stocked(session, 10)
    await session.commit()
    return {
        "productId": encode_id("Product", product),
        "locationId": encode_id("Location", place),
        "quantityChange": 3,
    }


async def rows(session: AsyncSession) -> tuple[int, int]:
    """How many movements and events there are: an adjustment makes one of the ledger's line and one of the level."""
    counts = [await session.scalar(select(func.count()).select_from(table)) for table in (StockMovement, OutboxEvent)]
    await session.rollback()
    return counts[0] or 0, counts[1] or 0


class TestMutation:
    async def test_shows_what_it_did(self, graph: GraphClient, found: dict[str, Any], session: AsyncSession):
        before = await rows(session)
        payload = await graph.done("stockAdjust", found, SHOWN, by=OPERATOR)
        assert payload["stockLevel"]["onHand"] == 13
        assert await rows(session) == (before[0] + 1, before[1] + 2)
        assert graph.woken == 1

    async def test_takes_an_instant_by_a_variable(self, graph: GraphClient):
        given = {"name": "partner", "roles": ["OPERATOR"], "expiresAt": "2126-03-02T08:30:15+05:30"}
        payload = await graph.done("apiKeyCreate", given, "apiKey { expiresAt }")
        assert payload["apiKey"]["expiresAt"] == "2126-03-02T03:00:15+00:00"

    async def test_tells_a_refusal_as_data_and_changes_nothing(
        self, graph: GraphClient, found: dict[str, Any], session: AsyncSession
    ):
        before = await rows(session)
        given = {**found, "quantityChange": -11}
        payload = await graph.mutate("stockAdjust", given, SHOWN, by=OPERATOR)
        assert payload["stockLevel"] is None
        assert payload["userErrors"][0]["code"] == "INSUFFICIENT_STOCK"
        assert await rows(session) == before

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"quantityChange": 1_000_001}, "INVALID_INPUT", ["quantityChange"]),
            ({"note": "x" * 501}, "INVALID_INPUT", ["note"]),
            ({"note": "\0"}, "INVALID_INPUT", ["note"]),
            ({"productId": "junk"}, "UNKNOWN_PRODUCT", ["productId"]),
            ({"productId": encode_id("Order", 1)}, "UNKNOWN_PRODUCT", ["productId"]),
            ({"productId": encode_id("Product", 10**12)}, "UNKNOWN_PRODUCT", ["productId"]),
        ],
    )
    async def test_names_the_field_that_is_wrong(
        self, graph: GraphClient, found: dict[str, Any], change: dict[str, Any], code: str, field: list[str]
    ):
        payload = await graph.mutate("stockAdjust", {**found, **change}, by=OPERATOR)
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == (code, field)

    async def test_is_done_in_the_roles_that_allow_it_alone(self, graph: GraphClient, session: AsyncSession):
        buyer = await orders.customer(session)
        shipment = await shipments.dispatched(session, by=buyer)
        other = await parties.carrier(session)
        await session.commit()
        both = replace(buyer, roles=frozenset({Role.CUSTOMER, Role.CARRIER}), carrier_id=other, user_id=9)
        given = {"shipmentId": encode_id("Shipment", shipment.id)}
        assert await graph.refused("shipmentDeliver", given, by=both) == "UNKNOWN_SHIPMENT"

    async def test_takes_a_refusal_that_it_cannot_tell_for_a_fault(self, graph: GraphClient, found: dict[str, Any]):
        silent = replace(GRAPH.mutations["stockAdjust"], refusals=ALWAYS)
        given = {**found, "quantityChange": -11, "idempotencyKey": "count-1"}
        with pytest.raises(UndeclaredRefusal, match="INSUFFICIENT_STOCK"):
            await graph.execution.writing.commands.give(silent, given, OPERATOR)

    async def test_is_refused_to_who_may_not(self, graph: GraphClient, found: dict[str, Any]):
        assert await graph.refused("stockAdjust", found, by=ANONYMOUS) == "FORBIDDEN"


class TestIdempotencyKey:
    async def test_is_required_where_stock_moves(self, graph: GraphClient, found: dict[str, Any]):
        document = "mutation($input: StockAdjustInput!) { stockAdjust(input: $input) { stockLevel { id } } }"
        assert await graph.code(document, {"input": found}) == "BAD_USER_INPUT"

    async def test_does_once_what_is_sent_twice(self, graph: GraphClient, found: dict[str, Any]):
        given = {**found, "idempotencyKey": "count-1"}
        first = await graph.done("stockAdjust", given, SHOWN, by=OPERATOR)
        again = await graph.done("stockAdjust", given, "stockLevel { version onHand }", by=OPERATOR)
        assert first["stockLevel"]["onHand"] == again["stockLevel"]["onHand"] == 13

    async def test_does_once_what_is_sent_fifty_times_at_once(
        self, graph: GraphClient, found: dict[str, Any], session: AsyncSession
    ):
        before = await rows(session)
        given = {**found, "idempotencyKey": "count-1"}
        payloads = await asyncio.gather(*(graph.mutate("stockAdjust", given, SHOWN, by=OPERATOR) for _ in range(50)))
        assert {payload["stockLevel"]["onHand"] for payload in payloads} == {13}
        assert await rows(session) == (before[0] + 1, before[1] + 2)

    async def test_does_it_for_the_second_where_the_first_is_given_up(self, graph: GraphClient, found: dict[str, Any]):
        given = {**found, "idempotencyKey": "count-1"}
        first, second = (asyncio.create_task(graph.done("stockAdjust", given, SHOWN, by=OPERATOR)) for _ in range(2))
        for _ in range(10):
            await asyncio.sleep(0)
        first.cancel()
        assert (await second)["stockLevel"]["onHand"] == 13
        assert first.cancelled()

    async def test_is_refused_with_another_input(self, graph: GraphClient, found: dict[str, Any]):
        given = {**found, "idempotencyKey": "count-1"}
        await graph.done("stockAdjust", given, by=OPERATOR)
        other = {**given, "quantityChange": 4}
        assert await graph.refused("stockAdjust", other, by=OPERATOR) == "IDEMPOTENCY_KEY_REUSED"

    async def test_is_each_callers_own(self, graph: GraphClient, found: dict[str, Any]):
        given = {**found, "idempotencyKey": "count-1"}
        await graph.done("stockAdjust", given, by=OPERATOR)
        other = Principal(roles=frozenset({Role.OPERATOR}), name="Otto", user_id=8)
        payload = await graph.done("stockAdjust", given, SHOWN, by=other)
        assert payload["stockLevel"]["onHand"] == 16

    async def test_remembers_a_refusal_too(self, graph: GraphClient, found: dict[str, Any], session: AsyncSession):
        given = {**found, "quantityChange": -11, "idempotencyKey": "count-1"}
        assert await graph.refused("stockAdjust", given, by=OPERATOR) == "INSUFFICIENT_STOCK"
        await graph.done("stockAdjust", {**found, "quantityChange": 5}, by=OPERATOR)
        assert await graph.refused("stockAdjust", given, by=OPERATOR) == "INSUFFICIENT_STOCK"

    async def test_forgets_a_refusal_that_passes(self, graph: GraphClient, monkeypatch: pytest.MonkeyPatch):
        given = {"email": "ada@lading.example", "name": "Ada", "password": "a long password", "roles": ["OPERATOR"]}
        given["idempotencyKey"] = "user-1"
        with monkeypatch.context() as busy:
            busy.setattr(passwords, "_threads", lambda: passwords.PasswordThreads(1, -1))
            assert await graph.refused("userCreate", given) == "TOO_MANY_SIGN_INS"
        await graph.done("userCreate", given)

    @pytest.mark.parametrize("key", ["", "x" * 256, "a\0b"])
    async def test_is_a_text_within_bounds(self, graph: GraphClient, found: dict[str, Any], key: str):
        payload = await graph.mutate("stockAdjust", {**found, "idempotencyKey": key}, by=OPERATOR)
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID_INPUT", ["idempotencyKey"])

    async def test_keeps_neither_payload_nor_secret(self, graph: GraphClient, session: AsyncSession):
        await graph.done(
            "apiKeyCreate", {"name": "partner", "roles": ["OPERATOR"], "idempotencyKey": "key-1"}, "secret"
        )
        kept = (await session.scalars(select(IdempotentRequest.outcome))).one()
        assert set(kept) == {"id", "refusal"}
        again = await graph.done(
            "apiKeyCreate", {"name": "partner", "roles": ["OPERATOR"], "idempotencyKey": "key-1"}, "secret"
        )
        assert again["secret"] is None


class TestDryRun:
    async def test_shows_what_would_be_and_undoes_it(
        self, graph: GraphClient, found: dict[str, Any], session: AsyncSession
    ):
        before = await rows(session)
        payload = await graph.done("stockAdjust", {**found, "dryRun": True}, SHOWN, by=OPERATOR)
        assert payload["stockLevel"]["onHand"] == 13
        assert await rows(session) == before
        assert graph.woken == 0

    async def test_tells_refusals(self, graph: GraphClient, found: dict[str, Any]):
        given = {**found, "dryRun": True, "quantityChange": -11}
        assert await graph.refused("stockAdjust", given, by=OPERATOR) == "INSUFFICIENT_STOCK"
