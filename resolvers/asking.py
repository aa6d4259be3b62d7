"""Asking: a question whose answer is an algorithm. Its records are told as they are; nodes among them are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import orjson
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_subfields
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.kernel.outbox import as_json
from resolvers.context import Context
from resolvers.reading.cost import Budget
from resolvers.reading.run import Prepared, Reading, told_when_late
from resolvers.writing.requests import key_of
from schema.asking import AskedQuestion, RecordField
from schema.operations import id_target

Details = list[FieldDetails]
Wanted = dict[Prepared, set[int]]
Found = Mapping[Prepared, Mapping[int, bytes]]


class Asking:
    """Answers questions: asks their functions, then reads the nodes that the answers name."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], reading: Reading) -> None:
        self.sessions = sessions
        self.reading = reading

    async def answer(self, asked: AskedQuestion, given: Mapping[str, Any], details: Details, context: Context) -> bytes:
        """The JSON of a question's answer: its nodes are read in one statement for each place they are selected."""
        arguments = {name: _argument(kind, given.get(said)) for said, (name, kind) in asked.arguments.items()}
        began = perf_counter()
        async with self.sessions() as session:
            record = await told_when_late(asked.question.function(session, **arguments, by=context.principal))
        answered = perf_counter()
        telling = Telling(self.reading, asked, context)
        wanted: Wanted = defaultdict(set)
        telling.collect(record, asked.answer, details, wanted)
        variables, principal = context.operation.variables.coerced, context.principal
        context.spend(_budget_of(wanted), self.reading.limits)
        found = {
            prepared: await self.reading.read_objects(prepared, sorted(keys), variables, principal)
            for prepared, keys in wanted.items()
        }
        context.took(question=answered - began, database=perf_counter() - answered)
        return telling.told(record, asked.answer, details, found)


class Telling:
    """Walks one answer by what is selected of it: once for the nodes it names, and once to tell it."""

    def __init__(self, reading: Reading, asked: AskedQuestion, context: Context) -> None:
        self.reading = reading
        self.asked = asked
        self.context = context

    def collect(self, record: Any, kind: str, details: Details, wanted: Wanted) -> None:
        """Note which nodes `record` names where a selection asks for them."""
        if isinstance(record, tuple | list):
            for item in record:
                self.collect(item, kind, details, wanted)
            return
        for inner in self._selected(kind, details).values() if record is not None else ():
            field = self._field(kind, inner)
            value = getattr(record, field.attribute) if field else None
            if field and field.node and value is not None:
                wanted[self._prepared(field, inner)].add(value)
            elif field and field.record and value is not None:
                self.collect(value, field.record, inner, wanted)

    def told(self, record: Any, kind: str, details: Details, found: Found) -> bytes:
        """The JSON of what is selected of `record`."""
        if record is None:
            return b"null"
        if isinstance(record, tuple | list):
            return b"[" + b",".join(self.told(item, kind, details, found) for item in record) + b"]"
        parts = [
            f'"{key}":'.encode() + self._told_field(record, kind, inner, found)
            for key, inner in self._selected(kind, details).items()
        ]
        return b"{" + b",".join(parts) + b"}"

    def _told_field(self, record: Any, kind: str, details: Details, found: Found) -> bytes:
        field = self._field(kind, details)
        if field is None:
            return orjson.dumps(kind)
        value = getattr(record, field.attribute)
        if field.node and value is not None:
            return found[self._prepared(field, details)].get(value, b"null")
        if field.record:
            return self.told(value, field.record, details, found)
        return orjson.dumps(as_json(value))

    def _field(self, kind: str, details: Details) -> RecordField | None:
        """The record's field that is selected; None for `__typename`."""
        return self.asked.records[kind].get(details[0].node.name.value)

    def _prepared(self, field: RecordField, details: Details) -> Prepared:
        """The reading of the nodes that a field names, as they are selected there."""
        operation, roles = self.context.operation, self.context.principal.roles
        return self.reading.prepare_objects(operation, str(field.node), details, roles)

    def _selected(self, kind: str, details: Details) -> dict[str, Details]:
        """The fields selected of a record."""
        schema, operation = self.reading.graph.schema, self.context.operation
        type_ = schema.type_map[kind]
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101
        found = collect_subfields(
            schema, operation.fragments, operation.variables, operation.definition, type_, details
        )
        return found.grouped_field_set


def _budget_of(wanted: Wanted) -> Budget:
    """What reading the nodes of an answer costs: what one costs, as often as it is named."""
    budgets = [(prepared.budget, len(keys)) for prepared, keys in wanted.items()]
    return Budget(sum(one.cost * times for one, times in budgets), sum(one.nodes * times for one, times in budgets))


def _argument(kind: Any, value: Any) -> Any:
    """An argument as its function takes it: an id as its key."""
    node = id_target(kind)
    return key_of(node, value) if node and value is not None else value
