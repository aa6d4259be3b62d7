"""`graphql-transport-ws` to the letter, tried with a bare WebSocket client against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from app.server.websocket_messages import SUBPROTOCOL, CloseCode
from resolvers.errors import RequestError
from tests.server.sockets import Server, closed, receive, send, serving, streams

TOO_MANY = "TOO_MANY_SUBSCRIPTIONS"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    """A server with the usual limits, for all tests that only look at what they are told."""
    async with serving() as made:
        yield made


@pytest.fixture
async def own_server() -> AsyncIterator[Server]:
    """A server of one test's own, for those that look into it."""
    async with serving() as made:
        yield made


async def begin_held(connection: ClientConnection, name: str) -> None:
    """Begin an operation that is held until the test lets it go on."""
    await send(connection, type="subscribe", id=name, payload={"query": "held"})
    await send(connection, type="ping")
    assert (await receive(connection))["type"] == "pong"


class TestHandshake:
    async def test_accepts_the_one_subprotocol(self, server):
        async with server.connected() as connection:
            assert connection.subprotocol == SUBPROTOCOL

    @pytest.mark.parametrize("protocol", ["graphql-ws", "other"])
    async def test_closes_with_4406_for_another(self, server, protocol):
        async with server.connected(protocol) as connection:
            assert (await closed(connection))[0] == CloseCode.BAD_SUBPROTOCOL

    async def test_closes_with_4408_without_an_initialisation(self):
        async with serving(connection_init_ms_max=50) as server, server.connected() as connection:
            await send(connection, type="ping")
            assert await closed(connection) == (4408, "Connection initialisation timeout")

    async def test_waits_as_long_as_it_likes_once_it_is_initialised(self):
        async with serving(connection_init_ms_max=500) as server, server.acknowledged() as connection:
            await asyncio.sleep(0.6)
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    @pytest.mark.parametrize("first", ["anna", "slow"])
    async def test_closes_with_4429_for_a_second_initialisation(self, server, first):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": first})
            await send(connection, type="connection_init")
            assert await closed(connection) == (4429, "Too many initialisation requests")

    async def test_closes_with_4403_for_a_caller_who_is_refused(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "wrong"})
            assert await closed(connection) == (4403, "Forbidden")

    async def test_closes_with_4500_where_it_cannot_find_out(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "broken"})
            assert (await closed(connection))[0] == 4500

    async def test_closes_with_4401_for_an_operation_before_the_acknowledgement(self, server):
        async with server.connected() as connection:
            await send(connection, type="connection_init", payload={"authorization": "slow"})
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert await closed(connection) == (4401, "Unauthorized")

    async def test_closes_with_4429_where_a_caller_has_too_many_sockets(self):
        async with serving(sockets_per_caller_max=1) as server:
            async with server.acknowledged(), server.connected() as second:
                await send(second, type="connection_init")
                code, reason = await closed(second)
                assert code == 4429
                assert "this would be 2, the limit is 1" in reason
            async with asyncio.timeout(3):
                while server.sockets.callers:
                    await asyncio.sleep(0.01)
            async with server.acknowledged():
                pass

    async def test_answers_429_where_too_many_of_an_address_say_nothing(self):
        async with serving(handshakes_per_address_max=1) as server, server.acknowledged(), server.connected() as silent:
            with pytest.raises(InvalidStatus) as refused:
                await connect(server.url, subprotocols=[Subprotocol(SUBPROTOCOL)])
            assert refused.value.response.status_code == 429
            assert b"this would be 2, the limit is 1" in (refused.value.response.body or b"")
            await silent.close()
            async with asyncio.timeout(3):
                while server.sockets.handshakes.waiting:
                    await asyncio.sleep(0.01)
            async with server.acknowledged():
                pass

    async def test_counts_those_behind_a_proxy_by_what_it_tells_of_them(self):
        async with serving(handshakes_per_address_max=1) as server:
            sockets = [
                await connect(
                    server.url,
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    additional_headers={"X-Forwarded-For": f"192.0.2.{number}"},
                )
                for number in range(3)
            ]
            assert len(server.sockets.handshakes.waiting) == 3
            for socket in sockets:
                await socket.close()

    async def test_closes_with_4429_for_too_many_messages_in_a_minute(self):
        async with serving(messages_per_socket_minute_max=5) as server, server.acknowledged() as connection:
            for _ in range(4):
                await send(connection, type="ping")
                assert (await receive(connection))["type"] == "pong"
            await send(connection, type="ping")
            code, reason = await closed(connection)
            assert (code, reason) == (4429, "Too many messages in a minute: this would be 6, the limit is 5.")

    async def test_closes_with_4403_when_a_caller_may_no_longer_call(self, server):
        async with server.acknowledged(authorization="anna") as anna, server.acknowledged(authorization="bert") as bert:
            server.sockets.end(lambda principal: principal.name == "anna")
            assert (await closed(anna))[0] == 4403
            await send(bert, type="ping")
            assert await receive(bert) == {"type": "pong"}

    async def test_closes_with_4403_when_the_caller_s_key_expires(self, server):
        async with server.acknowledged(seconds="0.2") as brief, server.acknowledged(seconds="60") as lasting:
            assert await closed(brief) == (4403, "The API key expired.")
            await send(lasting, type="ping")
            assert await receive(lasting) == {"type": "pong"}


