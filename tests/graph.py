"""A client of the graph for tests: it executes in this process, and fails any reading of more than one statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import DEFAULTS, Limits
from app.kernel.principal import SYSTEM, Principal
from app.main import opener
from app.webhooks import ports as webhooks
from app.webhooks.rules import Secrets
from resolvers.asking import Asking
from resolvers.context import GraphQLRequest
from resolvers.execute import Execution
from resolvers.following.webhooks import Webhooks
from resolvers.reading.run import Reading
from resolvers.reading.trusted import NONE_TRUSTED, Trusted
from resolvers.writing.payloads import Writing
from resolvers.writing.run import Commands
from schema.root import GRAPH

_keys = count(1)


@dataclass
class CountedPool:
    """A pool whose connections note every statement that they send."""

    pool: asyncpg.Pool
    statements: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection that notes its statements."""
        async with self.pool.acquire() as connection:
            yield CountedConnection(connection, self.statements)

    async def fetchrow(self, text: str, *values: Any) -> Any:
        """The first row of a statement."""
        async with self.acquire() as connection:
            return await connection.fetchrow(text, *values)


@dataclass
class CountedConnection:
    """A connection that notes every statement before it sends it."""

    connection: Any
    statements: list[str]

    async def fetch(self, text: str, *values: Any) -> Any:
        """All rows of a statement."""
        self.statements.append(text)
        return await self.connection.fetch(text, *values)

    async def fetchrow(self, text: str, *values: Any) -> Any:
        """The one row of a statement."""
        self.statements.append(text)
        return await self.connection.fetchrow(text, *values)


class GraphClient:
    """Asks the graph as a caller would, and answers data; an error that the test does not expect fails it."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        sessions: async_sessionmaker[AsyncSession],
        limits: Limits = DEFAULTS,
        *,
        trusted: Trusted = NONE_TRUSTED,
    ) -> None:
        self.pool = CountedPool(pool)
        self.woken = 0
        reading = Reading(GRAPH, self.pool, limits, EVENT_CURSOR_SQL)
        commands = Commands(sessions, limits, self._wake, b"secret of the tests")
        answering = (reading, Asking(sessions, reading), Writing(commands, reading))
        self.execution = Execution(GRAPH, answering, limits=limits, trusted=trusted)
        webhooks.followable.use(Webhooks(reading, opener(self.execution)).check)
        webhooks.secrets.use(Secrets(b"secret of the tests"))

    def _wake(self) -> None:
        self.woken += 1

    async def response(
        self, document: str, variables: dict[str, Any] | None = None, *, by: Principal = SYSTEM
    ) -> dict[str, Any]:
        """The whole response to a request."""
        answer = await self.execution.execute(GraphQLRequest(document, variables or {}), by)
        found: dict[str, Any] = orjson.loads(answer.body)
        return found

    async def query(self, document: str, variables: dict[str, Any] | None = None, *, by: Principal = SYSTEM) -> Any:
        """The data of a query that is answered without errors, by one statement at the most."""
        self.pool.statements.clear()
        found = await self.response(document, variables, by=by)
        assert "errors" not in found, found["errors"]
        assert len(self.pool.statements) <= 1, self.pool.statements
        return found["data"]

    async def errors(self, document: str, variables: dict[str, Any] | None = None, *, by: Principal = SYSTEM) -> Any:
        """The errors of a request that has some."""
        found = await self.response(document, variables, by=by)
        assert found.get("errors"), found
        return found["errors"]

    async def code(self, document: str, variables: dict[str, Any] | None = None, *, by: Principal = SYSTEM) -> str:
        """The code of the only error of a request."""
        (error,) = await self.errors(document, variables, by=by)
        return str(error["extensions"]["code"])

    async def mutate(
        self, name: str, given: dict[str, Any], select: str = "", *, by: Principal = SYSTEM, keyed: bool = True
    ) -> dict[str, Any]:
        """The payload of the mutation `name`, with its refusals; `select` is what is read of it besides."""
        mutation = GRAPH.mutations[name]
        if keyed and mutation.command.keyed:
            given = {"idempotencyKey": f"test-{next(_keys)}", **given}
        kind = mutation.payload.removesuffix("Payload")
        told = f"{select} userErrors {{ code message field }}"
        document = f"mutation($input: {kind}Input!) {{ it: {name}(input: $input) {{ {told} }} }}"
        found = await self.response(document, {"input": given}, by=by)
        assert "errors" not in found, found["errors"]
        payload: dict[str, Any] = found["data"]["it"]
        return payload

    async def done(
        self, name: str, given: dict[str, Any], select: str = "", *, by: Principal = SYSTEM
    ) -> dict[str, Any]:
        """The payload of a mutation that is not refused."""
        payload = await self.mutate(name, given, select, by=by)
        assert payload["userErrors"] == [], payload
        return payload

    async def refused(self, name: str, given: dict[str, Any], *, by: Principal = SYSTEM) -> str:
        """The code of the refusal of a mutation that is refused."""
        payload = await self.mutate(name, given, by=by)
        (error,) = payload["userErrors"]
        return str(error["code"])
