"""Filters of subscriptions: what is wanted comes, as a fresh reading has it, and nothing else wakes the follower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from app.inventory.commands import SetReorderPoint, set_reorder_point
from app.kernel.event_log import Cursor
from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.locations.tables import LocationId, LocationKind
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from resolvers.following.cohorts import SharedReading
from schema.root import GRAPH
from tests.factories import inventory as make
from tests.factories import orders, parties
from tests.following.conftest import Shelf
from tests.following.processes import Process, process, relaying

WITHIN = """subscription ($within: ID, $product: ID, $after: String) {
  stockLevelChanged(withinLocationId: $within, productId: $product, after: $after) {
    availableAfter stockLevel { id available } } }"""


CROSSINGS = """subscription ($ways: [ReorderPointCrossing!], $reasons: [LevelChangeReason!], $after: String) {
  stockLevelChanged(reorderPointCrossings: $ways, reasons: $reasons, after: $after) {
    reason reorderPointCrossing availableAfter stockLevel { id belowReorderPoint } } }"""
ORDERS = """subscription ($kinds: [OrderChangedKind!], $after: String) {
  orderChanged(kinds: $kinds, after: $after) { kind event order { id status } } }"""
LOW = "{ eventCursor stockLevels(where: { belowReorderPoint: { eq: true } }) { nodes { id } } }"


@dataclass
class Site:
    """A warehouse with a zone that has a bin, and a shelf of one product at each."""

    whole: Shelf
    zone: Shelf
    bin: Shelf


async def shelf_at(sessions: Any, product: int, **place: Any) -> Shelf:
    """A hundred pieces of `product` at a new place."""
    async with sessions() as session:
        location = await make.location(session, **place)
        await make.stocked(session, 100, product_id=product, location_id=location)  # type: ignore[arg-type]
        await write_outbox(session)
        await session.commit()
    return Shelf(sessions, product, location)


async def site_of(sessions: Any, product: int) -> Site:
    """A site whose shelves hold `product`."""
    whole = await shelf_at(sessions, product)
    inside = {"sells": False, "fulfils": False}
    zone = await shelf_at(sessions, product, kind=LocationKind.ZONE, parent_id=LocationId(whole.location), **inside)
    narrow = await shelf_at(sessions, product, kind=LocationKind.BIN, parent_id=LocationId(zone.location), **inside)
    return Site(whole, zone, narrow)


@pytest.fixture
async def site(sessions, shelf: Shelf) -> Site:
    """A site with the same product as `shelf`, which lies elsewhere."""
    return await site_of(sessions, shelf.product)


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the events that woke a cohort."""
    seen: list[str] = []
    push = SharedReading.push

    def note(self: SharedReading, event: Any, *rest: Any) -> None:
        seen.append(event.name)
        push(self, event, *rest)

    monkeypatch.setattr(SharedReading, "push", note)
    return seen


def place(shelf: Shelf) -> str:
    """The global id of the place where a shelf stands."""
    return encode_id("Location", shelf.location)


async def set_point(shelf: Shelf, point: int | None) -> None:
    """Say at which number of pieces more should be ordered for a shelf."""
    given = SetReorderPoint(product_id=shelf.product, location_id=shelf.location, reorder_point=point)  # type: ignore[arg-type]
    async with shelf.sessions() as session:
        await set_reorder_point(session, given, by=SYSTEM)
        await write_outbox(session)
        await session.commit()


class TestWithinALocation:
    async def test_tells_of_all_that_lies_inside_and_of_nothing_else(
        self, site: Site, served: Process, shelf: Shelf, pushed: list[str]
    ):
        whole = await served.follow(WITHIN, within=place(site.whole))
        zone = await served.follow(WITHIN, within=place(site.zone))
        for each in (shelf, site.whole, site.bin, shelf, site.zone, shelf):
            await each.change()
        await whole.count(3)
        await zone.count(2)
        assert len(pushed) == 5
        where = "{ stockLevels { nodes { id available location { path } } } }"
        levels = {each["id"]: each["available"] for each in (await served.ask(where))["stockLevels"]["nodes"]}
        for reader in (whole, zone):
            assert {event["stockLevel"]["id"]: event["stockLevel"]["available"] for event in reader.read}.items() <= (
                levels.items()
            )
            await reader.close()
        assert len(served.following.routes) == 0

    async def test_reads_nothing_of_events_that_lie_elsewhere(self, site: Site, served: Process, shelf: Shelf):
        reader = await served.follow(WITHIN, within=place(site.whole), product=shelf.product_id)
        last = served.following.dispatched
        await shelf.change()
        await served.settled(last + 1)
        assert served.reads == []
        await reader.close()

    @pytest.mark.parametrize("ring", [1, 10_000])
    async def test_resumes_with_what_happened_inside(self, database_url, shelf: Shelf, site: Site, wakeup, ring):
        bounds = {"follow_ring_events_max": ring}
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup, **bounds) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            await shelf.change()
            await site.bin.change()
            reader = await other.follow(WITHIN, within=place(site.zone), after=beginning)
            await site.zone.change(2)
            await reader.count(4)
            assert [event["availableAfter"] for event in reader.read] == [100, 100, 101, 102]
            await reader.close()


