"""Running a reading: one statement, one round trip, and the bytes it answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import asyncpg
import orjson
from graphql import FieldNode, NameNode, SelectionSetNode
from graphql.execution.collect_fields import FieldDetails
from sqlalchemy import literal_column, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.limits import Limits
from app.kernel.principal import Principal, Role
from app.kernel.visibility import viewer_values
from resolvers.errors import RequestError, TimedOut, not_found
from resolvers.reading.cache import ProvenCache
from resolvers.reading.cost import Budget, bounded_depth, budget_of
from resolvers.reading.decoding import text as checked
from resolvers.reading.documents import Operation
from resolvers.reading.former import print_former
from resolvers.reading.plan import Planner
from resolvers.reading.shapes import LogCursor, LookupField, Missing, Plan
from resolvers.reading.sources import FromVariable, FromViewer
from resolvers.reading.sql import Statement, print_objects, print_query
from schema.answers import Opened
from schema.building import Graph

NOBODY: Mapping[str, Any] = {}
KEYS = FromVariable("")
"""Where a reading of objects finds their keys: no variable of GraphQL can have this name."""


class Connections(Protocol):
    """Where readings get their connections: a pool of the primary."""

    def acquire(self) -> AbstractAsyncContextManager[Any]:
        """A connection for one statement."""

    async def fetchrow(self, text: str, *values: Any) -> Any:
        """The first row of one statement."""


class Replica(Protocol):
    """A server that may lag behind the primary, but answers each caller no less than it has written itself."""

    async def fetchrow(self, text: str, values: Sequence[Any], *, by: Principal, after: str | None) -> Any:
        """The one row of a statement, as it is after the position that the token `after` tells."""

    async def written(self, by: Principal) -> str:
        """Note that `by` has just written; the token of the position after that."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A plan that was printed, ready to run with any variables of its shape; of the plan itself no more is kept."""

    budget: Budget
    statement: Statement
    names: tuple[bytes, ...]
    told_if_missing: tuple[tuple[int, str, str], ...]
    on_primary: bool

    @cached_property
    def viewer_parameters(self) -> frozenset[str]:
        """The caller's own values that the statement binds; where there are none, all callers get the same."""
        sources = (slot.source for slot in self.statement.slots)
        return frozenset(source.name for source in sources if isinstance(source, FromViewer))


