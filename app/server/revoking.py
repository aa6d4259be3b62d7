"""Revoking at once: who holds a revoked key, or is a disabled user, is closed out and forgotten in every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from app.access.events import ApiKeyRevoked, UserDisabled
from app.access.questions import callers
from app.kernel.principal import Principal

if TYPE_CHECKING:
    from resolvers.following.log import Placed
    from resolvers.following.run import Following


class Endable(Protocol):
    """What is open for callers: the sockets of this process, or its event streams."""

    def end(self, whose: Callable[[Principal], bool], reason: str) -> None:
        """End what is open for callers who may no longer call."""


def end_with_their_caller(following: Following, *open_ones: Endable) -> None:
    """End what is open when the log tells that its caller may no longer call.

    Callers are read anew from then on: a socket that was opened by what is remembered would never be closed.
    """

    def key_revoked(event: Placed) -> None:
        callers.forget()

        def whose(principal: Principal) -> bool:
            return principal.api_key_id == int(event.keys["api_key_id"])

        end(whose, "The API key was revoked.")

    def user_disabled(event: Placed) -> None:
        callers.forget()

        def whose(principal: Principal) -> bool:
            return principal.user_id == int(event.keys["user_id"])

        end(whose, "The user was disabled.")

    def end(whose: Callable[[Principal], bool], reason: str) -> None:
        for each in open_ones:
            each.end(whose, reason)

    following.watch(ApiKeyRevoked.name, key_revoked)
    following.watch(UserDisabled.name, user_disabled)
