"""The short cut: GraphQL over HTTP goes straight to its endpoint, and all else the long way."""

import pytest

from app.server.http import ShortCut


def named(name, taken):
    """An application that notes that it was asked."""

    async def application(scope, receive, send):
        taken.append(name)

    return application


async def nothing(*_: object):
    raise AssertionError("nobody is listened or talked to here")


class TestShortCut:
    @pytest.mark.parametrize(
        ("way", "scope"),
        [
            ("straight", {"type": "http", "path": "/graphql", "headers": []}),
            ("long", {"type": "http", "path": "/graphql", "headers": [(b"origin", b"https://a.example")]}),
            ("long", {"type": "http", "path": "/livez", "headers": []}),
            ("long", {"type": "websocket", "path": "/graphql", "headers": []}),
            ("long", {"type": "lifespan"}),
        ],
    )
    async def test_is_for_requests_that_no_middleware_has_to_answer(self, way, scope):
        taken: list[str] = []
        await ShortCut(named("long", taken), "/graphql", named("straight", taken), past_other_origins=False)(
            scope, nothing, nothing
        )
        assert taken == [way]

    async def test_is_for_all_origins_where_none_but_ours_may_call(self):
        taken: list[str] = []
        scope = {"type": "http", "path": "/graphql", "headers": [(b"origin", b"https://a.example")]}
        short = ShortCut(named("long", taken), "/graphql", named("straight", taken), past_other_origins=True)
        await short(scope, nothing, nothing)
        assert taken == ["straight"]
