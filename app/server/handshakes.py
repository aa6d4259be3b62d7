"""Handshakes of sockets: which are refused before there is a socket, and how many of an address may say nothing yet."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from app.server.per_caller import PerCaller, TooMany, address_of

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from app.server.origins import Origins


class Handshakes:
    """Counts those who have not yet said who they are, by their address."""

    def __init__(self, origins: Origins, limit: int) -> None:
        """Let pages of `origins` in, and programs, up to `limit` of an address at once."""
        self.origins = origins
        self.waiting = PerCaller(limit)

    async def begun(self, websocket: WebSocket) -> ExitStack | None:
        """What is to be closed once the caller is known or gone; None where the socket was refused."""
        if (refusal := self.origins.refusal(dict(websocket.scope["headers"]))) is not None:
            await deny(websocket, 403, refusal)
            return None
        address = address_of(websocket.scope)
        try:
            self.waiting.take(address)
        except TooMany as too_many:
            await deny(websocket, 429, f"Too many sockets of your address wait to be initialised: {too_many}")
            return None
        handshake = ExitStack()
        handshake.callback(self.waiting.give_back, address)
        return handshake


async def deny(websocket: WebSocket, status: int, reason: str) -> None:
    """Refuse a handshake by a status of HTTP, and say why, where the server can."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(PlainTextResponse(reason, status_code=status))
    else:
        await websocket.close()
