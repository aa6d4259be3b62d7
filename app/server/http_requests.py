"""From HTTP to a GraphQL request: what a client sent, read within its bounds, or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from resolvers.context import GraphQLRequest

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"
OFFERED = (GRAPHQL_JSON, JSON)
PREFLIGHT_HEADERS = (b"graphql-require-preflight", b"x-apollo-operation-name", b"apollo-require-preflight")
"""A cross-site form cannot send these, so a GET that has one was meant."""
OF_EVENT_SOURCE = EVENT_STREAM.encode()
"""What a browser's `EventSource` accepts, and nothing else that a page asks for without a script. It can send neither
those headers nor any credential, so it follows as a stranger does."""
POSITION = b"lading-position"
"""What the caller's last mutation answered under this name, it may send along under the same."""
RANGES_MAX = 20
NO_QUERY = "`query` is the GraphQL document, a text; `documentId` may name one instead."
SPELLINGS_KEPT = 256
"""Headers that clients send in the same words again and again are read once."""
SPELLING_LENGTH_MAX = 512
"""Longer ones are read each time: a header may be as long as a stranger likes, and what is kept is kept for good."""


class HttpRefusal(Exception):
    """A request that is no GraphQL request: the HTTP status that says so, a code and a message."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(message)


@dataclass(frozen=True)
class Headers:
    """The headers of a request by lower-case name; of one sent twice, the first."""

    values: Mapping[bytes, bytes]

    def text(self, name: bytes) -> str:
        """A header's text, empty where it was not sent."""
        return self.values.get(name, b"").decode("latin-1").strip()


def headers_of(scope: Scope) -> Headers:
    """The headers of an ASGI scope."""
    return Headers(dict(reversed(scope["headers"])))


def accepted(headers: Headers, offered: tuple[str, ...] = OFFERED) -> str:
    """The media type to answer with, by the client's own ranking; HttpRefusal (406) where it accepts none of ours.

    A client that says nothing, or `*/*`, gets `application/json`, which every client understands.
    """
    told = headers.values.get(b"accept")
    if not told:
        return JSON
    return (_accepted if len(told) <= SPELLING_LENGTH_MAX else _accepted.__wrapped__)(told, offered)


@lru_cache(SPELLINGS_KEPT)
def _accepted(sent: bytes, offered: tuple[str, ...]) -> str:
    told = sent.decode("latin-1").strip()
    if not told:
        return JSON
    ranked = sorted(_ranges(told), key=lambda ranged: -ranged[1])
    for media_range, quality in ranked:
        if quality <= 0:
            continue
        if media_range in {"*/*", "application/*"}:
            return JSON
        if media_range in offered:
            return media_range
    raise HttpRefusal(406, "NOT_ACCEPTABLE", f"This endpoint answers with {' or '.join(offered)}.")