class Reading:
    """Plans, remembers and runs readings of one graph."""

    def __init__(
        self, graph: Graph, primary: Connections, limits: Limits, log_cursor: str, *, replica: Replica | None = None
    ) -> None:
        """Read from `primary`, queries from a `replica` if there is one; `log_cursor` is SQL for the log's position."""
        self.graph = graph
        self.replica = replica
        self.primary = primary
        self.limits = limits
        self.log_cursor = log_cursor
        self._prepared: ProvenCache[Prepared] = ProvenCache(limits.plans_cached_max)

    def prepare(self, operation: Operation, roles: frozenset[Role]) -> Prepared:
        """The prepared query of `operation`; Unplannable where part is no reading, RequestError where it is refused."""
        return self._remembered(("query", operation.key, roles), lambda: self._query(operation, roles))

    def prepare_objects(
        self,
        operation: Operation,
        node: str,
        details: list[FieldDetails],
        roles: frozenset[Role],
        *,
        guarded: bool = True,
    ) -> Prepared:
        """The prepared reading of objects of `node` with the selections `details`, by their keys.

        It is `guarded` unless the caller was already found to be entitled to the objects themselves. The operation is
        located, for its selections are told apart by their places.
        """
        if not operation.is_located:
            raise ValueError("selections are told apart by their places, and those of this operation are not known")
        places = tuple(detail.node.loc.start if detail.node.loc else 0 for detail in details)
        key = ("objects", operation.key, roles, node, places, guarded)
        return self._remembered(key, lambda: self._objects(operation, node, details, roles, guarded=guarded))

    def prepare_guard(self, operation: Operation, node: str, roles: frozenset[Role]) -> Prepared:
        """The prepared reading of nothing but which objects of `node` the caller may see, by their keys."""
        return self.prepare_objects(operation, node, [_identity()], roles)

    def prepare_former(self, node: str, columns: tuple[str, ...], roles: frozenset[Role]) -> Prepared:
        """The prepared reading of who saw objects of `node` whose `columns` are given as they were before."""

        def prepare() -> Prepared:
            statement = print_former(self.graph.nodes[node], columns, roles, KEYS)
            return Prepared(Budget(0, 0), statement, (), (), on_primary=True)

        return self._remembered(("former", node, columns, roles), prepare)

    async def run(
        self, prepared: Prepared, operation: Operation, principal: Principal, *, after: str | None = None
    ) -> bytes:
        """The whole response to a prepared query: its statement run, its JSON spliced.

        A replica answers as it is `after` the position that this token tells.
        """
        row = await self._row(prepared, operation.variables.coerced, principal, after)
        parts = [name + (value or b"null") for name, value in zip(prepared.names, row, strict=True)]
        missing = [not_found(key, node) for index, key, node in prepared.told_if_missing if row[index] is None]
        body = b'{"data":{' + b",".join(parts) + b"}"
        return body + (b',"errors":' + orjson.dumps(missing) + b"}" if missing else b"}")

    def prepare_root(
        self, operation: Operation, key: str, details: list[FieldDetails], roles: frozenset[Role]
    ) -> Prepared:
        """The prepared reading of one root field, for a query that graphql-core runs."""
        planner = Planner(self.graph, operation, roles, self.limits)
        return self._remembered(
            ("root", operation.key, roles, key),
            lambda: self._printed(Plan((planner.root(key, details),)), roles),
        )

    async def run_root(
        self, prepared: Prepared, operation: Operation, principal: Principal, *, after: str | None = None
    ) -> bytes:
        """The JSON of one root field; RequestError where it is a lookup that finds nothing."""
        (value,) = await self._row(prepared, operation.variables.coerced, principal, after)
        if value is None and prepared.told_if_missing:
            _, key, node = prepared.told_if_missing[0]
            raise RequestError("NOT_FOUND", not_found(key, node)["message"])
        return value or b"null"

    async def read_objects(
        self,
        prepared: Prepared,
        keys: Sequence[Any],
        variables: Mapping[str, Any],
        principal: Principal,
        *,
        session: AsyncSession | None = None,
    ) -> dict[int, bytes]:
        """The JSON of each object by its key, in one statement on the primary; those the caller may not see are absent.

        With `session` they are read inside its transaction.
        """
        bound = values_of(prepared.statement, {**variables, KEYS.name: list(keys)}, viewer_values(principal))
        text = prepared.statement.text
        if session is not None:
            rows = await told_when_late((await driver_connection(session)).fetch(text, *bound))
        else:
            async with self.primary.acquire() as connection:
                rows = await told_when_late(connection.fetch(text, *bound))
        return {row[0]: row[1].encode() for row in rows}

    async def key_of_token(self, opened: Opened, token: str) -> int | None:
        """The key of the row that a token opens, read on the primary; None where it opens none."""
        columns = opened.table.__table__.c
        wanted = select(columns.id).where(columns[opened.column] == literal_column("$1"))
        async with self.primary.acquire() as connection:
            row = await told_when_late(connection.fetchrow(str(wanted), checked(token)))
        return row[0] if row else None

    def _remembered(self, key: Hashable, prepare: Any) -> Prepared:
        found = self._prepared.get(key)
        if found is None:
            found = prepare()
            self._prepared.put(key, found)
        return found

    def _query(self, operation: Operation, roles: frozenset[Role]) -> Prepared:
        return self._printed(Planner(self.graph, operation, roles, self.limits).query(), roles)

    def _printed(self, plan: Plan, roles: frozenset[Role]) -> Prepared:
        bounded_depth(plan, self.limits)
        budget = budget_of(plan)
        budget.spent(roles, self.limits)
        statement = print_query(plan, roles, self.log_cursor)
        names = tuple(f'"{key}":'.encode() for key in statement.keys)
        told = tuple(
            (index, root.key, root.shows.node.name if isinstance(root, LookupField) else "object")
            for index, root in enumerate(plan.roots)
            if isinstance(root, LookupField | Missing)
        )
        on_primary = any(isinstance(root, LogCursor) for root in plan.roots)
        return Prepared(budget, statement, names, told, on_primary)

    def _objects(
        self, operation: Operation, node: str, details: list[FieldDetails], roles: frozenset[Role], *, guarded: bool
    ) -> Prepared:
        plan = Planner(self.graph, operation, roles, self.limits).object(self.graph.nodes[node], details)
        bounded_depth(Plan((plan,)), self.limits)
        budget = budget_of(plan)
        budget.spent(roles, self.limits)
        return Prepared(budget, print_objects(plan, roles, KEYS, guarded=guarded), (), (), on_primary=True)

    async def _row(
        self, prepared: Prepared, variables: Mapping[str, Any], principal: Principal, after: str | None
    ) -> Any:
        viewer = viewer_values(principal) if prepared.viewer_parameters else NOBODY
        bound = values_of(prepared.statement, variables, viewer)
        text = prepared.statement.text
        try:
            if self.replica is None or prepared.on_primary:
                return await self.primary.fetchrow(text, *bound)
            return await self.replica.fetchrow(text, bound, by=principal, after=after)
        except asyncpg.QueryCanceledError:
            raise TimedOut from None


def values_of(statement: Statement, variables: Mapping[str, Any], viewer: Mapping[str, Any]) -> list[Any]:
    """The values of a statement's parameters in this request."""
    return [slot.decode(slot.source.value(variables, viewer)) for slot in statement.slots]


def _identity() -> FieldDetails:
    """The selection of an object's id alone, which tells whether the object may be seen."""
    identity = FieldNode(name=NameNode(value="id"), arguments=(), directives=())
    selected = SelectionSetNode(selections=(identity,))
    return FieldDetails(
        FieldNode(name=NameNode(value="guard"), arguments=(), directives=(), selection_set=selected), None
    )


async def driver_connection(session: AsyncSession) -> Any:
    """The driver's own connection under a session, inside the transaction that has begun there."""
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def told_when_late(running: Any) -> Any:
    """What one or more statements answer; TimedOut where PostgreSQL stopped one for taking too long."""
    try:
        return await running
    except asyncpg.QueryCanceledError:
        raise TimedOut from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != asyncpg.QueryCanceledError.sqlstate:
            raise
        raise TimedOut from None
