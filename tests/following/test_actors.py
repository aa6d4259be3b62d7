"""Who did it: told to staff by name and id, and followed by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.inventory.commands import AdjustStock, adjust_stock
from app.kernel.event_log import Cursor
from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM, Principal, Role
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from tests.following.conftest import Shelf
from tests.following.processes import Process, process, relaying

STREAMS = {
    "stockLevelChanged": """subscription ($who: ID, $after: String) {
      stockLevelChanged(actorId: $who, after: $after) { actor actorId availableAfter } }""",
    "eventLog": """subscription ($who: ID, $after: String) {
      eventLog(actorId: $who, after: $after, kinds: [STOCK_LEVEL_CHANGED]) { actor actorId } }""",
}
PICKER = replace(SYSTEM, name="Ada", user_id=7)
PROGRAM = replace(SYSTEM, name="Robot", api_key_id=7)


async def changed(shelf: Shelf, *, by: Principal) -> None:
    """One piece more, found by somebody."""
    given: dict[str, Any] = {"product_id": shelf.product, "location_id": shelf.location, "quantity_change": 1}
    async with shelf.sessions() as session:
        await adjust_stock(session, AdjustStock(**given), by=by)
        await write_outbox(session)
        await session.commit()


@pytest.mark.parametrize("document", STREAMS.values(), ids=list(STREAMS))
class TestActors:
    async def test_are_told_by_name_and_id(self, served: Process, shelf: Shelf, document: str) -> None:
        reader = await served.follow(document)
        for by in (PICKER, PROGRAM, SYSTEM):
            await changed(shelf, by=by)
        told = [(event["actor"], event["actorId"]) for event in await reader.count(3)]
        assert told == [("Ada", encode_id("User", 7)), ("Robot", encode_id("ApiKey", 7)), ("system", None)]
        await reader.close()

    async def test_are_followed_by_their_id(self, served: Process, shelf: Shelf, document: str) -> None:
        reader = await served.follow(document, who=encode_id("ApiKey", 7))
        for by in (PICKER, SYSTEM, PROGRAM):
            await changed(shelf, by=by)
        (event,) = await reader.count(1)
        assert event["actor"] == "Robot"
        await reader.close()

    @pytest.mark.parametrize("ring", [1, 10_000])
    async def test_are_followed_through_what_was_missed(self, database_url, shelf: Shelf, wakeup, document, ring):
        bounds = {"follow_batch_events_max": 3, "follow_ring_events_max": ring}
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup, **bounds) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            for _ in range(3):
                for by in (PICKER, SYSTEM, PROGRAM):
                    await changed(shelf, by=by)
            await other.settled(20)
            reader = await other.follow(document, who=encode_id("User", 7), after=beginning)
            assert {event["actor"] for event in await reader.count(3)} == {"Ada"}
            await reader.close()

    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.ANONYMOUS])
    async def test_are_for_staff_alone(self, served: Process, document: str, role: Role) -> None:
        caller = Principal(roles=frozenset({role}), customer_id=1)
        blind = document.replace("actor actorId", "cursor").replace("availableAfter", "")
        for asked in (document.replace("actor ", ""), blind):
            with pytest.raises(RequestError) as refused:
                await served.execution.answer(GraphQLRequest(asked, {"who": encode_id("User", 7)}), caller)
            assert (refused.value.extensions or {})["code"] == "FORBIDDEN"

    async def test_are_users_and_keys(self, served: Process, document: str) -> None:
        for wrong in ("nonsense", encode_id("Order", 1)):
            with pytest.raises(RequestError) as refused:
                await served.execution.answer(GraphQLRequest(document, {"who": wrong}), SYSTEM)
            assert (refused.value.extensions or {})["code"] == "INVALID_ID"