def _ranges(told: str) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their qualities; one that cannot be read counts as unwanted."""
    found = []
    for item in told.split(",")[:RANGES_MAX]:
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            found.append((media_range, float(quality)))
        except ValueError:
            found.append((media_range, 0.0))
    return found


async def read_request(scope: Scope, receive: Receive, headers: Headers, body_bytes_max: int) -> GraphQLRequest:
    """The GraphQL request of a GET or a POST; HttpRefusal where it is neither or is malformed."""
    if scope["method"] == "GET":
        request = _from_query(scope["query_string"], headers)
    elif scope["method"] == "POST":
        _check_content(headers, body_bytes_max)
        message = await receive()
        body = _part(message, 0, body_bytes_max)
        request = _from_json(await _rest(receive, body, body_bytes_max) if message.get("more_body") else body)
    else:
        raise HttpRefusal(405, "METHOD_NOT_ALLOWED", "GraphQL is asked by POST, or a query by GET.", allow="GET, POST")
    position = headers.values.get(POSITION)
    if position is None or request.position is not None:
        return request
    return request._replace(position=position.decode("latin-1"))


def _check_content(headers: Headers, body_bytes_max: int) -> None:
    """Only JSON in UTF-8, not compressed, and not too long: a simple cross-site form can send none of it."""
    length = headers.values.get(b"content-length", b"")
    if length.isdigit() and int(length) > body_bytes_max:
        raise _too_large(body_bytes_max)
    told = headers.values.get(b"content-type", b"")
    (_check_media_type if len(told) <= SPELLING_LENGTH_MAX else _check_media_type.__wrapped__)(told)
    if b"content-encoding" in headers.values and headers.text(b"content-encoding").lower() not in {"", "identity"}:
        raise HttpRefusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the request without Content-Encoding.")


@lru_cache(SPELLINGS_KEPT)
def _check_media_type(told: bytes) -> None:
    media_type, *parameters = (part.strip().lower() for part in told.decode("latin-1").split(";"))
    if media_type != JSON:
        raise HttpRefusal(415, "UNSUPPORTED_MEDIA_TYPE", f"Send the request as {JSON}.")
    if any(part.startswith("charset=") and part[8:].strip('"') not in {"utf-8", "utf8"} for part in parameters):
        raise HttpRefusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the request in UTF-8.")


async def _rest(receive: Receive, first: bytes, body_bytes_max: int) -> bytes:
    """A body that comes in several parts, read no further than its bound."""
    parts, more = [first], True
    while more:
        message = await receive()
        parts.append(_part(message, sum(map(len, parts)), body_bytes_max))
        more = message.get("more_body", False)
    return b"".join(parts)


def _part(message: Message, before: int, body_bytes_max: int) -> bytes:
    """A part of a body, `before` which so many bytes came; HttpRefusal where it ends too early or too late."""
    if message["type"] == "http.disconnect":
        raise HttpRefusal(400, "DISCONNECTED", "The client went away.")
    part: bytes = message.get("body", b"")
    if before + len(part) > body_bytes_max:
        raise _too_large(body_bytes_max)
    return part


def _too_large(body_bytes_max: int) -> HttpRefusal:
    return HttpRefusal(413, "BODY_TOO_LARGE", f"A request body has at most {body_bytes_max} bytes.")


def _from_json(body: bytes) -> GraphQLRequest:
    """The request that a JSON body holds."""
    try:
        told = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        raise HttpRefusal(400, "MALFORMED_JSON", "The body is not JSON in UTF-8.") from None
    if isinstance(told, list):
        raise HttpRefusal(400, "BATCHING_NOT_ALLOWED", "Send one operation a request; lists of them are refused.")
    if not isinstance(told, dict):
        raise HttpRefusal(400, "BAD_REQUEST", 'The body is a JSON object such as {"query": "{ __typename }"}.')
    return request_of(told)


def _from_query(query_string: bytes, headers: Headers) -> GraphQLRequest:
    """The request that a GET's query string holds; only with a header that a cross-site link cannot send.

    It is a query: a mutation is never done by GET, which anyone may repeat.
    """
    meant = any(name in headers.values for name in PREFLIGHT_HEADERS)
    if not meant and headers.values.get(b"accept") != OF_EVENT_SOURCE:
        raise HttpRefusal(400, "PREFLIGHT_REQUIRED", "A query by GET needs the header `GraphQL-Require-Preflight: 1`.")
    try:
        sent = parse_qs(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise HttpRefusal(400, "BAD_REQUEST", "The query string is not UTF-8, or has too many fields.") from None
    told: dict[str, Any] = {name: values[0] for name, values in sent.items()}
    for name in ("variables", "extensions"):
        if name in told:
            told[name] = _json_parameter(name, told[name])
    return request_of(told)._replace(only_query=True)


def _json_parameter(name: str, text: str) -> Any:
    """A query string parameter that holds JSON; empty is as if it were not there."""
    try:
        return orjson.loads(text) if text else None
    except (orjson.JSONDecodeError, RecursionError):
        raise HttpRefusal(400, "MALFORMED_JSON", f"`{name}` is not JSON.") from None


def request_of(told: Mapping[str, Any]) -> GraphQLRequest:
    """The request of the fields that GraphQL over HTTP names; HttpRefusal where one is of another type."""
    query, variables, name = told.get("query"), told.get("variables"), told.get("operationName")
    document_id, extensions = told.get("documentId"), told.get("extensions")
    if query is not None and not isinstance(query, str):
        raise _bad(NO_QUERY)
    if variables is not None and not isinstance(variables, dict):
        raise _bad("`variables` is an object or null.")
    if name is not None and not isinstance(name, str):
        raise _bad("`operationName` is a text or null.")
    if document_id is not None or extensions is not None:
        return _extended(GraphQLRequest(query or "", variables or {}, name or None), document_id, extensions)
    if not query:
        raise _bad(NO_QUERY)
    return GraphQLRequest(query, variables or {}, name or None)


def _extended(request: GraphQLRequest, document_id: Any, extensions: Any) -> GraphQLRequest:
    """The request with what it says besides: its document's name, the caller's position, and if the cost is told."""
    if document_id is not None and not _is_name(document_id):
        raise _bad("`documentId` is a text with something in it.")
    if extensions is not None and not isinstance(extensions, dict):
        raise _bad("`extensions` is an object or null.")
    hashed, tells_cost = _asked_by(extensions or {})
    position = (extensions or {}).get("position")
    if document_id is None and hashed is None and not request.document:
        raise _bad(NO_QUERY)
    if document_id is not None and hashed is not None:
        raise _bad("Name a document by `documentId` or by its hash, not by both.")
    position = position if isinstance(position, str) else None
    return request._replace(document_id=document_id, sha256=hashed, tells_cost=tells_cost, position=position)


def _asked_by(extensions: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The hash of Apollo's persisted queries, and whether the answer is to tell what it costs."""
    persisted, cost = extensions.get("persistedQuery"), extensions.get("cost")
    if cost is not None and not isinstance(cost, bool):
        raise _bad("`extensions.cost` is true or false.")
    if persisted is None:
        return None, bool(cost)
    if not isinstance(persisted, dict) or not _is_name(persisted.get("sha256Hash")):
        raise _bad('`extensions.persistedQuery` is an object such as {"version": 1, "sha256Hash": "…"}.')
    version = persisted.get("version")
    if version != 1 or isinstance(version, bool):
        message = "`extensions.persistedQuery.version` is 1; there is no other here."
        raise HttpRefusal(400, "PERSISTED_QUERY_NOT_SUPPORTED", message)
    return persisted["sha256Hash"], bool(cost)


def _bad(message: str) -> HttpRefusal:
    return HttpRefusal(400, "BAD_REQUEST", message)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""
