"""What each caller has open in this process, counted up to a limit."""

from __future__ import annotations

import ipaddress
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

    from app.kernel.principal import Principal

NETWORK_BITS = 64
"""An IPv6 network of this size is one household or machine, which may choose among all of its addresses."""


class TooMany(Exception):
    """A caller would have more than the limit."""

    def __init__(self, found: int, limit: int) -> None:
        self.found = found
        self.limit = limit
        super().__init__(f"this would be {found}, the limit is {limit}.")


class PerCaller:
    """How many things of one kind each caller has."""

    def __init__(self, limit: int) -> None:
        """Let each have up to `limit`."""
        self.limit = limit
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many callers have any."""
        return len(self._counts)

    def take(self, caller: str) -> None:
        """Count one more of `caller`; TooMany where it has as many as it may."""
        found = self._counts[caller] + 1
        if found > self.limit:
            raise TooMany(found, self.limit)
        self._counts[caller] = found

    def give_back(self, caller: str) -> None:
        """Count one of `caller` less."""
        self._counts[caller] -= 1
        if not self._counts[caller]:
            del self._counts[caller]


class Pace:
    """How many things of one kind come within a minute, up to a limit."""

    __slots__ = ("_began", "_count", "limit")

    def __init__(self, limit: int) -> None:
        """Let up to `limit` come in each minute, and as many at once."""
        self.limit = limit
        self._began = -60.0
        self._count = 0

    def one_more(self, now: float) -> None:
        """Count one that comes `now`, in seconds of any clock; TooMany where it comes too soon."""
        if now - self._began >= 60:
            self._began, self._count = now, 0
        self._count += 1
        if self._count > self.limit:
            raise TooMany(self._count, self.limit)


def caller_of(principal: Principal, scope: Scope) -> str:
    """Whom the sockets and streams of a caller are counted for: its key, its user, or a stranger's address."""
    if principal.api_key_id:
        return f"key {principal.api_key_id}"
    if principal.user_id:
        return f"user {principal.user_id}"
    return f"{principal.name} at {address_of(scope)}"


def address_of(scope: Scope) -> str:
    """Where a client is: its address, and of IPv6 the network."""
    client = scope.get("client")
    told = str(client[0]) if client else "unknown"
    with suppress(ValueError):
        address = ipaddress.ip_address(told.partition("%")[0])
        if address.version == 6:
            mapped = address.ipv4_mapped
            return str(mapped or ipaddress.ip_network((address, NETWORK_BITS), strict=False))
    return told
