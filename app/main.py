"""The composition root: the only place that wires the process together."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import redis.asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from app.access.questions import Unauthenticated, authenticate, signing
from app.kernel.event_log import EVENT_CURSOR_SQL
from app.kernel.principal import ANONYMOUS
from app.server.database import open_databases
from app.server.http import GraphQLEndpoint
from app.server.http_health import livez, readiness
from app.server.http_requests import HttpRefusal
from app.server.telemetry import RequestTelemetry, metrics
from resolvers.execute import Execution
from resolvers.reading.run import Reading
from resolvers.writing.payloads import Writing
from resolvers.writing.run import Commands
from schema.root import GRAPH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from app.kernel.principal import Principal
    from app.server.database import Databases
    from app.server.settings import Settings

HEADERS_OF_BROWSERS = ["Authorization", "Content-Type", "X-Request-ID", "X-Lading-Preflight"]


def build_app(settings: Settings) -> Starlette:
    """The application that `settings` describe; what it opens at its start it closes at its end."""
    signing.use_key(settings.signed_with.encode())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as open_things:
            databases = await open_things.enter_async_context(open_databases(settings))
            waker = await open_things.enter_async_context(redis.asyncio.Redis.from_url(settings.woken_by))
            execution = execution_of(databases, settings)
            callers = Callers(databases.sessions)
            yield {
                "databases": databases,
                "ready": readiness(databases.primary, waker),
                "graphql": GraphQLEndpoint(execution, callers.of_header, settings.limits, None),
            }

    routes = [
        Route("/graphql", FromState("graphql")),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    middleware = [Middleware(RequestTelemetry, paths=frozenset(route.path for route in routes))]
    if settings.cors_origins:
        origins = list(settings.cors_origins)
        browsers = Middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=HEADERS_OF_BROWSERS
        )
        middleware.append(browsers)
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


def execution_of(databases: Databases, settings: Settings) -> Execution:
    """What executes requests over the open connections of this process."""
    reading = Reading(GRAPH, databases.replica, databases.primary, settings.limits, EVENT_CURSOR_SQL)
    commands = Commands(databases.sessions, settings.limits, _nothing, settings.signed_with.encode())
    return Execution(GRAPH, reading, Writing(commands, reading), settings.limits)


class Callers:
    """Finds out who a request comes from."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def of_header(self, authorization: str | None) -> Principal:
        """The caller that an Authorization header proves; HttpRefusal (401) where it is not good."""
        if authorization is None:
            return ANONYMOUS
        try:
            async with self.sessions() as session:
                return await authenticate(session, authorization)
        except Unauthenticated as refused:
            raise HttpRefusal(401, "UNAUTHENTICATED", str(refused), www_authenticate="Bearer") from None


class FromState:
    """An endpoint that is made when the process starts and found in its state."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request by the endpoint of that name."""
        await scope["state"][self.name](scope, receive, send)


async def _nothing() -> None:
    """Nobody is waiting to be woken."""


async def readyz(request: Request) -> Response:
    """Whether this process may be sent requests."""
    answer: Response = await request.state.ready(request)
    return answer
