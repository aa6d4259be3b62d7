"""Routes: an event finds its followers among tens of thousands of cohorts without trying each."""

from __future__ import annotations

from typing import Any

import pytest

from app.kernel.event_log import Cursor
from app.kernel.limits import DEFAULTS
from resolvers.following.cohorts import Cohort, Route, Routes, Wanted
from resolvers.following.followers import Follower

NAME = "inventory.stock_level_changed"
COUNT = 20_000


class SamePayload:
    """A payload that all select."""

    key = "the same"
    cost = 1


def follower() -> Follower:
    """A follower from the beginning of a log."""
    return Follower(Cursor("e", 0), buffer_max=3, conflates=False)


def wanted(fact: str, *values: int) -> Wanted:
    """One of the values as a key of events."""
    return Wanted(fact, frozenset(values))


def join(routes: Routes, *wants: Wanted) -> tuple[Follower, Cohort]:
    """A follower of what all of `wants` lead to, and its cohort."""
    payload: Any = SamePayload()
    made = follower()
    return made, routes.join(made, Route((NAME,), wants), payload)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Route]:
    """The routes that were tried."""
    seen: list[Route] = []
    leads_to = Route.leads_to

    def noting(self: Route, *event: Any) -> bool:
        seen.append(self)
        return leads_to(self, *event)

    monkeypatch.setattr(Route, "leads_to", noting)
    return seen


class TestRoutes:
    async def test_try_no_more_cohorts_than_an_event_may_reach(self, tried: list[Route]):
        routes = Routes(DEFAULTS)
        cohorts = [join(routes, wanted("product_id", number), wanted("location_id", 7))[1] for number in range(COUNT)]
        all_of_it = join(routes)[1]
        elsewhere = join(routes, wanted("product_id", 5), wanted("location_id", 8))[1]
        assert len(routes) == COUNT + 2
        assert routes.of(NAME, {"product_id": 5, "location_id": 7}) == [all_of_it, cohorts[5]]
        assert set(tried) == {all_of_it.route, cohorts[5].route, elsewhere.route}

    async def test_leave_nothing_behind(self):
        routes = Routes(DEFAULTS)
        joined = [join(routes, wanted("product_id", number, number + 1)) for number in range(100)]
        for follower_, cohort in joined:
            await routes.leave(follower_, cohort)
        assert len(routes) == 0
        assert routes.of(NAME, {"product_id": 5}) == []
        assert vars(routes)["_at"] == vars(routes)["_readings"] == {}
