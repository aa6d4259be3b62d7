"""Executing a request: queries by one statement, mutations by commands, all else by graphql-core over the same two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLResolveInfo, OperationType
from graphql.execution import execute as run_graphql
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor

from app.kernel.limits import Limits
from app.kernel.principal import Principal
from resolvers.asking import Asking
from resolvers.context import Context, GraphQLRequest, GraphQLResponse
from resolvers.errors import RequestError, fault, told
from resolvers.following.run import Following, Stream
from resolvers.reading.documents import Documents, Operation, RequestErrors
from resolvers.reading.plan import Unplannable
from resolvers.reading.run import Reading
from resolvers.writing.payloads import Writing
from schema.asking import AskedQuestion
from schema.building import Graph
from schema.operations import Mutation

Resolver = Callable[..., Awaitable[Any]]


class ReadyJson(Executor[Any]):
    """graphql-core's executor, which lets JSON that is ready pass through untouched."""

    def complete_value(self, return_type: Any, *rest: Any) -> Any:
        """The value itself where it is ready JSON; else as graphql-core completes it."""
        result = rest[3]
        return result if isinstance(result, orjson.Fragment) else super().complete_value(return_type, *rest)


class Execution:
    """Executes requests against one graph."""

    def __init__(
        self,
        graph: Graph,
        answering: tuple[Reading, Asking, Writing],
        *,
        limits: Limits,
        following: Following | None = None,
    ) -> None:
        """Execute by reading, asking and writing; without `following`, subscriptions are refused."""
        self.graph = graph
        self.reading, self.asking, self.writing = answering
        self.following = following
        self.limits = limits
        self.documents = Documents(graph.schema, limits)
        self._bind()

    async def execute(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse:
        """The whole answer to one query or mutation."""
        try:
            operation = self.operation(request)
        except RequestErrors as refused:
            return refusal_of(refused.errors)
        return await self._executed(operation, principal)

    async def answer(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse | Stream:
        """The answer to a query or mutation, or the stream of a subscription; RequestErrors where it is refused."""
        operation = self.operation(request)
        if operation.kind is OperationType.SUBSCRIPTION and self.following is not None:
            return self.following.follow(operation, principal)
        return await self._executed(operation, principal)

    async def _executed(self, operation: Operation, principal: Principal) -> GraphQLResponse:
        """The answer to an operation that can run."""
        if operation.kind is OperationType.SUBSCRIPTION:
            message = "A subscription is followed over a WebSocket (graphql-transport-ws), not asked once."
            return refusal_of([RequestError("SUBSCRIPTION_NEEDS_A_STREAM", message)])
        if operation.kind is OperationType.QUERY:
            return await self._read(operation, principal)
        return await self._run(operation, principal)

    def operation(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for; RequestErrors where there is none that can run."""
        return self.documents.operation(request.document, request.operation_name, request.variables)

    async def _read(self, operation: Operation, principal: Principal) -> GraphQLResponse:
        """A query by one statement, or by graphql-core where part of it is no reading."""
        try:
            prepared = self.reading.prepare(operation, principal.roles)
            return GraphQLResponse(await self.reading.run(prepared, operation, principal), executed=True)
        except Unplannable:
            return await self._run(operation, principal)
        except RequestError as refused:
            return refusal_of([refused])
        except Exception as error:  # noqa: BLE001
            return GraphQLResponse(orjson.dumps({"data": None, "errors": [fault(error)]}), executed=True)

    async def _run(self, operation: Operation, principal: Principal) -> GraphQLResponse:
        """An operation by graphql-core, whose root fields read and write as ours do."""
        definition = operation.definition
        result = run_graphql(
            self.graph.schema,
            operation.document.node,
            variable_values=dict(operation.variables.coerced),
            operation_name=definition.name.value if definition.name else None,
            context_value=Context(operation, principal),
            executor_class=ReadyJson,
        )
        settled = await result if isawaitable(result) else result
        assert isinstance(settled, ExecutionResult)  # noqa: S101
        answer: dict[str, Any] = {"data": settled.data}
        if settled.errors:
            answer["errors"] = [told(error) for error in settled.errors[: self.limits.errors_told_max]]
        return GraphQLResponse(orjson.dumps(answer), executed=True)

    def _bind(self) -> None:
        """Give every root field of the executable schema its resolver."""
        query, mutation = self.graph.schema.query_type, self.graph.schema.mutation_type
        for name, field in query.fields.items() if query else ():
            question = self.graph.questions.get(name)
            field.resolve = self._asker(question) if question else self._read_root
        for name, field in mutation.fields.items() if mutation else ():
            field.resolve = self._writer(self.graph.mutations[name])

    async def _read_root(self, _: Any, info: GraphQLResolveInfo[Any], **__: Any) -> Any:
        """One root field of a query that graphql-core runs."""
        context: Context = info.context
        details = [FieldDetails(node, None) for node in info.field_nodes]
        prepared = self.reading.prepare_root(context.operation, str(info.path.key), details, context.principal.roles)
        return orjson.Fragment(await self.reading.run_root(prepared, context.operation, context.principal))

    def _asker(self, question: AskedQuestion) -> Resolver:
        """The resolver of one question."""

        async def ask(_: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            details = [FieldDetails(node, None) for node in info.field_nodes]
            return orjson.Fragment(await self.asking.answer(question, arguments, details, info.context))

        return ask

    def _writer(self, mutation: Mutation) -> Resolver:
        """The resolver of one mutation."""

        async def write(_: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            details = [FieldDetails(node, None) for node in info.field_nodes]
            return orjson.Fragment(await self.writing.answer(mutation, arguments["input"], details, info.context))

        return write


def refusal_of(errors: list[Any]) -> GraphQLResponse:
    """The answer to a request of which nothing was executed."""
    formatted = [told(error if isinstance(error, GraphQLError) else GraphQLError(str(error))) for error in errors]
    return GraphQLResponse(orjson.dumps({"errors": formatted}), executed=False)
