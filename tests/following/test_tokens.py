"""Following by a tracking token: one shipment, as a stranger may see it, for whoever has the token."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.shipments.tables import Shipment, TrackingStatus
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from resolvers.following.payloads import Payload
from tests.factories import shipments as make
from tests.following.conftest import Shelf
from tests.following.processes import Process, process, relaying

CUSTOMER = Principal(roles=frozenset({Role.CUSTOMER}), customer_id=404)
STEPS = """subscription ($token: String, $after: String) {
  trackingEventAdded(trackingToken: $token, after: $after) {
    cursor status trackingEvent { id shipment { number status order { id } trackingEvents { nodes { id } } } } } }"""
PAGE = """query ($token: String!) {
  eventCursor trackedShipment(token: $token) { number status order { id } trackingEvents { nodes { id } } } }"""
CHANGES = """subscription ($token: String) {
  shipmentChanged(trackingToken: $token) { statusAfter shipment { status } } }"""


@pytest.fixture
async def sent(sessions: async_sessionmaker[AsyncSession]) -> list[Shipment]:
    """Two shipments of orders that different people placed, under way."""
    async with sessions() as session:
        made = [await make.dispatched(session) for _ in range(2)]
        await write_outbox(session)
        await session.commit()
    return made


async def report(sessions: async_sessionmaker[AsyncSession], shipment: Shipment, status: TrackingStatus) -> None:
    """A step of a shipment's journey, reported."""
    async with sessions() as session:
        await make.report(session, shipment.id, status)
        await write_outbox(session)
        await session.commit()


async def refusal(served: Process, document: str, token: str, by: Principal = ANONYMOUS) -> tuple[str, Any]:
    """In what words following by a token ends before it begins."""
    reader = await served.follow(document, by, token=token)
    error = await reader.ended()
    assert isinstance(error, RequestError)
    return error.message, (error.extensions or {})["code"]


class TestFollowingByToken:
    @pytest.mark.parametrize("caller", [ANONYMOUS, CUSTOMER, SYSTEM], ids=["stranger", "customer", "staff"])
    async def test_tells_one_shipment_as_a_stranger_sees_it(
        self, sent: list[Shipment], served: Process, sessions, caller: Principal
    ):
        mine, other = sent
        page = await served.ask(PAGE, token=mine.tracking_token, by=ANONYMOUS)
        reader = await served.follow(STEPS, caller, token=mine.tracking_token, after=page["eventCursor"])
        blind = await served.follow(STEPS, ANONYMOUS)
        await report(sessions, other, TrackingStatus.IN_TRANSIT)
        await report(sessions, mine, TrackingStatus.IN_TRANSIT)
        await report(sessions, mine, TrackingStatus.OUT_FOR_DELIVERY)
        told = await reader.count(2)
        assert [event["status"] for event in told] == ["IN_TRANSIT", "OUT_FOR_DELIVERY"]
        page = await served.ask(PAGE, token=mine.tracking_token, by=ANONYMOUS)
        assert told[-1]["trackingEvent"]["shipment"] == page["trackedShipment"]
        assert page["trackedShipment"]["order"] is None
        assert blind.read == []
        await reader.close()
        await blind.close()

    async def test_reads_nothing_of_other_shipments(
        self, sent: list[Shipment], served: Process, sessions, monkeypatch: pytest.MonkeyPatch
    ):
        mine, other = sent
        read: list[int] = []
        deliveries = Payload.deliveries

        async def note(self: Payload, events: Any, epoch: str) -> Any:
            read.extend(event.facts["shipment_id"] for event in events)
            return await deliveries(self, events, epoch)

        monkeypatch.setattr(Payload, "deliveries", note)
        reader = await served.follow(CHANGES, ANONYMOUS, token=mine.tracking_token)
        await report(sessions, other, TrackingStatus.IN_TRANSIT)
        await report(sessions, mine, TrackingStatus.OUT_FOR_DELIVERY)
        (event,) = await reader.count(1)
        assert event == {"statusAfter": "OUT_FOR_DELIVERY", "shipment": {"status": "OUT_FOR_DELIVERY"}}
        assert read == [mine.id]
        await reader.close()

    async def test_goes_on_after_a_cursor_with_what_is_no_longer_at_hand(
        self, sent: list[Shipment], shelf: Shelf, database_url: str, wakeup
    ):
        mine, other = sent
        bounds: dict[str, Any] = {"follow_ring_events_max": 2}
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup, **bounds) as served:
            await served.settled()
            page = await served.ask(PAGE, token=mine.tracking_token, by=ANONYMOUS)
            for shipment in (mine, other, mine, other):
                await report(shelf.sessions, shipment, TrackingStatus.IN_TRANSIT)
            reader = await served.follow(STEPS, ANONYMOUS, token=mine.tracking_token, after=page["eventCursor"])
            numbers = {event["trackingEvent"]["shipment"]["number"] for event in await reader.count(2)}
            assert numbers == {mine.number}
            await reader.close()

    async def test_refuses_every_wrong_token_in_the_same_words(self, sent: list[Shipment], served: Process):
        wrong = ["", "nonsense", "x" * 43, sent[0].tracking_token[:-1], sent[0].number, str(sent[0].tracking_number)]
        told = {await refusal(served, document, token) for document in (STEPS, CHANGES) for token in wrong}
        assert told == {("There is no such Shipment, or you may not see it.", "NOT_FOUND")}
        answer = await served.execution.execute(GraphQLRequest(PAGE, {"token": "nonsense"}), ANONYMOUS)
        assert b"There is no such Shipment, or you may not see it." in answer.body

    @pytest.mark.parametrize(
        "selection",
        [
            "actor",
            "trackingEvent { shipment { trackingToken } }",
            "trackingEvent { shipment { destination { city } } }",
        ],
    )
    @pytest.mark.parametrize("caller", [ANONYMOUS, SYSTEM], ids=["stranger", "staff"])
    async def test_shows_nobody_what_strangers_may_not_read(
        self, sent: list[Shipment], served: Process, selection: str, caller: Principal
    ):
        document = f'subscription {{ trackingEventAdded(trackingToken: "{sent[0].tracking_token}") {{ {selection} }} }}'
        with pytest.raises(RequestError, match="You may not read") as refused:
            await served.execution.answer(GraphQLRequest(document), caller)
        assert (refused.value.extensions or {})["code"] == "FORBIDDEN"


class TestStatuses:
    async def test_tells_steps_of_these_statuses_and_is_not_woken_by_others(
        self, sent: list[Shipment], served: Process, sessions, monkeypatch: pytest.MonkeyPatch
    ):
        read: list[str] = []
        deliveries = Payload.deliveries

        async def note(self: Payload, events: Any, epoch: str) -> Any:
            read.extend(event.facts["status"] for event in events)
            return await deliveries(self, events, epoch)

        monkeypatch.setattr(Payload, "deliveries", note)
        reader = await served.follow("subscription { trackingEventAdded(statuses: [OUT_FOR_DELIVERY]) { status } }")
        await report(sessions, sent[0], TrackingStatus.IN_TRANSIT)
        await report(sessions, sent[0], TrackingStatus.OUT_FOR_DELIVERY)
        assert await reader.count(1) == [{"status": "OUT_FOR_DELIVERY"}]
        assert read == ["OUT_FOR_DELIVERY"]
        await reader.close()
