"""GraphQL over HTTP: one endpoint, as the specification has it, in front of the executor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

import orjson
from graphql import OperationType

from app.kernel.limits import Limits
from app.kernel.principal import Principal
from app.server.http_requests import GRAPHQL_JSON, HTML, JSON, Headers, HttpRefusal, accepted, headers_of, read_request
from resolvers.context import GraphQLRequest, GraphQLResponse
from resolvers.errors import fault
from resolvers.reading.documents import Operation

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Authenticate = Callable[[str | None], Awaitable[Principal]]


class Executes(Protocol):
    """What executes requests."""

    async def execute(self, request: GraphQLRequest, principal: Principal) -> GraphQLResponse:
        """The whole answer to one query or mutation."""

    def operation(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for."""


class ShortCut:
    """Leads requests for one path straight to its endpoint, past the routing that costs as much as a small reading.

    Where pages of other origins may call, their requests still go the long way, for the middleware there answers them.
    """

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp, *, past_other_origins: bool) -> None:
        """Lead HTTP requests for `path` to `endpoint` and all else to `app`."""
        self.app = app
        self.path = path
        self.endpoint = endpoint
        self.past_other_origins = past_other_origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        straight = scope["type"] == "http" and scope["path"] == self.path and not self._needs_middleware(scope)
        return (self.endpoint if straight else self.app)(scope, receive, send)

    def _needs_middleware(self, scope: Scope) -> bool:
        return not self.past_other_origins and any(name == b"origin" for name, _ in scope["headers"])


class GraphQLEndpoint:
    """The ASGI application of the endpoint."""

    def __init__(self, execution: Executes, authenticate: Authenticate, limits: Limits, page: bytes | None) -> None:
        """Answer with `execution` whom `authenticate` knows; show `page` to a browser that asks for one."""
        self.execution = execution
        self.authenticate = authenticate
        self.limits = limits
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = headers_of(scope)
        if self.page is not None and scope["method"] == "GET" and _is_browser(headers, scope):
            await _answer(send, 200, f"{HTML}; charset=utf-8", self.page)
            return
        try:
            status, media_type, body = await self._answered(scope, receive, headers)
            await _answer(send, status, f"{media_type}; charset=utf-8", body)
        except HttpRefusal as refused:
            await _refuse(send, refused, headers)
        except Exception as error:  # noqa: BLE001
            await _answer(send, 500, f"{JSON}; charset=utf-8", orjson.dumps({"errors": [fault(error)]}))

    async def _answered(self, scope: Scope, receive: Receive, headers: Headers) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer."""
        media_type = accepted(headers)
        request = await read_request(scope, receive, headers, self.limits.body_bytes_max)
        principal = await self.authenticate(headers.text(b"authorization") or None)
        if scope["method"] == "GET":
            self._refuse_mutation(request)
        response = await self.execution.execute(request, principal)
        told_by_status = media_type == GRAPHQL_JSON and not response.executed
        return (400 if told_by_status else 200), media_type, response.body

    def _refuse_mutation(self, request: GraphQLRequest) -> None:
        """A mutation is never done by GET, which anyone may repeat. What is wrong otherwise is told by execution."""
        try:
            kind = self.execution.operation(request).kind
        except Exception:  # noqa: BLE001
            return
        if kind is not OperationType.QUERY:
            raise HttpRefusal(405, "METHOD_NOT_ALLOWED", "Only queries may be sent by GET; use POST.", allow="POST")


def _is_browser(headers: Headers, scope: Scope) -> bool:
    """Whether a person's browser opens the address, rather than a program asking a query."""
    return b"query=" not in scope["query_string"] and HTML in headers.text(b"accept")


async def _refuse(send: Send, refused: HttpRefusal, headers: Headers) -> None:
    """Tell why a request is none, in the form that GraphQL clients read."""
    error = {"message": refused.message, "extensions": {"code": refused.code}}
    try:
        media_type = accepted(headers)
    except HttpRefusal:
        media_type = JSON
    body = orjson.dumps({"errors": [error]})
    await _answer(send, refused.status, f"{media_type}; charset=utf-8", body, more=refused.headers)


async def _answer(
    send: Send, status: int, content_type: str, body: bytes, *, more: dict[str, str] | None = None
) -> None:
    """Send one whole answer."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    if more:
        headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
