"""Refusals: what a command says when it will not do what was asked. They are data for the caller, not faults.

A refusal's docstring is its code's description and its default message.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncSession

    from app.kernel.principal import Role

Command = TypeVar("Command", bound="Callable[..., Any]")


class Refusal(Exception):
    """The request was refused; nothing was changed."""

    aftermath: Callable[[AsyncSession], Awaitable[None]] | None = None
    """What the refusal itself leaves, such as an ended session, in a transaction of its own after the rollback."""

    remembered: ClassVar[bool] = True
    """Whether it is the answer to its idempotency key from then on; one that passes by itself is not."""

    def __init__(self, message: str | None = None, *, field: str | None = None, **details: Any) -> None:
        """Refuse with `message` (else the docstring) about the input `field` (`lines.0.quantity`), with `details`."""
        self.message = message or inspect.getdoc(type(self)) or "The request was refused."
        self.field = tuple(field.split(".")) if field else None
        self.details = details
        super().__init__(self.message)

    @classmethod
    def code(cls) -> str:
        """The refusal's code: its class name in capitals, such as `INSUFFICIENT_STOCK`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).upper()


class InvalidInput(Refusal):
    """A value of the input is out of its bounds or malformed; the message names it and the bounds."""


class Forbidden(Refusal):
    """You may not do this; sign in as someone who may."""


class VersionConflict(Refusal):
    """Somebody changed this since you read it; read it again and repeat with the current version."""

    version: Annotated[int, "The version that it has now."]


class IdempotencyKeyReused(Refusal):
    """The idempotency key was used with another input; use a new key for a new request."""

    remembered = False


class IdempotencyInProgress(Refusal):
    """A request with this idempotency key is still under way; repeat it in a moment."""


ALWAYS = (InvalidInput, Forbidden, IdempotencyKeyReused, IdempotencyInProgress)
"""What any mutation may be refused with, besides its own refusals."""


def refuses(*refusals: type[Refusal]) -> Callable[[Command], Command]:
    """Declare what a command refuses; these become the codes of its mutation's error type."""

    def declare(command: Command) -> Command:
        cast("Any", command).refusals = refusals
        return command

    return declare


def allows(roles: frozenset[Role]) -> Callable[[Command], Command]:
    """Declare whose callers may give a command at all; whose rows they may touch is a matter of visibility."""

    def declare(command: Command) -> Command:
        cast("Any", command).allowed = roles
        return command

    return declare
