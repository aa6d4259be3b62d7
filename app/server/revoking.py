"""Revoking at once: what a caller has open ends, in every process, when it may no longer call or not as it did.

The log tells within milliseconds. The database is asked besides, for the log stands still while no relay leads, and
says nothing of what was changed past the commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.access.events import ApiKeyRevoked, TokenFamilyRevoked, UserDisabled, UserGranted
from app.access.questions import callers
from app.kernel.principal import Principal

if TYPE_CHECKING:
    from app.kernel.outbox import Event
    from resolvers.following.log import Placed
    from resolvers.following.run import Following

LOOK_SECONDS = 0.5
"""So often the database is asked: who is revoked hears nothing more within a second, whoever else is away."""
FALLEN = "You may no longer call, or not as you did; connect again."
Whose = Callable[[Principal], bool]
Fallen = Callable[[Collection[Principal]], Awaitable[Collection[Principal]]]

log = structlog.get_logger(__name__)


class Endable(Protocol):
    """What is open for callers: the sockets of this process, or its event streams."""

    @property
    def principals(self) -> Iterable[Principal]:
        """Whom something is open for."""

    def end(self, whose: Whose, reason: str) -> None:
        """End what is open for callers who may no longer call."""


class Revoking:
    """Ends what is open in this process for callers who may no longer call, or not as they did."""

    def __init__(self, fallen: Fallen, *open_ones: Endable) -> None:
        """Look after `open_ones`; `fallen` tells which callers the database no longer knows as they were."""
        self._fallen = fallen
        self._open = open_ones
        self._answered = True

    def watch(self, following: Following) -> None:
        """End at once what the log tells of, before any later event is told to anybody."""
        self._watch(following, ApiKeyRevoked, "api_key_id", "The API key was revoked.")
        self._watch(following, UserDisabled, "user_id", "The user was disabled.")
        self._watch(following, UserGranted, "user_id", "Your roles changed; connect again.")
        self._watch(following, TokenFamilyRevoked, "session", "The session was ended.", key="family")

    def _watch(self, following: Following, event: type[Event], name: str, reason: str, *, key: str = "") -> None:
        """At each such event, end what is open for callers whose `name` its key tells.

        Callers are read anew from then on: what was opened by what is remembered would never end.
        """

        def ended(placed: Placed) -> None:
            callers.forget()
            told: Any = placed.keys.get(key or name)
            if told is not None:
                self._end(lambda principal: getattr(principal, name) == told, reason)

        following.watch(event.name, ended)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                if self._answered:
                    log.warning("revoking_waits", error=str(error), kind=type(error).__name__)
                self._answered = False
            except Exception:
                log.exception("revoking_failed")
            else:
                self._answered = True

    async def look(self) -> None:
        """Ask the database about everyone for whom something is open, and end what it no longer stands for."""
        known = {each for one in self._open for each in one.principals if each.user_id or each.api_key_id}
        if not known:
            return
        fallen = frozenset(await self._fallen(known))
        if fallen:
            callers.forget()
            self._end(fallen.__contains__, FALLEN)

    def _end(self, whose: Whose, reason: str) -> None:
        for each in self._open:
            each.end(whose, reason)
