"""The payload of a mutation: what it shows is read as any reading is, its refusals are told as data."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_fields, collect_subfields
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.outbox import as_json
from app.kernel.visibility import viewer_values
from resolvers.context import Context
from resolvers.errors import TimedOut
from resolvers.reading.run import KEYS, Prepared, Reading, told_when_late, values_of
from resolvers.writing.outcomes import Outcome
from resolvers.writing.run import Commands
from schema.names import camel, snake
from schema.operations import Mutation

SHOWN_LATE = "It was done, but to read what it shows took too long and was stopped; ask for that by itself."


class Writing:
    """Answers mutations: gives their commands, then reads what their payloads show."""

    def __init__(self, commands: Commands, reading: Reading) -> None:
        self.commands = commands
        self.reading = reading

    async def answer(
        self, mutation: Mutation, given: Mapping[str, Any], details: list[FieldDetails], context: Context
    ) -> bytes:
        """The JSON of a mutation's payload, of which it is known that it can be shown."""
        selected = self._selected(mutation.payload, details, context)
        began = perf_counter()

        async def seen(session: AsyncSession | None, outcome: Outcome) -> bytes:
            done = perf_counter()
            payload = await self._payload(mutation, outcome, selected, context, session)
            context.took(command=done - began, payload=perf_counter() - done)
            return payload

        if given.get("dryRun"):
            rehearsing = self.commands.rehearse(mutation, given, context.principal, seen)
            return await told_when_late(rehearsing)  # type: ignore[no-any-return]
        return await seen(None, await told_when_late(self.commands.give(mutation, given, context.principal)))

    def require_showable(self, context: Context) -> None:
        """Prepare and bind all that an operation will show, and count what that costs; RequestError where it may not.

        This comes before its first mutation, for a caller who gets an error believes that nothing was done.
        """
        graph, operation = self.reading.graph, context.operation
        root = graph.schema.mutation_type
        assert root is not None  # noqa: S101
        variables, definition = operation.variables, operation.definition
        found = collect_fields(graph.schema, operation.fragments, variables, root, definition)
        for details in found.grouped_field_set.values():
            mutation = graph.mutations.get(details[0].node.name.value)
            if mutation is not None:
                self._require_showable(mutation, self._selected(mutation.payload, details, context), context)

    def _require_showable(self, mutation: Mutation, selected: dict[str, list[FieldDetails]], context: Context) -> None:
        principal, variables = context.principal, {**context.operation.variables.coerced, KEYS.name: []}
        for details in selected.values():
            if details[0].node.name.value == mutation.shown:
                prepared = self._prepared(mutation, details, context, guarded=False)
                context.spend(prepared.budget, self.reading.limits)
                values_of(prepared.statement, variables, viewer_values(principal))

    async def _payload(
        self,
        mutation: Mutation,
        outcome: Outcome,
        selected: dict[str, list[FieldDetails]],
        context: Context,
        session: AsyncSession | None,
    ) -> bytes:
        """The selected fields of a payload, spliced."""
        parts = []
        for key, details in selected.items():
            name = details[0].node.name.value
            if name == mutation.shown and outcome.refusal is None and outcome.key is not None:
                value = await self._shown(mutation, outcome, details, context, session)
            else:
                value = orjson.dumps(self._told(mutation, outcome, name, details, context))
            parts.append(f'"{key}":'.encode() + value)
        return b"{" + b",".join(parts) + b"}"

    async def _shown(
        self,
        mutation: Mutation,
        outcome: Outcome,
        details: list[FieldDetails],
        context: Context,
        session: AsyncSession | None,
    ) -> bytes:
        """The object that a payload shows. Who just did something to it may see it; a stranger's repeat is checked."""
        assert outcome.key is not None  # noqa: S101
        prepared = self._prepared(mutation, details, context, guarded=outcome.repeated)
        variables, principal = context.operation.variables.coerced, context.principal
        try:
            found = await self.reading.read_objects(prepared, [outcome.key], variables, principal, session=session)
        except TimedOut:
            if session is not None:
                raise
            raise TimedOut(SHOWN_LATE) from None
        return found.get(outcome.key, b"null")

    def _prepared(
        self, mutation: Mutation, details: list[FieldDetails], context: Context, *, guarded: bool
    ) -> Prepared:
        """The reading of the object that a payload shows."""
        assert mutation.node is not None  # noqa: S101
        operation, roles = context.operation, context.principal.roles
        return self.reading.prepare_objects(operation, mutation.node, details, roles, guarded=guarded)

    def _told(
        self, mutation: Mutation, outcome: Outcome, name: str, details: list[FieldDetails], context: Context
    ) -> Any:
        """A field of a payload that needs no reading."""
        if name == "__typename":
            return mutation.payload
        if name == "userErrors":
            refusals = [outcome.refusal] if outcome.refusal else []
            return [self._error(mutation, refusal, details, context) for refusal in refusals]
        return as_json(outcome.extras.get(snake(name)))

    def _error(
        self, mutation: Mutation, refusal: Mapping[str, Any], details: list[FieldDetails], context: Context
    ) -> dict[str, Any]:
        """The selected fields of one refusal."""
        field = [camel(part) for part in refusal["field"]] if refusal["field"] else None
        told = {
            "__typename": mutation.error,
            "code": refusal["code"],
            "message": refusal["message"],
            "field": field,
            **{camel(name): value for name, value in refusal["details"].items()},
        }
        selected = self._selected(mutation.error, details, context)
        return {key: told.get(inner[0].node.name.value) for key, inner in selected.items()}

    def _selected(self, name: str, details: list[FieldDetails], context: Context) -> dict[str, list[FieldDetails]]:
        """The fields selected of an object of the type `name`."""
        schema = self.reading.graph.schema
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101
        operation = context.operation
        found = collect_subfields(schema, operation.fragments, operation.variables, operation.definition, kind, details)
        return found.grouped_field_set
