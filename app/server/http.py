"""GraphQL over HTTP: one endpoint, as the specification has it, in front of the executor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from app.kernel.limits import Limits
from app.kernel.principal import Principal
from app.server.event_streams import EventStream, EventStreams
from app.server.http_requests import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    HTML,
    JSON,
    OFFERED,
    POSITION,
    Headers,
    HttpRefusal,
    accepted,
    headers_of,
    read_request,
)
from app.server.http_timing import TO_STAFF, Header, Timing
from app.server.origins import ANY, Origins
from app.server.telemetry import STREAMED_AFTER
from resolvers.context import GraphQLRequest, GraphQLResponse, NoQuery
from resolvers.errors import fault

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LAST_EVENT_ID = b"last-event-id"
"""Under this name a client whose stream broke off tells the id of the last event that it was told."""
Authenticate = Callable[[str | None], Principal | Awaitable[Principal]]
"""Finds out who calls, at once where that is known already."""
CONTENT_TYPES = {media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, GRAPHQL_JSON, HTML)}


class Answered(NamedTuple):
    """What is sent: status, media type and body, and headers besides."""

    status: int
    media_type: str
    body: bytes
    headers: Sequence[Header] = ()


class Executes(Protocol):
    """What executes requests."""

    async def execute(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse:
        """The whole answer to one query or mutation; NoQuery where the request may be nothing else."""


class ShortCut:
    """Leads requests for one path straight to its endpoint, past the routing that costs as much as a small reading.

    Where pages of other origins may call, their requests still go the long way, for the middleware there answers them.
    """

    def __init__(self, path: str, name: str, *, past_other_origins: bool) -> None:
        """Lead requests for `path` to the endpoint that is called `name` in the process's state."""
        self.path = path
        self.name = name
        self.past_other_origins = past_other_origins

    def __call__(self, scope: Scope) -> GraphQLEndpoint | None:
        """The endpoint that answers an HTTP request by itself; None where it goes the long way."""
        if scope["path"] != self.path or not (self.past_other_origins or _is_of_ours(scope)):
            return None
        endpoint: GraphQLEndpoint = scope["state"][self.name]
        return endpoint


def _is_of_ours(scope: Scope) -> bool:
    """Whether no page of another origin asks."""
    return all(name != b"origin" for name, _ in scope["headers"])


class GraphQLEndpoint:
    """The ASGI application of the endpoint."""

    def __init__(
        self,
        execution: Executes,
        authenticate: Authenticate,
        limits: Limits,
        page: bytes | None,
        *,
        timing: Timing = TO_STAFF,
    ) -> None:
        """Answer with `execution` whom `authenticate` knows; show `page` to a browser that asks for one."""
        self.origins = ANY
        self.execution = execution
        self.authenticate = authenticate
        self.limits = limits
        self.page = page
        self.timing = timing
        self.streams: EventStreams | None = None
        self.offered: tuple[str, ...] = OFFERED

    def admit(self, origins: Origins) -> None:
        """Answer pages of `origins` alone, and programs."""
        self.origins = origins

    def stream_by(self, streams: EventStreams) -> None:
        """Answer by `streams` whoever would rather have one."""
        self.streams = streams
        self.offered = (EVENT_STREAM, *OFFERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self.answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send, *more: Header) -> int:
        """Answer one HTTP request, with `more` headers; the status it was answered with.

        Every step of this is taken for the smallest of readings too, so there are no more than must be.
        """
        began, headers = perf_counter(), headers_of(scope)
        try:
            answered: Answered | EventStream
            if scope["method"] == "GET" and self.page is not None and _is_browser(headers, scope):
                answered = Answered(200, HTML, self.page)
            else:
                answered = await self._answered(scope, receive, headers, began)
        except HttpRefusal as refused:
            answered = _refusal(refused, headers)
        except Exception as error:  # noqa: BLE001
            answered = Answered(500, JSON, orjson.dumps({"errors": [fault(error)]}))
        if isinstance(answered, EventStream):
            scope[STREAMED_AFTER] = perf_counter() - began
            return await answered.run(receive, send, *more)
        status, media_type, body, told = answered
        sent = [(b"content-type", CONTENT_TYPES[media_type]), (b"content-length", b"%d" % len(body)), *told, *more]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})
        return status

    async def _answered(self, scope: Scope, receive: Receive, headers: Headers, began: float) -> Answered | EventStream:
        """What the graph answers."""
        if (refusal := self.origins.refusal(headers.values)) is not None:
            raise HttpRefusal(403, "FORBIDDEN", refusal)
        media_type = accepted(headers, self.offered)
        request = await read_request(scope, receive, headers, self.limits.body_bytes_max)
        found = self.authenticate(headers.text(b"authorization") or None)
        principal = found if isinstance(found, Principal) else await found
        if self.streams is not None and media_type == EVENT_STREAM:
            resumed = request._replace(resumed_after=headers.text(LAST_EVENT_ID) or None)
            return await self.streams.begun(resumed, principal, scope)
        try:
            response = await self.execution.execute(request, principal)
        except NoQuery:
            raise HttpRefusal(
                405, "METHOD_NOT_ALLOWED", "Only queries may be sent by GET; use POST.", allow="POST"
            ) from None
        status = 200 if response.executed or media_type != GRAPHQL_JSON else 400
        is_told = self.timing.to_all or principal.is_staff
        told = self.timing.headers(response.stages, began) if is_told else []
        if response.position is not None:
            told.append((POSITION, response.position.encode()))
        return Answered(status, media_type, response.body, told)


def _is_browser(headers: Headers, scope: Scope) -> bool:
    """Whether a person's browser opens the address, rather than a program asking a query."""
    asked = scope["query_string"]
    return HTML in headers.text(b"accept") and not any(name in asked for name in (b"query=", b"documentId="))


def _refusal(refused: HttpRefusal, headers: Headers) -> Answered:
    """Why a request is none, in the form that GraphQL clients read."""
    error = {"message": refused.message, "extensions": {"code": refused.code}}
    try:
        media_type = accepted(headers)
    except HttpRefusal:
        media_type = JSON
    told = [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    return Answered(refused.status, media_type, orjson.dumps({"errors": [error]}), told)
