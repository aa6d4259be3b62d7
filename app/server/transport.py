"""HTTP/1.1 and WebSockets as uvicorn speaks them, with fewer steps where most of the answers and messages pass."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn._types import ASGISendEvent
    from websockets.http11 import Request

HEAD = b"HTTP/1."
"""How the head of an answer begins."""
WHOLE_TEXT = 0x81
"""The first byte of a frame that is a whole message of text."""
CUT_OFF = "lading.cut_off"
"""The extension of ASGI by which whoever answers breaks off the connection to a client that takes nothing any more."""
CLOSE_SECONDS = 2.0
"""So long a client may take what still waits for it once its socket is closed, before it is cut off without."""
SEND_NOW = "lading.send_now"
"""The extension of ASGI by which pieces of a body, or of a message of text, are sent at once, where nothing stands
against it."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol on a transport that sends a head along with the body that follows.

    uvicorn writes the two one after the other, and uvloop sends each at once: two system calls and two packets, and a
    client that is woken twice.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        self.extensions = {CUT_OFF: transport.abort, SEND_NOW: self.send_now}
        super().connection_made(HeadWithBody(transport, asyncio.get_running_loop()))  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = self.extensions  # type: ignore[typeddict-item]

    def send_now(self, *pieces: bytes) -> bool:
        """Send a part of the body that consists of `pieces`, where nothing stands against it; whether it was sent."""
        cycle = self.cycle
        if self.pipeline or self.flow.write_paused or cycle.disconnected or cycle.response_complete:
            return False
        if not cycle.chunked_encoding:
            return False
        self.transport.write(b"".join((b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n")))
        return True

    def handle_websocket_upgrade(self) -> None:
        """Hand a connection over to the protocol of sockets, which has the transport itself again."""
        transport: Any = self.transport
        self.transport = transport.taken_off()
        super().handle_websocket_upgrade()


class HeadWithBody:
    """A transport that holds the head of an answer back until the body comes, or until the loop's next step.

    All that sends nothing is the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to `transport`."""
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data`, and a head that waits before it; a head itself waits."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines((head, data))
        elif data[: len(HEAD)] == HEAD:
            self._head = data
            self._loop.call_soon(self._send_head)
        else:
            self._transport.write(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send all of the data."""
        self._send_head()
        self._transport.writelines(list_of_data)

    def close(self) -> None:
        """Close once everything is sent."""
        self._send_head()
        self._transport.close()

    def taken_off(self) -> asyncio.Transport:
        """The transport itself, with nothing held back any more."""
        self._send_head()
        return self._transport

    def _send_head(self) -> None:
        """Send the head that waits, where no body came along with it."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)


class ClosedInTime:
    """A transport that sends what waits for so long once it is closed, and then breaks off.

    A transport by itself waits for its client for ever, and whoever closes it thinks that it is done.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to `transport`."""
        self.write = transport.write
        self._transport = transport
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close once everything is sent, or after a while without."""
        if not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(CLOSE_SECONDS, self._transport.abort)


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol of sockets, which writes a message of text as one frame where nothing stands against it.

    It takes half as long as by the layers below, and a cohort has a message for each of its followers.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection."""
        super().connection_made(ClosedInTime(transport, self.loop))  # type: ignore[arg-type]

    def handle_connect(self, event: Request) -> None:
        """Begin a socket."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            extensions: Any = self.scope["extensions"]
            extensions |= {CUT_OFF: self.transport.abort, SEND_NOW: self.send_now}

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message of the application."""
        text = message.get("text")
        if text is None or not self.send_now(str(text).encode()):
            await super().send(message)

    def send_now(self, *pieces: bytes) -> bool:
        """Send a message of text that consists of `pieces`, where nothing stands against it; whether it was sent."""
        if not self._is_free():
            return False
        self.transport.write(text_frame(*pieces))
        return True

    def _is_free(self) -> bool:
        """Whether the socket is open, and nothing waits to be sent."""
        return (
            self.handshake_complete
            and self.writable.is_set()
            and not (self.disconnected or self.close_sent)
            and self.conn.state is OPEN
            and not self.conn.extensions
        )


def text_frame(*pieces: bytes) -> bytes:
    """A whole message of text, as a server sends it, which consists of `pieces`."""
    size = sum(map(len, pieces))
    if size < 126:
        head = bytes((WHOLE_TEXT, size))
    elif size < 1 << 16:
        head = bytes((WHOLE_TEXT, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((WHOLE_TEXT, 127)) + size.to_bytes(8, "big")
    return b"".join((head, *pieces))