class TestOperations:
    async def test_answers_a_query_once_and_completes_it(self, server):
        async with server.acknowledged(authorization="anna") as connection:
            payload = {"query": "echo", "variables": {"a": 1}, "operationName": None, "extensions": None}
            await send(connection, type="subscribe", id="é1", payload=payload)
            data = {"name": "anna", "variables": {"a": 1}}
            assert await receive(connection) == {"id": "é1", "type": "next", "payload": {"data": data}}
            assert await receive(connection) == {"id": "é1", "type": "complete"}

    async def test_sends_every_event_of_a_stream_and_completes_it(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "count"})
            told = [await receive(connection) for _ in range(4)]
            assert [message.get("payload", {}).get("data") for message in told[:3]] == [
                {"number": number} for number in (1, 2, 3)
            ]
            assert told[3] == {"id": "1", "type": "complete"}
            assert own_server.answering.streams[0].closed

    @pytest.mark.parametrize("document", ["invalid", "refused"])
    async def test_tells_a_request_that_cannot_run_as_an_error_and_goes_on(self, server, document):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": document})
            refused = await receive(connection)
            assert (refused["id"], refused["type"]) == ("1", "error")
            assert refused["payload"][0]["message"]
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert (await receive(connection))["type"] == "next"

    async def test_masks_a_fault(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "fault"})
            refused = await receive(connection)
            assert refused["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
            assert "secret" not in json.dumps(refused)

    async def test_closes_with_4409_for_an_id_that_is_in_use(self, server):
        async with server.acknowledged() as connection:
            for _ in range(2):
                await send(connection, type="subscribe", id="x" * 200, payload={"query": "follow"})
            code, reason = await closed(connection)
            assert code == 4409
            assert reason.startswith("Subscriber for xxx")

    async def test_ends_a_stream_that_its_client_completes_and_lets_the_id_be_used_again(self, server):
        async with server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await send(connection, type="complete", id="1")
            await send(connection, type="complete", id="unknown")
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert (await receive(connection))["type"] == "next"

    async def test_ends_streams_when_the_client_goes(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await streams(own_server, 1)
        async with asyncio.timeout(3):
            while own_server.sockets.open or not own_server.answering.streams[0].closed:
                await asyncio.sleep(0.01)

    async def test_lets_what_has_begun_end_though_its_client_goes(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "slow"})
            await send(connection, type="ping")
            await receive(connection)
        async with asyncio.timeout(3):
            while not own_server.answering.finished:
                await asyncio.sleep(0.01)

    async def test_refuses_operations_over_the_limit_with_both_numbers(self):
        async with serving(operations_per_socket_max=2) as server, server.acknowledged() as connection:
            for name in ("1", "2", "3"):
                await send(connection, type="subscribe", id=name, payload={"query": "follow"})
            refused = await receive(connection)
            assert (refused["id"], refused["type"]) == ("3", "error")
            told = refused["payload"][0]["extensions"]
            assert (told["code"], told["found"], told["limit"]) == ("TOO_MANY_OPERATIONS", 3, 2)

    async def test_refuses_subscriptions_over_the_limit_of_a_caller_on_all_its_sockets(self):
        async with serving(follows_per_caller_max=2) as server:
            async with server.acknowledged() as one, server.acknowledged() as other:
                for connection in (one, other):
                    await send(connection, type="subscribe", id="1", payload={"query": "follow"})
                await streams(server, 2)
                await send(one, type="subscribe", id="2", payload={"query": "follow"})
                refused = await receive(one)
                told = refused["payload"][0]["extensions"]
                assert (refused["type"], told["code"], told["found"], told["limit"]) == ("error", TOO_MANY, 3, 2)
                assert server.answering.streams[2].closed
                await send(other, type="complete", id="1")
                await send(one, type="subscribe", id="2", payload={"query": "count"})
                assert (await receive(one))["type"] == "next"
            async with asyncio.timeout(3):
                while server.sockets.follows:
                    await asyncio.sleep(0.01)

    async def test_counts_what_its_client_left_until_it_has_ended(self):
        async with serving(operations_per_socket_max=2) as server, server.acknowledged() as connection:
            for name in ("1", "2"):
                await begin_held(connection, name)
                await send(connection, type="complete", id=name)
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            refused = await receive(connection)
            assert (refused["id"], refused["payload"][0]["extensions"]["found"]) == ("1", 3)
            server.answering.go_on.set()
            while server.answering.finished < 2:
                await asyncio.sleep(0.01)
            await send(connection, type="subscribe", id="1", payload={"query": "echo"})
            assert (await receive(connection))["type"] == "next"

    async def test_lets_an_id_be_used_again_while_what_had_it_ends(self, own_server):
        async with own_server.acknowledged() as connection:
            await begin_held(connection, "1")
            await send(connection, type="complete", id="1")
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            (stream,) = await streams(own_server, 1)
            own_server.answering.go_on.set()
            while not own_server.answering.finished:
                await asyncio.sleep(0.01)
            await send(connection, type="complete", id="1")
            await send(connection, type="ping")
            assert (await receive(connection))["type"] == "pong"
            assert stream.closed

    async def test_counts_a_socket_until_all_it_had_under_way_has_ended(self):
        async with serving(sockets_per_caller_max=1) as server:
            async with server.acknowledged() as connection:
                await begin_held(connection, "1")
            async with server.connected() as connection:
                await send(connection, type="connection_init")
                assert (await closed(connection))[0] == 4429
            server.answering.go_on.set()
            async with asyncio.timeout(3):
                while server.sockets.open:
                    await asyncio.sleep(0.01)
            async with server.acknowledged():
                pass

    async def test_tells_the_end_of_a_stream_as_an_error(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            (await streams(own_server, 1))[0].end(RequestError("FOLLOWER_TOO_SLOW", "Slow.", cursor="abc"))
            ended = await receive(connection)
            assert ended["type"] == "error"
            assert ended["payload"][0]["extensions"] == {"code": "FOLLOWER_TOO_SLOW", "cursor": "abc"}

    async def test_tells_the_cursors_of_idle_streams(self, own_server):
        async with own_server.acknowledged() as connection:
            for name in ("1", "2"):
                await send(connection, type="subscribe", id=name, payload={"query": "follow"})
            (await streams(own_server, 2))[0].idle_cursor = "here"
            for conversation in own_server.sockets.open:
                conversation.tell_cursors()
            assert await receive(connection) == {"type": "ping", "payload": {"cursors": {"1": "here"}}}

    async def test_lives_on_though_its_client_answers_pings_with_all_that_they_tell(self, own_server):
        async with own_server.acknowledged() as connection:
            for number in range(5):
                await send(connection, type="subscribe", id=str(number), payload={"query": "follow"})
            for stream in await streams(own_server, 5):
                stream.idle_cursor = "x" * 16_000
            for conversation in own_server.sockets.open:
                conversation.tell_cursors()
            told: dict[str, str] = {}
            while len(told) < 5:
                payload = (await receive(connection))["payload"]
                told |= payload["cursors"]
                await send(connection, type="pong", payload=payload)
            await send(connection, type="ping")
            assert await receive(connection) == {"type": "pong"}

    async def test_tells_no_older_cursor_after_a_newer_event(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            (stream,) = await streams(own_server, 1)
            stream.idle_cursor = "of 5"
            for conversation in own_server.sockets.open:
                conversation.tell_cursors()
            assert stream.send_now is not None
            assert stream.send_now(b'{"data":{"cursor":"of 6"}}')
            assert [(await receive(connection))["type"] for _ in range(2)] == ["ping", "next"]


class TestDraining:
    async def test_closes_with_1012_once_operations_have_ended(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "follow"})
            await streams(own_server, 1)
            await send(connection, type="subscribe", id="2", payload={"query": "slow"})
            await send(connection, type="ping")
            await receive(connection)
            draining = asyncio.create_task(own_server.sockets.drain(2))
            assert (await receive(connection))["id"] == "2"
            assert (await closed(connection))[0] == 1012
            await draining
        async with own_server.connected() as late:
            assert (await closed(late))[0] == 1012

    async def test_ends_at_once_what_only_begins_meanwhile(self, own_server):
        async with own_server.acknowledged() as connection:
            await send(connection, type="subscribe", id="1", payload={"query": "late"})
            await send(connection, type="ping")
            await receive(connection)
            async with asyncio.timeout(3):
                await own_server.sockets.drain(10)
            assert own_server.answering.streams[0].closed
            assert (await closed(connection))[0] == 1012

    async def test_begins_nothing_more(self, own_server):
        async with own_server.acknowledged() as connection:
            await begin_held(connection, "1")
            draining = asyncio.create_task(own_server.sockets.drain(10))
            await asyncio.sleep(0)
            await begin_held(connection, "2")
            own_server.answering.go_on.set()
            assert (await receive(connection))["id"] == "1"
            assert (await closed(connection))[0] == 1012
            await draining
            assert own_server.answering.finished == 1
