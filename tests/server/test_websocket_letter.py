"""`graphql-transport-ws` sentence by sentence, where the protocol leaves a client a choice that is seldom made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.server.websocket_messages import REASON_BYTES_MAX, SUBPROTOCOL
from tests.server.sockets import Server, closed, receive, send, serving, streams


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server of one test's own."""
    async with serving() as made:
        yield made


class TestHandshake:
    async def test_closes_with_4406_where_no_subprotocol_is_offered(self, server):
        async with connect(server.url, compression=None) as connection:
            code, reason = await closed(connection)
            assert (code, reason) == (4406, f"Subprotocol not acceptable: only {SUBPROTOCOL} is.")

    async def test_chooses_the_one_it_speaks_among_several(self, server):
        offered = [Subprotocol("graphql-ws"), Subprotocol(SUBPROTOCOL)]
        async with connect(server.url, subprotocols=offered, compression=None) as connection:
            assert connection.subprotocol == SUBPROTOCOL

    @pytest.mark.parametrize("payload", [None, {}, {"unknown": [1]}])
    async def test_acknowledges_whatever_payload_there_is(self, server, payload):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload=payload)
            assert await receive(connection) == {"type": "connection_ack"}

    async def test_closes_with_4401_for_an_operation_without_any_initialisation(self, server):
        async with server.connected() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert await closed(connection) == (4401, "Unauthorized")
        assert not server.answering.streams

    async def test_closes_with_4429_for_an_initialisation_after_the_acknowledgement(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="connection_init")
            assert await closed(connection) == (4429, "Too many initialisation requests")

    async def test_closes_with_4400_before_the_initialisation_too(self, server):
        async with server.connected() as connection:
            await connection.send("[]")
            assert (await closed(connection))[0] == 4400

    async def test_closes_with_4408_only_who_says_nothing_though_it_is_slow_to_find_out(self):
        async with serving(connection_init_ms_max=100) as server, server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "slow"})
            assert await receive(connection) == {"type": "connection_ack"}


class TestMessages:
    async def test_may_come_in_several_frames(self, server):
        async with server.acknowledged() as connection:
            text = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "echo"}})
            await connection.send([text[:10], text[10:20], text[20:]])
            assert (await receive(connection))["type"] == "next"
            assert await receive(connection) == {"id": "1", "type": "complete"}

    @pytest.mark.parametrize("initialised", [True, False])
    async def test_ping_at_any_time_and_need_no_pong(self, server, initialised):
        async with server.acknowledged() if initialised else server.connected() as connection:
            await send(connection, type="pong", payload={"unasked": True})
            await send(connection, type="ping", payload=None)
            assert await receive(connection) == {"type": "pong"}
            await send(connection, type="ping", payload={"cursors": {}})
            assert await receive(connection) == {"type": "pong", "payload": {"cursors": {}}}

    async def test_are_answered_while_others_are_under_way(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="slow", payload={"query": "slow"})
            await send(connection, type="subscribe", id="quick", payload={"query": "echo"})
            told = [await receive(connection) for _ in range(4)]
        assert [(each["id"], each["type"]) for each in told] == [
            ("quick", "next"),
            ("quick", "complete"),
            ("slow", "next"),
            ("slow", "complete"),
        ]

    @pytest.mark.parametrize("character", ["é", "\U0001f69a"])
    async def test_are_refused_in_words_that_a_close_frame_can_hold(self, server, character):
        async with server.acknowledged() as connection:
            for _ in range(2):
                await send(connection, type="subscribe", id=character * 256, payload={"query": "follow"})
            code, reason = await closed(connection)
        assert code == 4409
        assert len(reason.encode()) <= REASON_BYTES_MAX
        assert reason.startswith(f"Subscriber for {character * 20}")


class TestComplete:
    async def test_may_cross_the_server_s_own(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "count"})
            while (await receive(connection))["type"] != "complete":
                pass
            for _ in range(2):
                await send(connection, type="complete", id="1")
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert [(await receive(connection))["type"] for _ in range(2)] == ["next", "complete"]

    async def test_is_not_told_back_and_nothing_is_told_after_it(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            (stream,) = await streams(server, 1)
            await send(connection, type="complete", id="1")
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}
            assert stream.closed
            await asyncio.sleep(0.05)
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    async def test_does_not_follow_an_error(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "refused"})
            assert (await receive(connection))["type"] == "error"
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    async def test_of_one_leaves_the_others(self, server):
        async with server.acknowledged() as connection:
            for name in ("1", "2"):
                await send(connection, type="subscribe", id=name, payload={"query": "follow"})
            one, other = await streams(server, 2)
            await send(connection, type="complete", id="1")
            await send(connection, type="ping")
            await receive(connection)
            assert (one.closed, other.closed) == (True, False)
            other.end(ConnectionError("the end"))
            ended = await receive(connection)
            assert (ended["id"], ended["type"]) == ("2", "error")
