"""Following stock as it moves: what is told, to whom, and in how many readings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.kernel.event_log import Cursor, LoggedEvent, decode_cursor
from app.kernel.identity import encode_id
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from resolvers.context import GraphQLRequest
from resolvers.errors import RequestError
from resolvers.following.followers import CursorExpired
from resolvers.following.log import Placed
from resolvers.following.payloads import Payload
from resolvers.following.run import Stream
from resolvers.reading.documents import RequestErrors
from tests.following.conftest import Shelf, shelf_of
from tests.following.processes import Process, Reader, eventually

LEVELS = """subscription ($product: ID, $after: String) {
  stockLevelChanged(productId: $product, after: $after) {
    cursor occurredAt actor event reason availableBefore availableAfter stockLevel { onHand product { sku } } } }"""
ON_HAND = "subscription ($product: ID) { stockLevelChanged(productId: $product) { stockLevel { onHand } } }"

AVAILABLE = "subscription { stockLevelChanged { stockLevel { available } } }"


def on_hand(reader: Reader) -> list[int]:
    """The pieces on hand that a reader was told."""
    return [event["stockLevel"]["onHand"] for event in reader.read]


class TestFollow:
    async def test_tells_what_happened_and_the_object_as_it_is(self, served: Process, shelf: Shelf):
        reader = await served.follow(LEVELS)
        await shelf.change(5)
        (event,) = await reader.count(1)
        assert event["event"] == "inventory.stock_level_changed"
        assert event["actor"] == "system"
        assert (event["availableBefore"], event["availableAfter"]) == (100, 105)
        assert event["stockLevel"]["onHand"] == 105
        cursor = decode_cursor(event["cursor"])
        assert cursor is not None
        assert cursor.epoch == served.following.tail.epoch
        await reader.close()

    async def test_reads_no_more_of_an_event_than_the_relay_told(
        self, served: Process, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ):
        completed: list[LoggedEvent | None] = []
        complete = served.following.log.complete

        async def noting(placed: Sequence[Placed]) -> None:
            completed.extend(event.whole for event in placed)
            await complete(placed)

        monkeypatch.setattr(served.following.log, "complete", noting)
        reader = await served.follow(LEVELS)
        await shelf.change(5)
        told = completed[0] if await reader.count(1) else None
        assert told is not None
        placed = served.following.tail.recent(told.position - 1, told.position)
        assert placed
        await complete([bare := replace(placed[0], whole=None)])
        assert told == bare.whole
        await reader.close()

    async def test_tells_each_event_once_and_in_order(self, served: Process, shelf: Shelf):
        reader = await served.follow(LEVELS)
        for _ in range(20):
            await shelf.change()
            await asyncio.sleep(0.005)
        await reader.count(20)
        assert [event["availableAfter"] for event in reader.read] == list(range(101, 121))
        await reader.close()

    async def test_tells_what_a_mutation_of_the_same_process_did(self, served: Process, shelf: Shelf):
        reader = await served.follow(ON_HAND)
        document = """mutation ($input: StockAdjustInput!) {
          stockAdjust(input: $input) { stockLevel { onHand } userErrors { message } } }"""
        given = {"productId": shelf.product_id, "locationId": encode_id("Location", shelf.location)}
        await served.ask(document, input={**given, "quantityChange": 3, "idempotencyKey": "once"})
        await reader.count(1)
        assert on_hand(reader) == [103]
        await reader.close()

    async def test_tells_only_what_the_filter_leaves(self, served: Process, shelf: Shelf, sessions):
        other = await shelf_of(sessions)
        reader = await served.follow(LEVELS, product=shelf.product_id)
        await other.change(50)
        await shelf.change(1)
        await reader.count(1)
        assert on_hand(reader) == [101]
        await reader.close()

    async def test_answers_aliases_fragments_and_directives(self, served: Process, shelf: Shelf):
        document = """subscription ($no: Boolean! = false) { it: stockLevelChanged {
          __typename ...F at: cursor again: cursor before: availableBefore reason @include(if: $no)
          first: stockLevel { onHand } second: stockLevel { id product { sku } } } }
          fragment F on StockLevelChangedEvent { first: stockLevel { held } }"""
        reader = await served.follow(document)
        await shelf.change()
        (event,) = await reader.count(1)
        assert list(event) == ["__typename", "first", "at", "again", "before", "second"]
        assert event["first"] == {"held": 0, "onHand": 101}
        assert event["at"] == event["again"]
        assert event["__typename"] == "StockLevelChangedEvent"
        await reader.close()


class TestSharing:
    async def test_reads_once_for_all_who_follow_the_same(self, served: Process, shelf: Shelf):
        document = "subscription Other($p: ID) { stockLevelChanged(productId: $p) { stockLevel { onHand } } }"
        readers = [await served.follow(ON_HAND) for _ in range(10)]
        readers += [await served.follow(ON_HAND, product=shelf.product_id) for _ in range(10)]
        readers += [await served.follow(document, p=shelf.product_id) for _ in range(10)]
        assert len(served.following.routes) == 2
        await shelf.change()
        for reader in readers:
            await reader.count(1)
            await reader.close()
        assert len(served.reads) == 1
        assert len(served.following.routes) == 0

    async def test_reads_apart_for_callers_whose_own_values_are_bound(self, served: Process, shelf: Shelf):
        suppliers = [Principal(roles=frozenset({Role.SUPPLIER}), supplier_id=number) for number in (1, 2, 2)]
        readers = [await served.follow(ON_HAND, each) for each in suppliers]
        assert len(served.following.routes) == 2
        for reader in readers:
            await reader.close()

    async def test_shares_among_strangers(self, served: Process, shelf: Shelf):
        readers = [await served.follow(AVAILABLE, ANONYMOUS), await served.follow(AVAILABLE, ANONYMOUS)]
        assert len(served.following.routes) == 1
        await shelf.change()
        for reader in readers:
            await reader.count(1)
            await reader.close()


class TestVisibility:
    @pytest.mark.parametrize("selection", ["stockLevel { available }", "availableAfter"])
    async def test_tells_nothing_of_what_a_fresh_read_would_hide(
        self, served: Process, shelf: Shelf, sessions, selection
    ):
        hidden = await shelf_of(sessions, publish=False)
        document = f"subscription {{ stockLevelChanged {{ cursor event {selection} }} }}"
        stranger, staff = await served.follow(document, ANONYMOUS), await served.follow(document)
        await hidden.change()
        await shelf.change()
        await eventually(lambda: bool(stranger.read) and stranger.read[-1]["cursor"] == staff.read[-1]["cursor"])
        assert len(stranger.read) == 1
        assert len(staff.read) > 1
        await stranger.close()
        await staff.close()

    @pytest.mark.parametrize("role", [Role.ANONYMOUS, Role.CUSTOMER, Role.SUPPLIER, Role.CARRIER])
    async def test_tells_nobody_but_staff_who_did_it(self, served: Process, role: Role):
        document = "subscription { stockLevelChanged { ...Who } } fragment Who on StockLevelChangedEvent { by: actor }"
        caller = Principal(roles=frozenset({role}), customer_id=1, supplier_id=1, carrier_id=1)
        with pytest.raises(RequestError, match="You may not read") as refused:
            await served.execution.answer(GraphQLRequest(document), caller)
        assert (refused.value.extensions or {})["code"] == "FORBIDDEN"

    async def test_refuses_at_the_start_what_would_cost_too_much(self, served: Process):
        deep = "stockLevel { holds(first: 100) { nodes { stockLevel { holds(first: 100) { nodes { id } } } } } }"
        with pytest.raises(RequestError) as refused:
            await served.execution.answer(GraphQLRequest(f"subscription {{ stockLevelChanged {{ {deep} }} }}"), SYSTEM)
        assert refused.value.extensions == {"code": "TOO_MANY_NODES", "found": 10_100, "limit": 10_000}

    async def test_refuses_an_id_of_something_else_as_a_filter(self, served: Process):
        for wrong in ("nonsense", encode_id("Order", 1)):
            with pytest.raises((RequestError, RequestErrors)) as refused:
                await served.execution.answer(GraphQLRequest(ON_HAND, {"product": wrong}), SYSTEM)
            assert isinstance(refused.value, RequestError)
            assert (refused.value.extensions or {})["code"] == "INVALID_ID"


class TestIdleCursor:
    async def test_advances_while_nothing_that_is_followed_happens(self, served: Process, shelf: Shelf, sessions):
        other = await shelf_of(sessions)
        reader = await served.follow(ON_HAND, product=shelf.product_id)
        last = (await served.following.log.state()).last_position
        await other.change()
        async with asyncio.timeout(5):
            while (decode_cursor(reader.stream.idle_cursor or "") or Cursor("", 0)).position <= last:
                await asyncio.sleep(0.01)
        assert reader.read == []
        await reader.close()


class Held:
    """Holds what it is put in the place of until it is let go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, *_: object, **__: object) -> Any:
        self.begun.set()
        async with asyncio.timeout(5):
            await self.go_on.wait()
        return {}


