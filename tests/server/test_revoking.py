"""Whoever is revoked hears nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from app.access.questions import Caller, callers
from app.kernel import clock
from app.kernel.principal import Principal
from app.server.revoking import end_with_their_caller
from resolvers.following.log import Placed
from resolvers.following.run import Following

CALLERS = [
    Principal(name="key 1", api_key_id=1),
    Principal(name="key 2", api_key_id=2),
    Principal(name="user 1", user_id=1),
    Principal(name="stranger"),
]


class FakeOpen:
    """Sockets or streams of several callers, of which some are closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def end(self, whose: Callable[[Principal], bool], reason: str) -> None:
        """Take note of whose sockets are closed."""
        assert reason
        self.closed += [caller.name for caller in CALLERS if whose(caller)]


class FakeFollowing:
    """A log whose events the test makes up."""

    def __init__(self) -> None:
        self.watchers: dict[str, Any] = {}

    def watch(self, name: str, watcher: Any) -> None:
        """Remember who watches."""
        self.watchers[name] = watcher


@pytest.mark.parametrize(
    ("name", "keys", "closed"),
    [("access.api_key_revoked", {"api_key_id": 1}, ["key 1"]), ("access.user_disabled", {"user_id": 1}, ["user 1"])],
)
def test_closes_what_is_open_for_the_caller_alone_and_remembers_nobody(
    name: str, keys: dict[str, int], closed: list[str]
):
    sockets, streams, following = FakeOpen(), FakeOpen(), FakeFollowing()
    callers.remember(("user", 1), Caller(CALLERS[2], b"", None, clock.now()), read_after=callers.forgotten)
    end_with_their_caller(cast("Following", following), sockets, streams)
    following.watchers[name](Placed(1, name, keys))
    assert sockets.closed == streams.closed == closed
    assert callers.recall(("user", 1)) is None
