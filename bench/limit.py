"""The limit: a bare ASGI application on asyncpg's own pool that runs the very statements that our plans print.

It knows no GraphQL, no callers, no log and no metrics. A request's body is the name of a read and the number of its
variables; both were planned when the process started.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn

from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import DEFAULTS
from app.kernel.principal import Principal, Role
from app.kernel.visibility import viewer_values
from app.server.database import asyncpg_url, leave_json_alone, reading_options
from app.server.serving import settle
from resolvers.reading.documents import Documents
from resolvers.reading.run import Reading, values_of
from schema.root import GRAPH

OPERATOR = Principal(roles=frozenset({Role.OPERATOR}), name="bench")
START = {
    "type": "http.response.start",
    "status": 200,
}
Bound = tuple[str, tuple[bytes, ...], list[Any]]
"""A statement, what stands before each of its values, and the values it binds."""


def bound(bodies: dict[str, list[dict[str, Any]]], pool: asyncpg.Pool) -> dict[bytes, Bound]:
    """Every request that will be asked, planned as the real server plans it."""
    documents = Documents(GRAPH.schema, DEFAULTS)
    reading = Reading(GRAPH, pool, DEFAULTS, EVENT_CURSOR_SQL)
    found: dict[bytes, Bound] = {}
    for name, asked in bodies.items():
        for number, body in enumerate(asked):
            operation = documents.operation(body["query"], None, body["variables"])
            prepared = reading.prepare(operation, OPERATOR.roles)
            statement = prepared.statement
            values = values_of(statement, operation.variables.coerced, viewer_values(OPERATOR))
            found[f"{name}:{number}".encode()] = (statement.text, before_each(prepared.names), values)
    return found


def before_each(names: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """What stands in an answer before the value of each root field."""
    return (b'{"data":{' + names[0], *(b"," + name for name in names[1:]))


async def keep(_: asyncpg.Connection) -> None:
    """Spare the round trip by which asyncpg's pool resets a connection that comes back."""


class Bare:
    """The application."""

    def __init__(self, database_url: str, connections: int, bodies: dict[str, list[dict[str, Any]]]) -> None:
        self.database_url = database_url
        self.connections = connections
        self.bodies = bodies

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connections, and statements ready to bind."""
        async with asyncpg.create_pool(
            asyncpg_url(self.database_url),
            min_size=1,
            max_size=self.connections,
            init=leave_json_alone,
            reset=keep,
            **reading_options(statement_ms_max=10_000),
        ) as pool:
            self.pool = pool
            self.bound = bound(self.bodies, pool)
            yield

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        text, before, values = self.bound[(await receive())["body"]]
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(text, *values)
        body = b"".join([*(name + value for name, value in zip(before, row, strict=True)), b"}}"])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({**START, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def live(self, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """Open at the start and close at the end, as uvicorn says."""
        await receive()
        async with self.opened():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    """Serve what the job on the input describes, until stopped."""
    job = json.load(sys.stdin)
    application = Bare(job["database_url"], job["connections"], job["bodies"])
    settle()
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
