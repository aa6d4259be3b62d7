"""What webhooks need of the outside, which the composition root gives each process at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.kernel.principal import Principal
from app.webhooks.rules import Reach, Secrets

Part = TypeVar("Part")


@dataclass(frozen=True)
class Wish:
    """What an endpoint asks to be told: a GraphQL subscription with the values of its variables, as JSON."""

    document: str
    operation_name: str | None = None
    variables: str | None = None


class Unfollowable(Exception):
    """What an endpoint asks for cannot be followed by its caller; the message says why."""


class Followable(Protocol):
    """Tells whether a caller may follow what an endpoint asks for."""

    def __call__(self, wish: Wish, by: Principal) -> None:
        """Check it as it would be checked over a socket; Unfollowable where it would be refused."""


@dataclass(frozen=True)
class Answer:
    """What a receiver answered to a call: its status, and how long it wants to be left alone, if it said so."""

    status: int
    retry_after: str | None = None


class CallFailed(Exception):
    """Nothing was answered to a call; the message says why, and nothing of our own network."""


class Outside(Protocol):
    """Calls the addresses of others."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the receiver at `url` answers to `body`; CallFailed where it does not."""


class Given(Generic[Part]):
    """Holds what was given to this process."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._part: Part | None = None

    def use(self, part: Part) -> None:
        """Work with `part` from now on."""
        self._part = part

    @property
    def part(self) -> Part:
        """What was given; RuntimeError where nothing was."""
        if self._part is None:
            raise RuntimeError(f"{self._what} was not given to this process at its start")
        return self._part


secrets: Given[Secrets] = Given("what webhooks' secrets are made of")
followable: Given[Followable] = Given("what checks webhooks' subscriptions")
reach: Given[Reach] = Given("what webhooks may call")
reach.use(Reach())
