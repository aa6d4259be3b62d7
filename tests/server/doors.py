"""The HTTP endpoint over a real executor, asked without a socket between."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from app.kernel.limits import DEFAULTS
from app.kernel.principal import ANONYMOUS, Principal
from app.server.http import GraphQLEndpoint
from app.server.http_requests import GRAPHQL_JSON, JSON
from app.server.http_timing import TO_STAFF, Timing
from tests.graph import GraphClient


class Door:
    """An endpoint, and one caller who asks it."""

    def __init__(self, graph: GraphClient, *, by: Principal = ANONYMOUS, timing: Timing = TO_STAFF) -> None:
        async def authenticate(_: str | None) -> Principal:
            return by

        self.endpoint = GraphQLEndpoint(graph.execution, authenticate, DEFAULTS, None, timing=timing)
        self.headers: dict[str, str] = {}

    async def post(self, *, accept: str = JSON, **told: Any) -> tuple[int, Any]:
        """Status and body of the answer to a POST of JSON."""
        return await self._asked("POST", b"", orjson.dumps(told), accept)

    async def get(self, *, accept: str = GRAPHQL_JSON, **told: Any) -> tuple[int, Any]:
        """Status and body of the answer to a GET."""
        texts = {name: value if isinstance(value, str) else orjson.dumps(value) for name, value in told.items()}
        return await self._asked("GET", urlencode(texts).encode(), b"", accept)

    async def _asked(self, method: str, query_string: bytes, body: bytes, accept: str) -> tuple[int, Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        told = {"accept": accept, "content-type": JSON, "graphql-require-preflight": "1"}
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        scope = {"type": "http", "method": method, "headers": headers, "query_string": query_string}
        await self.endpoint(scope, receive, send)
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], orjson.loads(sent[1]["body"])
