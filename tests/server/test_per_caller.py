"""What each caller has is counted: for a stranger by address, and by network where it may choose its address."""

from __future__ import annotations

from typing import Any

import pytest

from app.kernel.principal import ANONYMOUS, Principal
from app.server.per_caller import Pace, PerCaller, TooMany, caller_of


class TestCallerOf:
    @pytest.mark.parametrize(
        ("address", "counted"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("a name", "a name"),
        ],
    )
    def test_counts_strangers_by_where_they_are(self, address: str, counted: str):
        assert caller_of(ANONYMOUS, {"client": (address, 1)}) == f"anonymous at {counted}"

    def test_counts_others_wherever_they_are(self):
        scopes: list[dict[str, Any]] = [{"client": None}, {"client": ("192.0.2.7", 1)}]
        assert {caller_of(Principal(name="a", user_id=7), scope) for scope in scopes} == {"user 7"}
        assert {caller_of(Principal(name="a", api_key_id=7), scope) for scope in scopes} == {"key 7"}
        assert caller_of(ANONYMOUS, scopes[0]) == "anonymous at unknown"


class TestPerCaller:
    def test_lets_each_have_as_many_as_the_limit(self):
        counted = PerCaller(2)
        for caller in ("a", "a", "b"):
            counted.take(caller)
        with pytest.raises(TooMany, match="this would be 3, the limit is 2") as refused:
            counted.take("a")
        assert (refused.value.found, refused.value.limit) == (3, 2)
        counted.give_back("a")
        counted.take("a")
        for caller in ("a", "a", "b"):
            counted.give_back(caller)
        assert len(counted) == 0


class TestPace:
    def test_begins_anew_after_a_minute(self):
        pace = Pace(2)
        for now in (0.0, 1.0, 60.0, 119.0):
            pace.one_more(now)
        with pytest.raises(TooMany):
            pace.one_more(119.9)
        pace.one_more(120.0)
