"""Executing a request: queries by one statement, mutations by commands, all else by graphql-core over the same two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from time import perf_counter
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLResolveInfo, OperationType
from graphql.execution import execute as run_graphql
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor

from app.kernel.limits import Limits
from app.kernel.principal import Principal
from resolvers.asking import Asking
from resolvers.context import READING, Context, GraphQLRequest, GraphQLResponse, NoQuery, Stages
from resolvers.errors import RequestError, fault, told
from resolvers.following.run import Following, Stream
from resolvers.reading.cost import total_of
from resolvers.reading.documents import Documents, Operation, RequestErrors
from resolvers.reading.plan import Unplannable
from resolvers.reading.run import Reading
from resolvers.reading.trusted import NONE_TRUSTED, NamedDocuments, Trusted
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
        trusted: Trusted = NONE_TRUSTED,
    ) -> None:
        """Execute by reading, asking and writing; without `following`, subscriptions are refused."""
        self.graph = graph
        self.reading, self.asking, self.writing = answering
        self.following = following
        self.limits = limits
        self.documents = Documents(graph.schema, limits)
        self.named = NamedDocuments(trusted, limits)
        bind(graph)

    async def execute(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse:
        """The whole answer to one query or mutation; NoQuery where the request may be nothing else."""
        began = perf_counter()
        try:
            operation = self.operation(request)
        except RequestErrors as refused:
            return refusal_of(refused.errors)
        if request.only_query and operation.kind is not OperationType.QUERY:
            raise NoQuery
        return await self._executed(operation, principal, request, began)

    async def answer(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse | Stream:
        """The answer to a query or mutation, or the stream of a subscription; RequestErrors where it is refused.

        NoQuery where it is a mutation of a request that may be none.
        """
        began = perf_counter()
        operation = self.operation(request)
        if operation.kind is OperationType.SUBSCRIPTION and self.following is not None:
            return self.following.follow(operation.located, principal, after=request.resumed_after)
        if request.only_query and operation.kind is OperationType.MUTATION:
            raise NoQuery
        return await self._executed(operation, principal, request, began)

    def _executed(
        self, operation: Operation, principal: Principal, request: GraphQLRequest, began: float
    ) -> Awaitable[GraphQLResponse]:
        """The answer to an operation that can run, of a request that came when it `began`."""
        if operation.kind is OperationType.QUERY:
            return self._read(operation, principal, request, began)
        seconds = {"document": perf_counter() - began}
        return self._write(Context(operation.located, principal, seconds=seconds), request)

    def operation(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for; RequestErrors where there is none that can run."""
        document_id, hashed = request.document_id, request.sha256
        if document_id is None and hashed is None and not self.named.only_trusted:
            return self.documents.operation(request.document, request.operation_name, request.variables)
        text = self.named.text(request.document, document_id, hashed)
        operation = self.documents.operation(text, request.operation_name, request.variables)
        self.named.keep(hashed, text)
        return operation

    async def _read(
        self, operation: Operation, principal: Principal, request: GraphQLRequest, began: float
    ) -> GraphQLResponse:
        """A query by one statement, or by graphql-core where part of it is no reading."""
        opened = perf_counter()
        try:
            prepared = self.reading.prepare(operation, principal.roles)
            planned = perf_counter()
            body = await self.reading.run(prepared, operation, principal, after=request.position)
            if request.tells_cost:
                body = _with_cost(body, prepared.budget.told(principal.roles, self.limits))
            stages = Stages(READING, (opened - began, planned - opened, perf_counter() - planned))
            return GraphQLResponse(body, True, stages)  # noqa: FBT003
        except Unplannable:
            context = Context(
                operation.located, principal, seconds={"document": opened - began}, position=request.position
            )
            return await self._run(context, request)
        except RequestError as refused:
            return refusal_of([refused])
        except Exception as error:  # noqa: BLE001
            return GraphQLResponse(orjson.dumps({"data": None, "errors": [fault(error)]}), executed=True)

    async def _write(self, context: Context, request: GraphQLRequest) -> GraphQLResponse:
        """The mutations of an operation, of which none is done unless all can be shown."""
        if context.operation.kind is OperationType.SUBSCRIPTION:
            message = (
                "A subscription is followed, not asked once: over a WebSocket (graphql-transport-ws), or with"
                " `Accept: text/event-stream`."
            )
            return refusal_of([RequestError("SUBSCRIPTION_NEEDS_A_STREAM", message)])
        began = perf_counter()
        try:
            self.writing.require_showable(context)
        except GraphQLError as refused:
            return refusal_of([refused])
        context.took(plan=perf_counter() - began)
        return await self._run(context, request)

    async def _run(self, context: Context, request: GraphQLRequest) -> GraphQLResponse:
        """An operation by graphql-core, whose root fields read and write as ours do."""
        operation = context.operation
        result = run_graphql(
            self.graph.schema,
            operation.tree.node,
            self,
            variable_values=dict(request.variables),
            operation_name=operation.signature.name,
            context_value=context,
            executor_class=ReadyJson,
        )
        settled = await result if isawaitable(result) else result
        assert isinstance(settled, ExecutionResult)  # noqa: S101
        answer: dict[str, Any] = {"data": settled.data}
        if settled.errors:
            answer["errors"] = [told(error) for error in settled.errors[: self.limits.errors_told_max]]
        extensions: dict[str, Any] = {}
        if cost := _refused_cost([error.original_error for error in settled.errors or ()]) or (
            total_of(context.budgets).told(context.principal.roles, self.limits) if request.tells_cost else None
        ):
            extensions["cost"] = cost
        if position := await self._written(context):
            extensions["position"] = position
        if extensions:
            answer["extensions"] = extensions
        stages = Stages(tuple(context.seconds), tuple(context.seconds.values()))
        return GraphQLResponse(orjson.dumps(answer), True, stages, position)  # noqa: FBT003

    async def _written(self, context: Context) -> str | None:
        """The position after a mutation, where there is a replica that may not have come as far."""
        replica = self.reading.replica
        if replica is None or context.operation.kind is not OperationType.MUTATION:
            return None
        return await replica.written(context.principal)

    async def _read_root(self, info: GraphQLResolveInfo[Any], **__: Any) -> Any:
        """One root field of a query that graphql-core runs."""
        context: Context = info.context
        details, began = [FieldDetails(node, None) for node in info.field_nodes], perf_counter()
        prepared = self.reading.prepare_root(context.operation, str(info.path.key), details, context.principal.roles)
        context.spend(prepared.budget, self.limits)
        planned = perf_counter()
        found = await self.reading.run_root(prepared, context.operation, context.principal, after=context.position)
        context.took(plan=planned - began, database=perf_counter() - planned)
        return orjson.Fragment(found)


