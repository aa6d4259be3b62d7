"""Explaining a query: its plan, what it costs, the one statement that it becomes, and how PostgreSQL runs that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.limits import Limits
from app.kernel.principal import Principal, Role
from app.kernel.visibility import viewer_values
from app.server.database import reading_pool
from app.server.failure import Failure
from resolvers.errors import RequestError
from resolvers.reading.documents import Documents, Operation, RequestErrors
from resolvers.reading.layout import laid_out
from resolvers.reading.outline import outline
from resolvers.reading.plan import Planner, Unplannable
from resolvers.reading.run import Prepared, Reading, values_of
from resolvers.reading.shapes import Plan
from resolvers.reading.sources import FromVariable, FromViewer, Source
from schema.building import Graph

PARTIES = {Role.CUSTOMER: "customer_id", Role.SUPPLIER: "supplier_id", Role.CARRIER: "carrier_id"}
"""The roles that act for a party, each with the parameter that names the party."""


@dataclass(frozen=True)
class Asked:
    """A query to explain, with values for its variables, and whom it is asked by."""

    document: str
    variables: Mapping[str, Any]
    principal: Principal
    operation_name: str | None = None


@dataclass(frozen=True)
class Explained:
    """What became of a query: its plan, what it costs of what it may, its statement laid out, and its parameters."""

    plan: tuple[str, ...]
    spent: Mapping[str, int]
    sql: str
    parameters: tuple[str, ...]
    statement: str
    values: tuple[Any, ...]

    @property
    def cost(self) -> int:
        """What it costs."""
        return self.spent["requested"]

    def told(self) -> list[tuple[str, list[str]]]:
        """Everything for people, each part under its heading."""
        return [
            ("plan", list(self.plan)),
            (
                "cost",
                [
                    f"{self.cost} of {self.spent['limit']}",
                    f"{self.spent['objects']} listed objects of {self.spent['objectsLimit']}",
                ],
            ),
            ("SQL", self.sql.splitlines()),
            ("parameters", list(self.parameters)),
        ]


def asker(text: str) -> Principal:
    """The caller that `text` names: a role, and for one that acts for a party the party's key, as in `customer:7`."""
    name, _, key = text.partition(":")
    if name.upper() not in Role.__members__:
        raise Failure(f"There is no role {name!r}; there are {', '.join(role.value.lower() for role in Role)}.")
    role = Role[name.upper()]
    if key and (role not in PARTIES or not key.isdecimal()):
        raise Failure(f"{text!r}: only {', '.join(PARTIES)} take a key after a colon, a whole number.")
    party: dict[str, Any] = {PARTIES[role]: int(key)} if key else {}
    return Principal(roles=frozenset({role}), name=text, **party)


def variables_of(text: str) -> dict[str, Any]:
    """The variables that `text` holds as JSON."""
    try:
        found = json.loads(text)
    except ValueError as wrong:
        raise Failure(f"The variables are not JSON: {wrong}.") from wrong
    if not isinstance(found, dict):
        raise Failure("The variables are no JSON object.")
    return found


def explained(graph: Graph, asked: Asked, limits: Limits) -> Explained:
    """What `asked` becomes, before anything is sent; Failure where it is refused or becomes no statement."""
    nowhere: Any = None
    reading = Reading(graph, nowhere, limits, EVENT_CURSOR_SQL)
    try:
        operation = Documents(graph.schema, limits).operation(asked.document, asked.operation_name, asked.variables)
        plan = Planner(graph, operation, asked.principal.roles, limits).query()
        prepared = reading.prepare(operation, asked.principal.roles)
        return _explained(plan, prepared, operation, asked.principal, limits)
    except RequestErrors as refused:
        raise Failure("\n".join(error.message for error in refused.errors)) from refused
    except RequestError as refused:
        raise Failure(refused.message) from refused
    except Unplannable as unplanned:
        raise Failure(f"`{unplanned}` is answered without a statement of its own.") from unplanned


def _explained(plan: Plan, prepared: Prepared, operation: Operation, principal: Principal, limits: Limits) -> Explained:
    variables, statement = operation.variables.coerced, prepared.statement
    values = values_of(statement, variables, viewer_values(principal))
    numbered = zip(statement.slots, values, strict=True)
    return Explained(
        plan=tuple(outline(plan)),
        spent=prepared.budget.told(principal.roles, limits),
        sql=laid_out(statement.text),
        parameters=tuple(
            f"${number} {slot.sql_type} = {_shown(value)}{_source(slot.source)}"
            for number, (slot, value) in enumerate(numbered, start=1)
        ),
        statement=statement.text,
        values=tuple(values),
    )


def _shown(value: Any) -> str:
    """A parameter's value as it is read; a choice is text."""
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _source(source: Source) -> str:
    """Where a parameter's value comes from, but for one that the document itself holds."""
    if isinstance(source, FromVariable):
        return f" from ${'.'.join(str(step) for step in (source.name, *source.path))}"
    return f" from the caller's {source.name.removeprefix('viewer_')}" if isinstance(source, FromViewer) else ""


async def executed(database_url: str, explained: Explained, *, analyze: bool) -> list[str]:
    """How PostgreSQL would run a statement, as a tree; with `analyze` it does run it, and tells what that took."""
    options = "format json, analyze, buffers" if analyze else "format json"
    async with reading_pool(database_url, pool=1) as pool, pool.acquire() as connection:
        found = await connection.fetchval(f"explain ({options}) {explained.statement}", *explained.values)
    (told,) = orjson.loads(found)
    times = [f"{name}: {told[name]:.2f} ms" for name in ("Planning Time", "Execution Time") if name in told]
    return [*_tree(told["Plan"], ""), *times]


def _tree(plan: Mapping[str, Any], indent: str) -> Iterator[str]:
    """One step of a plan and the steps below it."""
    what = [plan["Node Type"]]
    what += [f"using {plan['Index Name']}"] if "Index Name" in plan else []
    what += [f"on {plan['Relation Name']} {plan['Alias']}"] if "Relation Name" in plan else []
    what += [f"({plan['Subplan Name']})"] if "Subplan Name" in plan else []
    cost = f"cost {plan['Startup Cost']:.2f}..{plan['Total Cost']:.2f}, {plan['Plan Rows']} rows"
    if "Actual Loops" in plan:
        cost += f"; took {plan['Actual Total Time']:.3f} ms, {plan['Actual Rows']:g} rows, {plan['Actual Loops']} times"
    yield f"{indent}{' '.join(what)}  {cost}"
    for condition in ("Index Cond", "Filter", "Sort Key"):
        if condition in plan:
            told = plan[condition]
            yield f"{indent}    {condition}: {', '.join(told) if isinstance(told, list) else told}"
    for below in plan.get("Plans", ()):
        yield from _tree(below, indent + "  ")