class TestLeaving:
    @staticmethod
    async def ends_with_what_is_held(reading: asyncio.Task[bytes], held: Held) -> None:
        """Leave in the middle of a reading, whose end is waited for."""
        await asyncio.wait_for(held.begun.wait(), 5)
        reading.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not reading.done()
        held.go_on.set()
        await asyncio.wait([reading], timeout=5)
        assert reading.cancelled()

    async def test_waits_for_the_reading_of_what_was_missed(self, served: Process, monkeypatch: pytest.MonkeyPatch):
        held, after = Held(), Cursor(served.following.tail.epoch, 0).encode()
        monkeypatch.setattr(served.following.log, "state", held)
        stream = await served.execution.answer(GraphQLRequest(LEVELS, {"after": after}), SYSTEM)
        assert isinstance(stream, Stream)
        await self.ends_with_what_is_held(asyncio.ensure_future(anext(stream)), held)

    async def test_waits_for_the_reading_of_what_happens(
        self, served: Process, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ):
        held, stream = Held(), await served.execution.answer(GraphQLRequest(LEVELS), SYSTEM)
        assert isinstance(stream, Stream)
        reading = asyncio.ensure_future(anext(stream))
        await eventually(lambda: stream.follower is not None)
        monkeypatch.setattr(Payload, "deliveries", held)
        await shelf.change()
        await self.ends_with_what_is_held(reading, held)


class TestFaults:
    async def test_in_handing_events_on_are_told_rather_than_passed_over(
        self, served: Process, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ):
        async def fail(_: Sequence[Placed]) -> None:
            raise LookupError("a slip of ours")

        reader = await served.follow(LEVELS)
        monkeypatch.setattr(served.following.tail, "_deliver", fail)
        await shelf.change()
        assert isinstance(await reader.ended(), CursorExpired)
        monkeypatch.undo()
        again = await served.follow(LEVELS)
        await shelf.change()
        await again.count(1)
        await again.close()


class TestWatch:
    async def test_calls_watchers_of_an_event(self, served: Process, shelf: Shelf):
        seen: list[int] = []
        served.following.watch("inventory.stock_level_changed", lambda event: seen.append(event.keys["product_id"]))
        await shelf.change()
        async with asyncio.timeout(5):
            while not seen:
                await asyncio.sleep(0.01)
        assert seen == [shelf.product]
