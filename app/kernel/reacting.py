"""Reactions: how far the readers of the log have come, and which events could not be reacted to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from sqlalchemy import BigInteger, Identity
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.choice import is_choice
from app.kernel.outbox import Event
from app.kernel.tables import Table

Reaction = Callable[[AsyncSession, Any], Awaitable[None]]
"""What is done when an event arrives: in a transaction of its own, which also notes that it was done."""
Timer = Callable[[AsyncSession], Awaitable[bool]]
"""What is done when a time comes: one transaction's worth of it; whether there may be more to do at once."""


class LogReader(Table):
    """How far one reader of the log has come. Its row is locked while it reads, so that one process does at a time."""

    __tablename__ = "log_readers"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(default=0)


class FailedReaction(Table):
    """An event whose reaction failed again and again, and was left so that others need not wait for ever."""

    __tablename__ = "failed_reactions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    event_name: Mapped[str]
    error: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default=clock.now)


def event_of(name: str, facts: dict[str, Any]) -> Event:
    """The event that the log keeps under `name` with `facts`, as its own class; facts that it lost since are left."""
    kind = Event.by_name[name]
    hints = hints_of(kind)  # type: ignore[arg-type]
    return kind(**{fact: _typed(hints[fact], value) for fact, value in facts.items() if fact in hints})


@cache
def hints_of(kind: type[Event]) -> dict[str, Any]:
    """The Python types of an event's facts, without null."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _plain(hints[name]) for name in kind.__dataclass_fields__ if name in hints}


def _plain(hint: Any) -> Any:
    """A type without its description and without None."""
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    rest = [part for part in get_args(inner) if part is not type(None)]
    return rest[0] if len(rest) == 1 and type(None) in get_args(inner) else inner


def _typed(kind: Any, value: Any) -> Any:
    """A fact as JSON keeps it, as the type it had."""
    if value is None:
        return None
    if kind is Decimal:
        return Decimal(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], item) for item in value)
    return kind(value) if is_choice(kind) else value
