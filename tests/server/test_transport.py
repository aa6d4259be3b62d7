"""Answers over HTTP/1.1 and messages over WebSockets, as they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.frames import Frame, Opcode

from app.server import transport
from app.server.transport import SEND_NOW, ClosedInTime, HeadWithBody, HttpProtocol, text_frame

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Sent(asyncio.Transport):
    """A transport that notes what it is told to send, call by call."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.calls: list[tuple[bytes, ...]] = []
        self.closed = False
        self.aborted = False

    def write(self, data: Any) -> None:
        self.calls.append((data,))

    def writelines(self, list_of_data: Any) -> None:
        self.calls.append(tuple(list_of_data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        return self.closed


def made() -> tuple[Sent, HeadWithBody]:
    sent = Sent()
    return sent, HeadWithBody(sent, asyncio.get_running_loop())


class TestHeadWithBody:
    async def test_goes_in_one_call(self):
        sent, held = made()
        held.write(HEAD)
        held.write(b"{}")
        await asyncio.sleep(0)
        assert sent.calls == [(HEAD, b"{}")]

    async def test_does_not_wait_for_a_body_that_comes_later(self):
        sent, held = made()
        held.write(HEAD)
        await asyncio.sleep(0)
        assert sent.calls == [(HEAD,)]
        held.write(b"first")
        held.write(b"second")
        assert sent.calls[1:] == [(b"first",), (b"second",)]

    async def test_sends_a_head_before_it_closes_and_before_all_else(self):
        sent, held = made()
        held.write(HEAD)
        held.close()
        assert (sent.calls, held.is_closing()) == ([(HEAD,)], True)
        sent, held = made()
        held.write(HEAD)
        held.writelines([b"a", b"b"])
        assert sent.calls == [(HEAD,), (b"a", b"b")]

    async def test_is_taken_off_with_nothing_left_behind(self):
        sent, held = made()
        held.write(HEAD)
        assert held.taken_off() is sent
        assert sent.calls == [(HEAD,)]

    async def test_leaves_all_else_to_the_transport(self):
        sent, held = made()
        assert held.get_extra_info("peername") == ("127.0.0.1", 1)
        held.abort()
        assert sent.closed


class TestClosedInTime:
    async def test_breaks_off_once_it_has_waited_for_long_enough(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(transport, "CLOSE_SECONDS", 0.05)
        sent = Sent()
        closing = ClosedInTime(sent, asyncio.get_running_loop())
        closing.write(b"last")
        closing.close()
        assert (sent.calls, sent.closed, sent.aborted) == ([(b"last",)], True, False)
        await asyncio.sleep(0.1)
        assert sent.aborted

    async def test_leaves_one_alone_that_is_closed_already(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(transport, "CLOSE_SECONDS", 0.0)
        sent = Sent()
        sent.close()
        ClosedInTime(sent, asyncio.get_running_loop()).close()
        await asyncio.sleep(0.01)
        assert not sent.aborted


class TestTextFrame:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
    def test_is_the_frame_that_the_library_makes(self, size: int):
        assert text_frame(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)

    def test_counts_bytes(self):
        letter = "é".encode()
        assert text_frame(letter * 62, letter) == Frame(Opcode.TEXT, letter * 63).serialize(mask=False)


async def parts(scope: Any, _: Any, send: Any) -> None:
    """An answer whose parts go by turns past the protocol's steps and through them."""
    send_now = scope["extensions"][SEND_NOW]
    assert not send_now(b"before the head")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(6):
        if number % 2:
            assert send_now(b"now %d;" % number, b" ")
        else:
            await send({"type": "http.response.body", "body": b"then %d; " % number, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})
    assert not send_now(b"after the end")


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """The port at which `app` is served by our protocol."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=HttpProtocol, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


class TestSendNow:
    @pytest.mark.parametrize("version", ["1.1", "1.0"])
    async def test_keeps_the_order_and_the_form_of_the_answer(self, version: str):
        async with served(parts) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET / HTTP/{version}\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
            async with asyncio.timeout(10):
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
        assert b"transfer-encoding: chunked" in head
        chunks = body.split(b"\r\n")
        assert [int(size, 16) for size in chunks[::2][:7]] == [len(chunk) for chunk in chunks[1::2][:7]]
        assert b"".join(chunks[1::2]) == b"then 0; now 1; then 2; now 3; then 4; now 5; end"
