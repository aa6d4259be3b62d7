"""Filters of subscriptions: what is wanted comes, as a fresh reading has it, and nothing else wakes the follower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from app.kernel.event_log import Cursor
from app.kernel.identity import encode_id
from app.kernel.outbox import write_outbox
from app.locations.tables import LocationId, LocationKind
from resolvers.following.cohorts import SharedReading
from tests.factories import inventory as make
from tests.following.conftest import Shelf
from tests.following.processes import Process, process, relaying

WITHIN = """subscription ($within: ID, $product: ID, $after: String) {
  stockLevelChanged(withinLocationId: $within, productId: $product, after: $after) {
    availableAfter stockLevel { id available } } }"""


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
        (event,) = served.following.tail.recent(last, last + 1) or []
        assert event.whole is None
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
