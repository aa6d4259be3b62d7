"""The one source of time: instants in UTC, which tests may move, and the time zones there are."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

if TYPE_CHECKING:
    from collections.abc import Iterator

_stopped_at: ContextVar[datetime | None] = ContextVar("stopped_at", default=None)


def now() -> datetime:
    """The present instant, in UTC."""
    return _stopped_at.get() or datetime.now(UTC)


@contextmanager
def stopped_at(instant: datetime) -> Iterator[None]:
    """Stop the clock at `instant` for the code inside: for tests, imports and simulations."""
    if instant.tzinfo is None:
        raise ValueError("a clock stops at an instant with a time zone")
    token = _stopped_at.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _stopped_at.reset(token)


def is_time_zone(name: str) -> bool:
    """Whether IANA names a time zone so."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    """The names of every time zone that this computer knows of IANA's, but for its own, which others call otherwise."""
    return frozenset(available_timezones() - {"localtime"})
