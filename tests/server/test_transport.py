"""Answers over HTTP/1.1 and messages over WebSockets, as they are sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from app.server.transport import HeadWithBody, text_frame

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Sent(asyncio.Transport):
    """A transport that notes what it is told to send, call by call."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.calls: list[tuple[bytes, ...]] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.calls.append((data,))

    def writelines(self, list_of_data: Any) -> None:
        self.calls.append(tuple(list_of_data))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def made() -> tuple[Sent, HeadWithBody]:
    sent = Sent()
    return sent, HeadWithBody(sent, asyncio.get_running_loop())


class TestHeadWithBody:
    async def test_goes_in_one_call(self):
        sent, transport = made()
        transport.write(HEAD)
        transport.write(b"{}")
        await asyncio.sleep(0)
        assert sent.calls == [(HEAD, b"{}")]

    async def test_does_not_wait_for_a_body_that_comes_later(self):
        sent, transport = made()
        transport.write(HEAD)
        await asyncio.sleep(0)
        assert sent.calls == [(HEAD,)]
        transport.write(b"first")
        transport.write(b"second")
        assert sent.calls[1:] == [(b"first",), (b"second",)]

    async def test_sends_a_head_before_it_closes_and_before_all_else(self):
        sent, transport = made()
        transport.write(HEAD)
        transport.close()
        assert (sent.calls, transport.is_closing()) == ([(HEAD,)], True)
        sent, transport = made()
        transport.write(HEAD)
        transport.writelines([b"a", b"b"])
        assert sent.calls == [(HEAD,), (b"a", b"b")]

    async def test_is_taken_off_with_nothing_left_behind(self):
        sent, transport = made()
        transport.write(HEAD)
        assert transport.taken_off() is sent
        assert sent.calls == [(HEAD,)]

    async def test_leaves_all_else_to_the_transport(self):
        sent, transport = made()
        assert transport.get_extra_info("peername") == ("127.0.0.1", 1)
        transport.abort()
        assert sent.closed


class TestTextFrame:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
    def test_is_the_frame_that_the_library_makes(self, size: int):
        assert text_frame(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)

    def test_counts_bytes(self):
        letter = "é".encode()
        assert text_frame(letter * 62, letter) == Frame(Opcode.TEXT, letter * 63).serialize(mask=False)
