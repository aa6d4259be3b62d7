"""The short cut: GraphQL over HTTP goes straight to its endpoint, and all else the long way."""

from typing import Any

import pytest

from app.server.http import ShortCut

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
