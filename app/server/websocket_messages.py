"""The messages of `graphql-transport-ws`: what clients may send, checked to the letter, and why a socket is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import orjson

from app.kernel.limits import Limits
from app.server.http_requests import HttpRefusal, request_of
from resolvers.context import GraphQLRequest

SUBPROTOCOL = "graphql-transport-ws"
PONG_GROWTH = 4
"""A client may answer a ping with the same payload, written with spaces and with escapes three times as long."""
REASON_BYTES_MAX = 123
"""A close frame holds no longer reason; a longer one would break the connection off."""


class CloseCode(IntEnum):
    """Why the server closes a socket."""

    TOO_BIG = 1009
    RESTART = 1012
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    BAD_SUBPROTOCOL = 4406
    INITIALISATION_TIMEOUT = 4408
    ALREADY_SUBSCRIBED = 4409
    TOO_MANY = 4429
    FAULT = 4500


class Closing(Exception):
    """The socket must be closed."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        self.code = code
        self.reason = clipped(reason)
        super().__init__(self.reason)


@dataclass(frozen=True)
class Message:
    """One message of a client."""

    kind: str
    operation_id: str = ""
    payload: Mapping[str, Any] | None = None
    request: GraphQLRequest | None = None


def clipped(reason: str) -> str:
    """`reason`, no longer than a close frame can hold."""
    return reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")


def parse_message(text: str, limits: Limits) -> Message:
    """The message that `text` is; Closing where it is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _bad("A message is JSON, and this is not.") from None
    if not isinstance(found, dict):
        raise _bad("A message is a JSON object.")
    if deeper_than(found, limits.json_depth_max):
        raise _bad(f"A message is nested at most {limits.json_depth_max} deep.")
    kind = found.get("type")
    match kind:
        case "connection_init" | "ping" | "pong":
            return Message(kind, payload=_object_or_none(found, "payload", kind))
        case "subscribe":
            return Message(kind, _operation_id(found, kind, limits), request=_request(found))
        case "complete":
            return Message(kind, _operation_id(found, kind, limits))
    raise _bad("A message has a type: connection_init, ping, pong, subscribe or complete.")


def deeper_than(value: Any, depth: int) -> bool:
    """Whether JSON is nested deeper than `depth`."""
    level = [value]
    for _ in range(depth):
        level = [item for each in level for item in _items(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _operation_id(found: Mapping[str, Any], kind: str, limits: Limits) -> str:
    """The id of the operation that a message is about."""
    value = found.get("id")
    if not isinstance(value, str) or not 1 <= len(value) <= limits.operation_id_length_max:
        raise _bad(f"{kind}: id must be a text of 1 to {limits.operation_id_length_max} characters.")
    return value


def _request(found: Mapping[str, Any]) -> GraphQLRequest:
    """The request in the payload of a subscribe message."""
    payload = found.get("payload")
    if not isinstance(payload, dict):
        raise _bad("subscribe: payload must be an object.")
    try:
        return request_of(payload)
    except HttpRefusal as refused:
        raise _bad(f"subscribe: payload: {refused.message}") from None


def _object_or_none(found: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any] | None:
    """The object called `name`, which may be missing or null."""
    value = found.get(name)
    if value is not None and not isinstance(value, dict):
        raise _bad(f"{where}: {name} must be an object, null or missing.")
    return value


def _bad(reason: str) -> Closing:
    return Closing(CloseCode.BAD_REQUEST, reason)


def pings(cursors: Mapping[str, str], limits: Limits) -> Iterator[bytes]:
    """Pings that tell `cursors` of operations, each so short that a pong with the same payload is no frame too big.

    A cursor that is too long for any is not told.
    """
    left, part = limits.frame_bytes_max // PONG_GROWTH, dict[str, str]()
    for operation_id, cursor in cursors.items():
        size = len(orjson.dumps({operation_id: cursor}))
        if size > limits.frame_bytes_max // PONG_GROWTH:
            continue
        if size > left:
            yield _ping(part)
            left, part = limits.frame_bytes_max // PONG_GROWTH, {}
        left -= size
        part[operation_id] = cursor
    if part:
        yield _ping(part)


def _ping(cursors: Mapping[str, str]) -> bytes:
    return orjson.dumps({"type": "ping", "payload": {"cursors": cursors}})
