"""The composition root: the only place that wires the process together."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import redis.asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from app.server.database import open_databases
from app.server.http_health import livez, readiness
from app.server.telemetry import RequestTelemetry, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response

    from app.server.settings import Settings

HEADERS_OF_BROWSERS = ["Authorization", "Content-Type", "X-Request-ID", "X-Lading-Preflight"]


def build_app(settings: Settings) -> Starlette:
    """The application that `settings` describe; what it opens at its start it closes at its end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as open_things:
            databases = await open_things.enter_async_context(open_databases(settings))
            waker = await open_things.enter_async_context(redis.asyncio.Redis.from_url(settings.woken_by))
            yield {"databases": databases, "ready": readiness(databases.primary, waker)}

    routes = [
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


async def readyz(request: Request) -> Response:
    """Whether this process may be sent requests."""
    answer: Response = await request.state.ready(request)
    return answer
