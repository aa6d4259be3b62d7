"""Clients of a Redis, however the server to talk to is found: there is one, or any of a cluster's, or Sentinels know.

In a cluster a message is told to one node and heard at another by plain PUBLISH: each node passes it on to all. There
is little to tell, so any node that lives will do, where a sharded channel would wait for the fail-over of its shard.
"""

from __future__ import annotations

import random
from typing import Any

from redis import asyncio as redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from app.kernel.limits import Limits
from app.server.wakeup.addresses import Address, Kind

ACKNOWLEDGED_SECONDS = 2.0
PUBLISH_SECONDS = 1.0
TELLING = {"socket_timeout": PUBLISH_SECONDS, "socket_connect_timeout": PUBLISH_SECONDS}
"""How long whoever tells waits for Redis."""
NOT_TOLD = ("host", "port")


class Servers:
    """Makes the clients that hear and tell, of whichever server is to be had now."""

    def __init__(self, address: Address, limits: Limits) -> None:
        """Talk to the servers at `address`."""
        self._address = address
        self._connections_max = limits.wakeup_connections_max
        self._asked: list[redis.Redis] = []
        """The Sentinels that were asked."""
        self._next = random.randrange(len(address.urls))  # noqa: S311 — not all to the first.

    @property
    def url(self) -> str:
        """The address of the server that is tried now."""
        return self._address.urls[self._next % len(self._address.urls)]

    @property
    def may_move(self) -> bool:
        """Whether there are several to choose from; which of theirs is the master, Sentinels know."""
        return self._address.kind is Kind.CLUSTER and len(self._address.urls) > 1

    def move_on(self) -> bool:
        """Try another server from now on, where there are several; whether there are."""
        self._next += self.may_move
        return self.may_move

    async def close(self) -> None:
        """Let go of the Sentinels; who made a client closes that."""
        for sentinel in self._asked:
            await sentinel.aclose()

    def hearing(self) -> redis.Redis:
        """A client that waits for messages as long as it takes."""
        options: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": ACKNOWLEDGED_SECONDS}
        if self._address.kind is Kind.SENTINEL:
            return self._by_sentinels({**options, "retry": _tries(0)})
        client: redis.Redis = redis.Redis.from_url(self.url, protocol=2, **options, retry=_tries(0))
        return client

    def telling(self) -> redis.Redis:
        """A client that tells over a bounded number of connections."""
        if self._address.kind is Kind.SENTINEL:
            return self._by_sentinels({**TELLING, "retry": _tries(1)})
        pool = redis.BlockingConnectionPool.from_url(
            self.url,
            protocol=2,
            max_connections=self._connections_max,
            timeout=PUBLISH_SECONDS,
            **TELLING,
            retry=_tries(1),
        )
        return redis.Redis.from_pool(pool)

    def _by_sentinels(self, options: dict[str, Any]) -> redis.Redis:
        """A client each of whose connections is to the master that the Sentinels name when it is made."""
        found: dict[str, Any] = {**parse_url(self._address.urls[0])}
        secure = found.pop("connection_class", None) is not None
        for name in NOT_TOLD:
            found.pop(name, None)
        told = {name: value for name, value in found.items() if name.startswith("ssl_")}
        told |= {"ssl": secure, "protocol": 2, "retry": _tries(0), **TELLING, **dict(self._address.sentinel_options)}
        sentinels = Sentinel(self._address.places, sentinel_kwargs=told)  # type: ignore[no-untyped-call]
        self._asked += sentinels.sentinels
        options = {"protocol": 2, "ssl": secure, **found, **options}
        pool = SentinelConnectionPool(self._address.master, sentinels, **options)  # type: ignore[no-untyped-call]
        return redis.Redis.from_pool(pool)


def _tries(again: int) -> Retry:
    return Retry(NoBackoff(), again)
