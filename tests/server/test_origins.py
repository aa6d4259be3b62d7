"""Pages of other origins may not call, programs may, and who asks for a strange name is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.kernel.limits import DEFAULTS
from app.server.http import GraphQLEndpoint
from app.server.origins import ANY, LOOPBACK, Origins, origins_of
from app.server.settings import Settings, read_settings
from app.server.websocket_messages import SUBPROTOCOL
from tests.server.sockets import serving
from tests.server.streams import asked

OURS = Origins(frozenset({"https://shop.example"}))
LOCAL = Origins(frozenset(), LOOPBACK)
STRANGE = "http://evil.example"


def headers(host: str, origin: str | None = None) -> dict[bytes, bytes]:
    """The headers of a call."""
    told = {b"host": host.encode()}
    return told if origin is None else {**told, b"origin": origin.encode()}


class TestRefusal:
    @pytest.mark.parametrize(
        ("origins", "host", "origin"),
        [
            (OURS, "api.example", None),
            (OURS, "api.example", "https://api.example"),
            (OURS, "api.example:8000", "http://API.example:8000"),
            (OURS, "api.example", "https://shop.example"),
            (ANY, "api.example", STRANGE),
            (ANY, "api.example", "null"),
            (LOCAL, "localhost:8000", "http://localhost:8000"),
            (LOCAL, "127.0.0.1", None),
            (LOCAL, "[::1]:8000", "http://[::1]:8000"),
        ],
    )
    def test_is_none_for_programs_our_own_pages_and_those_that_are_named(
        self, origins: Origins, host: str, origin: str | None
    ):
        assert origins.refusal(headers(host, origin)) is None

    @pytest.mark.parametrize(
        ("origins", "host", "origin", "advice"),
        [
            (OURS, "api.example", STRANGE, "LADING_CORS_ORIGINS"),
            (OURS, "api.example", "null", "LADING_CORS_ORIGINS"),
            (OURS, "api.example", "", "LADING_CORS_ORIGINS"),
            (OURS, "api.example", "https://shop.example.evil.example", "LADING_CORS_ORIGINS"),
            (OURS, "api.example:8000", "http://api.example:8001", "LADING_CORS_ORIGINS"),
            (LOCAL, "evil.example:8000", "http://evil.example:8000", "LADING_HOSTS"),
            (LOCAL, "127.0.0.1.evil.example", None, "LADING_HOSTS"),
            (LOCAL, "", None, "LADING_HOSTS"),
        ],
    )
    def test_tells_what_to_set(self, origins: Origins, host: str, origin: str | None, advice: str):
        assert advice in (origins.refusal(headers(host, origin)) or "")


class TestOriginsOf:
    def settings(self, tmp_path: Path, **told: Any) -> Settings:
        """Settings of a demo, unless told otherwise."""
        return read_settings(home=tmp_path, **told)

    def test_are_those_that_settings_name(self, tmp_path: Path):
        found = origins_of(
            self.settings(tmp_path, host="api.example", cors_origins="https://A.example/, https://b.example")
        )
        assert found == Origins(frozenset({"https://a.example", "https://b.example"}))
        assert origins_of(self.settings(tmp_path, hosts="Api.example")).hosts == {"api.example"}

    def test_keep_a_demo_to_the_names_of_its_own_machine(self, tmp_path: Path):
        assert origins_of(self.settings(tmp_path)).hosts == LOOPBACK
        urls = {"database_url": "postgresql://a/b", "redis_url": "redis://a"}
        production = self.settings(tmp_path, mode="production", secret="0123456789abcdef" * 2, **urls)
        assert origins_of(production).hosts == frozenset()


class TestDoors:
    @pytest.mark.parametrize("origin", [STRANGE, "null"])
    async def test_give_no_socket_to_other_pages(self, origin: str):
        async with serving(origins=OURS) as server:
            with pytest.raises(InvalidStatus) as refused:
                await connect(server.url, subprotocols=[Subprotocol(SUBPROTOCOL)], origin=Origin(origin))
            assert refused.value.response.status_code == 403
            assert b"LADING_CORS_ORIGINS" in (refused.value.response.body or b"")
            assert not server.sockets.open

    @pytest.mark.parametrize("origin", [None, "https://shop.example", "ours"])
    async def test_give_one_to_our_pages_and_to_programs(self, origin: str | None):
        async with serving(origins=OURS) as server:
            told = server.url.replace("ws://", "http://").removesuffix("/graphql") if origin == "ours" else origin
            sent = None if told is None else Origin(told)
            async with connect(server.url, subprotocols=[Subprotocol(SUBPROTOCOL)], origin=sent) as connection:
                assert connection.subprotocol == SUBPROTOCOL

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
    async def test_answer_other_pages_nothing(self, method: str, accept: str):
        async def nobody(_: Any) -> Any:
            raise AssertionError("nobody is asked for")

        endpoint = GraphQLEndpoint(None, nobody, DEFAULTS, None)  # type: ignore[arg-type]
        endpoint.admit(OURS)
        sent = {"host": "api.example", "origin": STRANGE, "accept": accept}
        async with asked(endpoint, "{ __typename }", method=method, headers=sent) as client:
            assert client.status == 403
        assert b"LADING_CORS_ORIGINS" in client.body