class TestReorderPoint:
    async def test_tells_where_a_level_falls_to_its_reorder_point_and_where_it_rises_above(
        self, served: Process, shelf: Shelf, pushed: list[str]
    ):
        await set_point(shelf, 90)
        down = await served.follow(CROSSINGS, ways=["DOWN"])
        both = await served.follow(CROSSINGS, ways=["UP", "DOWN"])
        for quantity in (-5, -5, -5, 1, 10, 10, -50):
            await shelf.change(quantity)
        await both.count(3)
        await down.count(2)
        assert [(event["reorderPointCrossing"], event["availableAfter"]) for event in both.read] == [
            ("DOWN", 90),
            ("UP", 96),
            ("DOWN", 56),
        ]
        assert [event["availableAfter"] for event in down.read] == [90, 56]
        assert len(pushed) == 5
        await both.close()
        await down.close()
        assert len(served.following.routes) == 0

    async def test_keeps_a_list_of_what_to_order_equal_to_a_fresh_reading(
        self, served: Process, shelf: Shelf, sessions
    ):
        other, third = await shelf_at(sessions, shelf.product), await shelf_at(sessions, shelf.product)
        await set_point(other, 200)
        start = await served.ask(LOW)
        low = {node["id"] for node in start["stockLevels"]["nodes"]}
        reader = await served.follow(CROSSINGS, ways=["UP", "DOWN"], after=start["eventCursor"])
        await set_point(shelf, 99)
        await shelf.change(-1)
        await set_point(other, None)
        await set_point(third, 100)
        await third.change(1)
        await set_point(third, 120)
        assert len(low) == 1
        for event in await reader.count(5):
            (low.add if event["reorderPointCrossing"] == "DOWN" else low.remove)(event["stockLevel"]["id"])
        assert low == {node["id"] for node in (await served.ask(LOW))["stockLevels"]["nodes"]}
        await reader.close()

    @pytest.mark.parametrize("ring", [3, 10_000])
    async def test_resumes_with_any_of_several_values(self, database_url, shelf: Shelf, wakeup, ring):
        bounds = {"follow_ring_events_max": ring}
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup, **bounds) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            await set_point(shelf, 100)
            await shelf.change()
            given: dict[str, Any] = {"ways": ["UP", "DOWN"], "reasons": ["ADJUSTED", "REORDER_POINT_SET"]}
            both = await other.follow(CROSSINGS, after=beginning, **given)
            one = await other.follow(CROSSINGS, after=beginning, reasons="REORDER_POINT_SET")
            none = await other.follow(CROSSINGS, after=beginning, ways=[])
            await set_point(shelf, 101)
            await both.count(3)
            await one.count(2)
            assert [event["reason"] for event in both.read] == ["REORDER_POINT_SET", "ADJUSTED", "REORDER_POINT_SET"]
            assert none.read == []
            for reader in (both, one, none):
                await reader.close()

    @pytest.mark.parametrize(
        "document",
        [
            "subscription { stockLevelChanged(reorderPointCrossings: [DOWN]) { cursor } }",
            "subscription { stockLevelChanged { reorderPointCrossing } }",
        ],
    )
    @pytest.mark.parametrize(
        "caller", [ANONYMOUS, Principal(roles=frozenset({Role.CUSTOMER}), customer_id=1)], ids=["stranger", "customer"]
    )
    async def test_is_told_to_insiders_alone(self, served: Process, document: str, caller: Principal):
        with pytest.raises(RequestError, match="You may not") as refused:
            await served.execution.answer(GraphQLRequest(document), caller)
        assert (refused.value.extensions or {})["code"] == "FORBIDDEN"


async def order_placed(sessions: Any, by: Principal = ANONYMOUS) -> None:
    """An order of a customer who filled a cart first."""
    async with sessions() as session:
        channel = await orders.channel(session)
        product, _ = await orders.offered(session, 10, channel_id=channel)
        await orders.placed(session, channel, {product: 1}, by=by)
        await write_outbox(session)
        await session.commit()


async def customer_of(sessions: Any) -> Principal:
    """A caller who acts for a customer of its own."""
    async with sessions() as session:
        customer = await parties.customer(session)
        await session.commit()
    return Principal(roles=frozenset({Role.CUSTOMER}), customer_id=customer)


