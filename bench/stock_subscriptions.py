"""A stock Strawberry server with one subscription, as its documentation teaches: an async generator over broadcaster.

Whoever changes stock publishes what changed; each follower reads its channel and tells it. Nothing is held against it:
it checks no caller, reads nothing from the database and keeps no log.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import strawberry
import uvicorn
from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from strawberry.asgi import GraphQL

from bench.changes import channel_of


@strawberry.type
class StockLevel:
    """The stock of a product at a location."""

    available: int


@strawberry.type
class StockLevelChanged:
    """One change."""

    cursor: str
    available_after: int
    stock_level: StockLevel


@strawberry.type
class Query:
    """A schema has queries."""

    ok: bool = True


def schema_over(broadcast: Broadcast) -> strawberry.Schema:
    """The schema whose subscription listens to `broadcast`."""

    @strawberry.type
    class Subscription:
        """What can be followed."""

        @strawberry.subscription
        async def stock_level_changed(
            self, product_id: strawberry.ID | None = None, location_id: strawberry.ID | None = None
        ) -> AsyncGenerator[StockLevelChanged, None]:
            """Every change, or those of one product at one location."""
            async with broadcast.subscribe(channel=channel_of(product_id, location_id)) as subscriber:
                async for event in subscriber:  # type: ignore[union-attr]
                    told = json.loads(event.message)  # type: ignore[union-attr]
                    level = StockLevel(available=told["available"])
                    yield StockLevelChanged(
                        cursor=told["cursor"], available_after=told["availableAfter"], stock_level=level
                    )

    return strawberry.Schema(Query, subscription=Subscription)


def main() -> None:
    """Serve what the job on the input describes, until stopped."""
    job = json.load(sys.stdin)
    broadcast = Broadcast(job["redis_url"])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # broadcaster 0.3.1 loses whoever subscribes while the channel's first subscription is still being made, and
        # stops listening where the first of all is made too slowly; so channels are held before the first follower.
        async with broadcast, broadcast.subscribe(channel_of(None, None)), broadcast.subscribe("held"):
            yield

    endpoint = GraphQL(schema_over(broadcast), graphql_ide=None)
    application = Starlette(routes=[WebSocketRoute("/graphql", endpoint)], lifespan=lifespan)
    uvicorn.run(
        application,
        port=job["port"],
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
