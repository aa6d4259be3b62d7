"""Revoking at once: the sockets of a key that is revoked, or of a user who is disabled, are closed in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access.events import ApiKeyRevoked, UserDisabled

if TYPE_CHECKING:
    from app.kernel.principal import Principal
    from app.server.websocket import Sockets
    from resolvers.following.log import Placed
    from resolvers.following.run import Following


def end_with_their_caller(sockets: Sockets, following: Following) -> None:
    """Close sockets when the log tells that their caller may no longer call."""

    def key_revoked(event: Placed) -> None:
        def whose(principal: Principal) -> bool:
            return principal.api_key_id == int(event.keys["api_key_id"])

        sockets.end(whose, "The API key was revoked.")

    def user_disabled(event: Placed) -> None:
        def whose(principal: Principal) -> bool:
            return principal.user_id == int(event.keys["user_id"])

        sockets.end(whose, "The user was disabled.")

    following.watch(ApiKeyRevoked.name, key_revoked)
    following.watch(UserDisabled.name, user_disabled)