class TestCustomers:
    async def test_are_told_of_their_own_orders_and_wake_nobody_by_those_of_others(
        self, served: Process, sessions, pushed: list[str]
    ):
        one, other = await customer_of(sessions), await customer_of(sessions)
        first, second = await served.follow(ORDERS, by=one), await served.follow(ORDERS, by=other)
        lost = await served.follow(ORDERS, by=Principal(roles=frozenset({Role.CUSTOMER})))
        await order_placed(sessions, by=one)
        await order_placed(sessions)
        await order_placed(sessions, by=other)
        orders_told = []
        for reader in (first, second):
            assert [event["kind"] for event in await reader.count(3)] == [
                "CART_CREATED",
                "CART_LINE_SET",
                "ORDER_PLACED",
            ]
            orders_told.append({event["order"]["id"] for event in reader.read})
        assert not orders_told[0] & orders_told[1]
        assert lost.read == []
        assert len(pushed) == 6
        for reader in (first, second, lost):
            await reader.close()
        assert len(served.following.routes) == 0

    async def test_are_found_by_themselves_and_not_by_what_all_follow(self, served: Process, sessions):
        document = "subscription ($channel: ID) { orderChanged(channelId: $channel) { event } }"
        reader = await served.follow(document, by=await customer_of(sessions), channel=encode_id("Channel", 1))
        cohort = reader.stream.cohort
        assert cohort is not None
        assert [place[1] for place in cohort.route.places] == ["customer_id"] * len(cohort.route.names)
        await reader.close()

    async def test_resume_with_their_own(self, database_url, shelf: Shelf, wakeup):
        by = await customer_of(shelf.sessions)
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            await order_placed(shelf.sessions)
            await order_placed(shelf.sessions, by=by)
            reader = await other.follow(ORDERS, kinds=["ORDER_PLACED"], after=beginning, by=by)
            assert len(await reader.count(1)) == 1
            await reader.close()

    async def test_are_told_nothing_where_they_ask_for_those_of_another(
        self, served: Process, sessions, pushed: list[str]
    ):
        one, other = await customer_of(sessions), await customer_of(sessions)
        document = "subscription ($customer: ID) { orderChanged(customerId: $customer) { event } }"
        reader = await served.follow(document, by=one, customer=encode_id("Customer", other.customer_id or 0))
        last = served.following.dispatched
        await order_placed(sessions, by=other)
        await order_placed(sessions, by=one)
        await served.settled(last + 6)
        assert reader.read == pushed == []
        await reader.close()


class TestKinds:
    async def test_tells_events_of_these_kinds_and_is_not_woken_by_others(
        self, served: Process, sessions, pushed: list[str]
    ):
        some = await served.follow(ORDERS, kinds=["ORDER_CANCELLED", "ORDER_PLACED"])
        one = await served.follow(ORDERS, kinds="CART_CREATED")
        none = await served.follow(ORDERS, kinds=[])
        await order_placed(sessions)
        ((placed,), (created,)) = await some.count(1), await one.count(1)
        assert (placed["kind"], placed["event"]) == ("ORDER_PLACED", "orders.order_placed")
        assert created["kind"] == "CART_CREATED"
        assert placed["order"] == (await served.ask("{ orders { nodes { id status } } }"))["orders"]["nodes"][0]
        assert sorted(pushed) == ["orders.cart_created", "orders.order_placed"]
        assert none.read == []
        for reader in (some, one, none):
            await reader.close()
        assert len(served.following.routes) == 0

    async def test_tells_every_kind_where_none_is_named(self, served: Process, sessions):
        reader = await served.follow(ORDERS)
        await order_placed(sessions)
        kinds = [event["kind"] for event in await reader.count(3)]
        assert kinds == ["CART_CREATED", "CART_LINE_SET", "ORDER_PLACED"]
        await reader.close()

    async def test_resumes_with_these_kinds(self, database_url, shelf: Shelf, wakeup):
        async with relaying(database_url, wakeup), process(database_url, shelf.sessions, wakeup) as other:
            await other.settled()
            beginning = Cursor(other.following.tail.epoch, 0).encode()
            await order_placed(shelf.sessions)
            await order_placed(shelf.sessions)
            reader = await other.follow(ORDERS, kinds=["ORDER_PLACED"], after=beginning)
            assert {event["kind"] for event in await reader.count(2)} == {"ORDER_PLACED"}
            await reader.close()

    def test_every_stream_names_each_of_its_events(self):
        """But an alert is one kind, whatever raised it."""
        for subscription in GRAPH.subscriptions.values():
            kinds = subscription.kinds
            if subscription.name != "alertRaised":
                assert len(set(kinds.values())) == len(kinds)
            assert set(kinds) in ({event.name for event in subscription.follow.events}, set())
