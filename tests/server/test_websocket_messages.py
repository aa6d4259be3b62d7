"""What clients may send over `graphql-transport-ws`: every malformed message closes the socket and says why."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from app.kernel.limits import DEFAULTS
from app.server.websocket_messages import clipped, pings
from tests.server.sockets import Server, closed, receive, send, serving


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the usual limits, for all tests that only look at what they are told."""
    async with serving() as made:
        yield made


BAD_MESSAGES: list[str | bytes] = [
    "",
    "not json",
    "[]",
    "1",
    "null",
    '"text"',
    "{}",
    '{"type":null}',
    '{"type":"connect"}',
    '{"type":"ping","payload":[]}',
    '{"type":"ping","payload":"x"}',
    '{"type":"connection_init","payload":1}',
    '{"type":"subscribe","payload":{"query":"echo"}}',
    '{"type":"subscribe","id":1,"payload":{"query":"echo"}}',
    '{"type":"subscribe","id":"","payload":{"query":"echo"}}',
    json.dumps({"type": "subscribe", "id": "x" * 257, "payload": {"query": "echo"}}),
    '{"type":"subscribe","id":"1"}',
    '{"type":"subscribe","id":"1","payload":"echo"}',
    '{"type":"subscribe","id":"1","payload":{}}',
    '{"type":"subscribe","id":"1","payload":{"query":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","operationName":1}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","variables":[]}}',
    '{"type":"subscribe","id":"1","payload":{"query":"echo","extensions":"x"}}',
    '{"type":"complete"}',
    '{"type":"complete","id":{}}',
    '{"type":"pong","payload":' + "[" * 200 + "]" * 200 + "}",
    '{"type":"ping","payload":{"a":' + "[" * 100 + "]" * 100 + "}}",
    '{"type":"ping","payload":' + "[" * 20_000,
    b'{"type":"ping"}',
]


class TestMessages:
    @pytest.mark.parametrize("message", BAD_MESSAGES)
    async def test_closes_with_4400_for_what_is_no_message(self, server, message):
        async with server.acknowledged() as connection:
            await connection.send(message)
            code, reason = await closed(connection)
            assert code == 4400
            assert reason

    async def test_closes_with_1009_for_a_frame_over_the_limit(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="ping", payload={"text": "x" * DEFAULTS.frame_bytes_max})
            assert (await closed(connection))[0] == 1009

    async def test_answers_a_ping_with_its_payload(self, server):
        async with server.connected() as connection:
            await send(connection, type="ping", payload={"a": [1]})
            assert await receive(connection) == {"type": "pong", "payload": {"a": [1]}}
            await send(connection, type="pong")
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    def test_clips_a_reason_to_what_a_close_frame_holds(self):
        assert len(clipped("é" * 200).encode()) <= 123


class TestPings:
    def test_may_each_be_answered_with_all_they_tell_in_the_longest_form(self):
        ids = ["\N{SHIP}" * (DEFAULTS.operation_id_length_max - 2) + f"{number:02}" for number in range(100)]
        cursors = dict.fromkeys(ids, "y" * 1000)
        made = [json.loads(ping) for ping in pings(cursors, DEFAULTS)]
        assert all(ping["type"] == "ping" for ping in made)
        assert [each for ping in made for each in ping["payload"]["cursors"].items()] == list(cursors.items())
        pongs = [json.dumps({"type": "pong", "payload": ping["payload"]}, indent=1) for ping in made]
        assert max(map(len, pongs)) <= DEFAULTS.frame_bytes_max
        assert len(made) < 20

    def test_leave_out_what_fits_in_none(self):
        long = "x" * DEFAULTS.frame_bytes_max
        (ping,) = pings({"1": long, "2": "here", "3": long}, DEFAULTS)
        assert json.loads(ping)["payload"] == {"cursors": {"2": "here"}}
        assert not list(pings({"1": long}, DEFAULTS))