def bind(graph: Graph) -> None:
    """Give every root field of the executable schema its resolver, whose source is the execution that runs it."""
    query, mutation = graph.schema.query_type, graph.schema.mutation_type
    for name, field in query.fields.items() if query else ():
        question = graph.questions.get(name)
        field.resolve = _asker(question) if question else Execution._read_root  # noqa: SLF001
    for name, field in mutation.fields.items() if mutation else ():
        field.resolve = _writer(graph.mutations[name])


def _asker(question: AskedQuestion) -> Resolver:
    """The resolver of one question."""

    async def ask(execution: Execution, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        details = [FieldDetails(node, None) for node in info.field_nodes]
        return orjson.Fragment(await execution.asking.answer(question, arguments, details, info.context))

    return ask


def _writer(mutation: Mutation) -> Resolver:
    """The resolver of one mutation."""

    async def write(execution: Execution, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        details = [FieldDetails(node, None) for node in info.field_nodes]
        return orjson.Fragment(await execution.writing.answer(mutation, arguments["input"], details, info.context))

    return write


def refusal_of(errors: list[Any]) -> GraphQLResponse:
    """The answer to a request of which nothing was executed."""
    formatted = [told(error if isinstance(error, GraphQLError) else GraphQLError(str(error))) for error in errors]
    cost = _refused_cost(errors)
    extensions = {"extensions": {"cost": cost}} if cost else {}
    return GraphQLResponse(orjson.dumps({"errors": formatted, **extensions}), executed=False)


def _refused_cost(errors: Sequence[BaseException | None]) -> Mapping[str, int] | None:
    """What would have been spent, where one of `errors` refuses that."""
    return next((error.cost for error in errors if isinstance(error, RequestError) and error.cost), None)


def _with_cost(body: bytes, cost: Mapping[str, int]) -> bytes:
    """An answer that also tells what it costs."""
    return body[:-1] + b',"extensions":' + orjson.dumps({"cost": cost}) + b"}"
