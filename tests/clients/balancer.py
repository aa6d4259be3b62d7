"""A balancer: one address that clients know, and behind it whichever server it leads to at the moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class Balancer:
    """Passes bytes on between clients and one server at a time, and breaks off what it is told to."""

    def __init__(self) -> None:
        self.accepted = 0
        """How many connections it has led somewhere."""
        self._to: tuple[str, int] | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.lead_nowhere()
        if self._server is not None:
            self._server.close()

    @property
    def address(self) -> str:
        """Where clients connect."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def lead_to(self, address: str) -> None:
        """Lead those who connect from now on to the server at `address`."""
        parts = urlsplit(address)
        self._to = (str(parts.hostname), int(parts.port or 80))

    def lead_nowhere(self) -> None:
        """Break every connection off at once, and take none until there is somewhere to lead to."""
        self._to = None
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side ends it."""
        try:
            if self._to is None:
                writer.transport.abort()
                return
            there, back = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self.accepted += 1
        self._open.update((writer, back))
        try:
            await asyncio.gather(_pass(reader, back), _pass(there, writer))
        finally:
            self._open.difference_update((writer, back))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on all that one side says, and then that it has ended."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()
