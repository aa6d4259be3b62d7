"""Revoking at once: who holds a revoked key, or is a disabled user, is closed out and forgotten in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access.events import ApiKeyRevoked, UserDisabled
from app.access.questions import callers

if TYPE_CHECKING:
    from app.kernel.principal import Principal
    from app.server.websocket import Sockets
    from resolvers.following.log import Placed
    from resolvers.following.run import Following


def end_with_their_caller(sockets: Sockets, following: Following) -> None:
    """Close sockets when the log tells that their caller may no longer call.

    Callers are read anew from then on: a socket that was opened by what is remembered would never be closed.
    """

    def key_revoked(event: Placed) -> None:
        callers.forget()

        def whose(principal: Principal) -> bool:
            return principal.api_key_id == int(event.keys["api_key_id"])

        sockets.end(whose, "The API key was revoked.")

    def user_disabled(event: Placed) -> None:
        callers.forget()

        def whose(principal: Principal) -> bool:
            return principal.user_id == int(event.keys["user_id"])

        sockets.end(whose, "The user was disabled.")

    following.watch(ApiKeyRevoked.name, key_revoked)
    following.watch(UserDisabled.name, user_disabled)
