"""What goes wrong in a request, as errors a client can act on. All else is a fault: masked, with an id to find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError

log = structlog.get_logger(__name__)
FAULT = "Something went wrong on our side; nothing was lost. Tell us this id and we can find it."
BUSY = "Others are at work on the same rows, so this was given up, and nothing was changed; send it again as it is."
LATE = "This took longer than is allowed and was stopped, and nothing was changed; ask for less at once."


class RequestError(GraphQLError):
    """A request that cannot be answered as it stands: its code, and what to do about it."""

    cost: Mapping[str, int] | None = None
    """What the operation would have cost beside what it may, where it is refused for that."""

    def __init__(self, code: str, message: str, *, path: list[str | int] | None = None, **details: Any) -> None:
        """An error with `code` for programs, `message` for people, and `details` such as both numbers of a limit."""
        super().__init__(message, path=path, extensions={"code": code, **details})


class TimedOut(RequestError):
    """What was asked took longer than is allowed, and PostgreSQL stopped it."""

    def __init__(self, message: str = LATE) -> None:
        super().__init__("TIMED_OUT", message)


class Busy(RequestError):
    """What was asked stood in the way of others, or they in its way, as often as it was tried."""

    def __init__(self) -> None:
        super().__init__("BUSY", BUSY)


def over_limit(code: str, what: str, *, found: int, limit: int) -> RequestError:
    """The refusal of a request that is over a bound, with both numbers."""
    return RequestError(code, f"{what}: this request has {found}, the limit is {limit}.", found=found, limit=limit)


def not_found(key: str, node: str) -> dict[str, Any]:
    """The error of a lookup that finds nothing: the same words whether it never was, is hidden, or is malformed."""
    return {
        "message": f"There is no such {node}, or you may not see it.",
        "path": [key],
        "extensions": {"code": "NOT_FOUND"},
    }


def told(error: GraphQLError) -> dict[str, Any]:
    """An error as the client is told it: ours in full, a fault masked with an id that the log has."""
    if isinstance(error, RequestError) or error.original_error is None:
        formatted: dict[str, Any] = dict(error.formatted)
        formatted["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED", **(error.extensions or {})}
        return formatted
    original = error.original_error
    if isinstance(original, RequestError):
        return {**told(original), "path": error.path} if error.path else told(original)
    if isinstance(original, GraphQLError):
        # An argument that turns out not to fit when graphql-core runs its field, such as a variable that is null.
        return {**original.formatted, "path": error.path, "extensions": {"code": "BAD_USER_INPUT"}}
    masked = fault(original)
    return {**masked, "path": error.path} if error.path else masked


def fault(error: BaseException) -> dict[str, Any]:
    """A fault as the client is told it; the log has the whole under the same id."""
    fault_id = str(uuid4())
    log.error("fault", fault_id=fault_id, exc_info=error)
    return {"message": FAULT, "extensions": {"code": "INTERNAL_SERVER_ERROR", "faultId": fault_id}}
