"""Whoever is revoked hears nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, cast

import pytest

from app.access.questions import Caller, callers
from app.kernel import clock
from app.kernel.principal import ANONYMOUS, Principal
from app.server import revoking
from app.server.revoking import Revoking
from resolvers.following.log import Placed
from resolvers.following.run import Following
from tests.server.streams import eventually

CALLERS = [
    Principal(name="key 1", api_key_id=1),
    Principal(name="key 2", api_key_id=2),
    Principal(name="user 1", user_id=1, session="a"),
    Principal(name="user 1 elsewhere", user_id=1, session="b"),
    ANONYMOUS,
]
BOTH = ["user 1", "user 1 elsewhere"]


class FakeOpen:
    """Sockets or streams of several callers, of which some are closed."""

    def __init__(self, *principals: Principal) -> None:
        self.principals = principals or CALLERS
        self.closed: list[str] = []

    def end(self, whose: Callable[[Principal], bool], reason: str) -> None:
        """Take note of whose sockets are closed."""
        assert reason
        self.closed += [caller.name for caller in self.principals if whose(caller)]


class FakeFollowing:
    """A log whose events the test makes up."""

    def __init__(self) -> None:
        self.watchers: dict[str, Any] = {}

    def watch(self, name: str, watcher: Any) -> None:
        """Remember who watches."""
        self.watchers[name] = watcher


class FakeDatabase:
    """A database that no longer knows some callers, and at first is away."""

    def __init__(self, *fallen: Principal) -> None:
        self.fallen = fallen
        self.asked: list[Collection[Principal]] = []
        self.away = 0

    async def answer(self, principals: Collection[Principal]) -> Collection[Principal]:
        """The callers that it no longer knows."""
        self.asked.append(principals)
        if len(self.asked) <= self.away:
            raise ConnectionError("away")
        return [each for each in principals if each in self.fallen]


def remember_somebody() -> None:
    """Remember a caller who is to be forgotten."""
    callers.remember(("user", 1), Caller(CALLERS[2], b"", None, clock.now()), read_after=callers.forgotten)


@pytest.mark.parametrize(
    ("name", "keys", "closed"),
    [
        ("access.api_key_revoked", {"api_key_id": 1}, ["key 1"]),
        ("access.user_disabled", {"user_id": 1}, BOTH),
        ("access.user_granted", {"user_id": 1}, BOTH),
        ("access.token_family_revoked", {"user_id": 1, "family": "b"}, ["user 1 elsewhere"]),
        ("access.token_family_revoked", {"user_id": 1}, []),
    ],
)
def test_closes_what_is_open_for_the_caller_alone_and_remembers_nobody(
    name: str, keys: dict[str, int], closed: list[str]
):
    sockets, streams, following = FakeOpen(), FakeOpen(), FakeFollowing()
    remember_somebody()
    Revoking(FakeDatabase().answer, sockets, streams).watch(cast("Following", following))
    following.watchers[name](Placed(1, name, keys))
    assert sockets.closed == streams.closed == closed
    assert callers.recall(("user", 1)) is None


class TestLook:
    async def test_ends_what_the_database_no_longer_stands_for(self):
        sockets, streams = FakeOpen(*CALLERS[:3], CALLERS[0]), FakeOpen(CALLERS[3], ANONYMOUS)
        database = FakeDatabase(CALLERS[0], CALLERS[3])
        remember_somebody()
        await Revoking(database.answer, sockets, streams).look()
        assert database.asked == [set(CALLERS[:4])]
        assert (sockets.closed, streams.closed) == (["key 1", "key 1"], ["user 1 elsewhere"])
        assert callers.recall(("user", 1)) is None

    async def test_asks_nothing_where_only_strangers_have_anything_open_and_forgets_nobody_in_vain(self):
        database = FakeDatabase()
        await Revoking(database.answer, FakeOpen(ANONYMOUS)).look()
        assert database.asked == []
        remember_somebody()
        await Revoking(database.answer, FakeOpen()).look()
        assert callers.recall(("user", 1)) is not None

    async def test_goes_on_when_the_database_was_away(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(revoking, "LOOK_SECONDS", 0.01)
        sockets, database = FakeOpen(), FakeDatabase(CALLERS[1])
        database.away = 3
        running = asyncio.create_task(Revoking(database.answer, sockets).run())
        await eventually(lambda: sockets.closed)
        running.cancel()
        assert set(sockets.closed) == {"key 2"}
