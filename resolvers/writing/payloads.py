"""The payload of a mutation: what it shows is read as any reading is, its refusals are told as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_subfields
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.outbox import as_json
from resolvers.context import Context
from resolvers.reading.run import Reading
from resolvers.writing.outcomes import Outcome
from resolvers.writing.run import Commands
from schema.language import camel, snake
from schema.operations import Mutation

Fetch = Callable[[Any, int], Awaitable[bytes | None]]


class Writing:
    """Answers mutations: gives their commands, then reads what their payloads show."""

    def __init__(self, commands: Commands, reading: Reading) -> None:
        self.commands = commands
        self.reading = reading

    async def answer(
        self, mutation: Mutation, given: Mapping[str, Any], details: list[FieldDetails], context: Context
    ) -> bytes:
        """The JSON of a mutation's payload."""
        selected = self._selected(mutation.payload, details, context)
        if given.get("dryRun"):

            async def seen(session: AsyncSession, outcome: Outcome) -> bytes:
                return await self._payload(mutation, outcome, selected, context, session)

            return await self.commands.rehearse(mutation, given, context.principal, seen)  # type: ignore[no-any-return]
        outcome = await self.commands.give(mutation, given, context.principal)
        return await self._payload(mutation, outcome, selected, context, None)

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
        assert mutation.node is not None  # noqa: S101
        assert outcome.key is not None  # noqa: S101
        operation, principal = context.operation, context.principal
        prepared = self.reading.prepare_objects(
            operation, mutation.node, details, principal.roles, guarded=outcome.repeated
        )
        variables = operation.variables.coerced
        found = await self.reading.read_objects(prepared, [outcome.key], variables, principal, session=session)
        return found.get(outcome.key, b"null")

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
