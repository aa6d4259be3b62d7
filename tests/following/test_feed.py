"""The feed of all events: what each is about, told to whom may see it, and once more to whom may see it no longer."""

from __future__ import annotations

from typing import Any

import pytest

from app.access.events import UserSignedIn
from app.catalog.commands import ArchiveProduct, archive_product
from app.importing.events import BatchImported
from app.kernel.identity import encode_id
from app.kernel.outbox import record, write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal
from app.locations.commands import UpdateLocation, update_location
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from tests.factories import inventory, orders, parties
from tests.following.conftest import Shelf
from tests.following.processes import Process, Reader, eventually

FEED = """subscription ($after: String, $kinds: [EventKind!], $subjects: [SubjectType!]) {
  eventLog(after: $after, kinds: $kinds, subjects: $subjects) {
    cursor kind event occurredAt subjectType subjectId refetch
    subject { __typename id ... on Order { number } ... on StockLevel { available } ... on Party { name } } } }"""
BLIND = "subscription { eventLog { cursor kind subjectId } }"


async def done(sessions: Any, command: Any, request: Any) -> Any:
    """What a command answers that was committed."""
    async with sessions() as session:
        answer = await command(session, request, by=SYSTEM)
        await write_outbox(session)
        await session.commit()
    return answer


async def recorded(sessions: Any, event: Any) -> None:
    """Commit an event by itself."""
    async with sessions() as session:
        record(session, event, by=SYSTEM)
        await write_outbox(session)
        await session.commit()


async def order_placed(sessions: Any, *, by: Principal = ANONYMOUS) -> None:
    """An order of somebody who filled a cart first."""
    async with sessions() as session:
        channel = await orders.channel(session)
        product, _ = await orders.offered(session, 10, channel_id=channel)
        await orders.placed(session, channel, {product: 1}, by=by)
        await write_outbox(session)
        await session.commit()


def kinds(reader: Reader) -> list[str]:
    """The kinds of event that a reader was told."""
    return [event["kind"] for event in reader.read]


class TestSubjects:
    async def test_are_shown_as_they_are_whatever_their_type(self, served: Process, shelf: Shelf, sessions):
        reader = await served.follow(FEED)
        async with sessions() as session:
            customer = await parties.customer(session)
            await write_outbox(session)
            await session.commit()
        await shelf.change(3)
        created, changed, moved = await reader.count(3)
        assert (moved["kind"], moved["subject"]["__typename"]) == ("STOCK_MOVED", "StockMovement")
        assert (created["kind"], created["event"]) == ("CUSTOMER_CREATED", "parties.customer_created")
        assert created["subjectType"] == "CUSTOMER"
        assert created["subject"]["__typename"] == "Customer"
        assert created["subject"]["id"] == created["subjectId"] == encode_id("Customer", customer)
        assert created["subject"]["name"]
        assert changed["subject"] == {"__typename": "StockLevel", "id": changed["subjectId"], "available": 103}
        assert created["refetch"] == changed["refetch"] == []
        await reader.close()

    async def test_are_read_in_one_statement_for_each_type(self, served: Process, shelf: Shelf):
        all_of_it = [await served.follow(FEED) for _ in range(5)]
        some = [await served.follow(FEED, subjects=["STOCK_LEVEL"]) for _ in range(5)]
        await shelf.change()
        for readers, told in ((all_of_it, 2), (some, 1)):
            for reader in readers:
                await reader.count(told)
                await reader.close()
        assert len(served.reads) == 2

    async def test_are_selected_more_than_once_or_not_at_all(self, served: Process, shelf: Shelf):
        document = """subscription { it: eventLog { __typename a: subject { id } again: cursor
          b: subject { ... on StockLevel { onHand } ... on Order { number } } } }"""
        twice, blind = await served.follow(document), await served.follow(BLIND)
        await shelf.change()
        ((event, _), (other, _)) = await twice.count(2), await blind.count(2)
        assert event["a"] == {"id": other["subjectId"]}
        assert (event["__typename"], event["b"], event["again"]) == ("LoggedEvent", {"onHand": 101}, other["cursor"])
        await twice.close()
        await blind.close()

    async def test_are_none_where_an_event_stands_for_many(self, served: Process, sessions):
        staff, stranger = await served.follow(FEED), await served.follow(FEED, ANONYMOUS)
        rows = {"orders": 3, "order_lines": 5, "products": 2, "imported_records": 3}
        counts = {"read": 3, "imported": 3, "known": 0, "refused": 0}
        await recorded(sessions, BatchImported(import_run_id=1, source="x", stage="orders", **counts, rows=rows))
        ((told,), (public,)) = await staff.count(1), await stranger.count(1)
        assert (told["kind"], told["subject"], told["subjectId"]) == ("BATCH_IMPORTED", None, None)
        assert told["refetch"] == ["ORDER", "ORDER_LINE", "PRODUCT"]
        assert public["refetch"] == ["PRODUCT"]
        await staff.close()
        await stranger.close()


class TestFilters:
    async def test_leave_kinds_and_types(self, served: Process, shelf: Shelf, sessions):
        by_kind = await served.follow(FEED, kinds=["ORDER_PLACED", "STOCK_LEVEL_CHANGED"], subjects=["ORDER"])
        by_type = await served.follow(FEED, subjects=["ORDER"])
        nothing = await served.follow(FEED, subjects=["TRACKING_EVENT"])
        await order_placed(sessions)
        await by_type.count(3)
        assert kinds(by_kind) == ["ORDER_PLACED"]
        assert kinds(by_type) == ["CART_CREATED", "CART_LINE_SET", "ORDER_PLACED"]
        assert nothing.read == []
        for reader in (by_kind, by_type, nothing):
            await reader.close()


