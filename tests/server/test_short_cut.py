"""The short cut: GraphQL over HTTP goes straight to its endpoint, and all else the long way."""

from typing import Any

import pytest

from app.main import straight_to_sockets
from app.server.http import ShortCut
from app.server.telemetry import RequestTelemetry

ENDPOINT: Any = object()


class TestShortCut:
    @pytest.mark.parametrize(
        ("is_straight", "path", "headers"),
        [
            (True, "/graphql", []),
            (False, "/graphql", [(b"origin", b"https://a.example")]),
            (False, "/livez", []),
        ],
    )
    def test_is_for_requests_that_no_middleware_has_to_answer(self, is_straight, path, headers):
        scope = {"path": path, "headers": headers, "state": {"graphql": ENDPOINT}}
        found = ShortCut("/graphql", "graphql", past_other_origins=False)(scope)
        assert found is (ENDPOINT if is_straight else None)

    def test_is_for_all_origins_where_none_but_ours_may_call(self):
        headers = [(b"origin", b"https://a.example")]
        scope = {"path": "/graphql", "headers": headers, "state": {"graphql": ENDPOINT}}
        assert ShortCut("/graphql", "graphql", past_other_origins=True)(scope) is ENDPOINT


class TestStraightToSockets:
    async def test_passes_every_layer_but_the_counting(self):
        served: list[str] = []

        async def sockets(*_: Any) -> None:
            served.append("straight")

        async def routed(*_: Any) -> None:
            served.append("routed")

        door = RequestTelemetry(routed, paths=frozenset(), sockets=straight_to_sockets)
        for path in ("/graphql", "/elsewhere"):
            scope: Any = {"type": "websocket", "path": path, "headers": [], "state": {"sockets": sockets}}
            await door(scope, served, served)  # type: ignore[arg-type]
        assert served == ["straight", "routed"]