class TestResuming:
    async def test_tells_what_was_missed_once_and_in_order(self, served: Process, shelf: Shelf, sessions):
        first = await served.follow(FEED)
        snapshot = await served.ask("{ eventCursor }")
        await order_placed(sessions)
        await shelf.change()
        await eventually(lambda: bool(first.read) and first.read[-1]["kind"] == "STOCK_LEVEL_CHANGED")
        await served.settled(served.following.tail.position)
        again = await served.follow(FEED, after=snapshot["eventCursor"])
        await eventually(lambda: len(again.read) == len(first.read))
        cursors = [event["cursor"] for event in first.read]
        assert [event["kind"] for event in again.read] == kinds(first)
        later = await served.follow(FEED, after=cursors[2])
        await eventually(lambda: len(later.read) == len(cursors) - 3)
        assert [event["cursor"] for event in later.read] == cursors[3:]
        for reader in (first, again, later):
            await reader.close()


@pytest.mark.parametrize("document", [FEED, BLIND])
class TestVisibility:
    async def test_tells_a_customer_of_its_own_alone(self, served: Process, shelf: Shelf, sessions, document):
        async with sessions() as session:
            me, other = await orders.customer(session), await orders.customer(session)
            await write_outbox(session)
            await session.commit()
        mine, others = await served.follow(document, me), await served.follow(document, other)
        await order_placed(sessions, by=me)
        await served.settled(served.following.tail.position)
        await eventually(lambda: "ORDER_PLACED" in kinds(mine))
        assert {"CART_CREATED", "CART_LINE_SET", "ORDER_PLACED"} <= set(kinds(mine))
        assert "ORDER_PLACED" not in kinds(others)
        await mine.close()
        await others.close()

    async def test_never_tells_of_sessions(self, served: Process, shelf: Shelf, sessions, document):
        reader = await served.follow(document)
        await recorded(sessions, UserSignedIn(user_id=1, family="secret"))
        await shelf.change()
        await reader.count(2)
        assert kinds(reader) == ["STOCK_LEVEL_CHANGED", "STOCK_MOVED"]
        await reader.close()

    async def test_tells_once_more_of_what_is_hidden_now(self, served: Process, shelf: Shelf, sessions, document):
        async with sessions() as session:
            draft = await inventory.product(session, publish=False)
            await write_outbox(session)
            await session.commit()
        await served.settled(served.following.tail.position)
        stranger, staff = await served.follow(document, ANONYMOUS), await served.follow(document)
        await done(sessions, archive_product, ArchiveProduct(product_id=draft))
        await done(sessions, archive_product, ArchiveProduct(product_id=shelf.product))  # type: ignore[arg-type]
        await eventually(lambda: kinds(staff)[-2:] == ["PRODUCT_ARCHIVED", "PRODUCT_ARCHIVED"])
        (gone,) = await stranger.count(1)
        assert (gone["kind"], gone["subjectId"]) == ("PRODUCT_ARCHIVED", shelf.product_id)
        if "subject" in gone:
            assert gone["subject"] is None
            assert gone["refetch"] == ["STOCK_LEVEL"]
            assert staff.read[-1]["subject"]["id"] == shelf.product_id
        await stranger.close()
        await staff.close()

    async def test_tells_of_a_place_that_sells_no_longer(self, served: Process, shelf: Shelf, sessions, document):
        stranger, staff = await served.follow(document, ANONYMOUS), await served.follow(document)
        for number, (sells, name) in enumerate(((None, "Hall"), (False, None), (None, "Yard"), (True, None)), 1):
            change = UpdateLocation(location_id=shelf.location, sells=sells, name=name)  # type: ignore[arg-type]
            await done(sessions, update_location, change)
            await staff.count(number)
            await eventually(lambda: stranger.stream.idle_cursor == staff.stream.idle_cursor)
        await staff.close()
        read = await stranger.count(3)
        if "refetch" in read[0]:
            assert [event["refetch"] for event in read] == [[], ["STOCK_LEVEL"], ["STOCK_LEVEL"]]
            assert [bool(event["subject"]) for event in read] == [True, False, True]
        await stranger.close()


class TestRefusals:
    async def test_refuse_what_the_caller_may_not_read(self, served: Process):
        for selection in ("actor", "subject { ... on StockLevel { onHand } }"):
            with pytest.raises(RequestError) as refused:
                await served.execution.answer(
                    GraphQLRequest(f"subscription {{ eventLog {{ {selection} }} }}"), ANONYMOUS
                )
            assert (refused.value.extensions or {})["code"] == "FORBIDDEN"

    async def test_refuse_what_would_cost_too_much(self, served: Process):
        deep = "lines(first: 100) { nodes { order { lines(first: 100) { nodes { id } } } } }"
        document = f"subscription {{ eventLog {{ subject {{ ... on Order {{ {deep} }} }} }} }}"
        with pytest.raises(RequestError) as refused:
            await served.execution.answer(GraphQLRequest(document), SYSTEM)
        assert (refused.value.extensions or {})["code"] == "TOO_MANY_NODES"
