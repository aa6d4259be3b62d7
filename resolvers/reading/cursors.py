"""Cursors of connections: where an edge stands, as the values of its sort keys, so that paging is by key and stable."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

import orjson

from resolvers.errors import RequestError
from schema.values import parse_decimal, parse_instant

CURSOR_LENGTH_MAX = 4_000
CURSORS_OPENED = 64
MALFORMED = (binascii.Error, ValueError, TypeError, OverflowError)
"""What goes wrong in opening a cursor that is not one of ours."""


def part_of(signature: str, kinds: tuple[type, ...], index: int) -> Callable[[Any], Any]:
    """The decoder of the `index`-th key of a cursor made for the order `signature` over keys of `kinds`."""
    return partial(_part, signature, kinds, index)


def nulls_in(text: Any) -> tuple[int, ...]:
    """Which keys of the cursor `text` are null, on which the SQL of a page depends; none where it is malformed."""
    try:
        _, *keys = _opened(text)
    except MALFORMED:
        return ()
    return tuple(index for index, key in enumerate(keys) if key is None)


def refused() -> RequestError:
    """The refusal of a cursor that we did not make, or made for another order."""
    message = "This cursor is not one of this list in this order; use a cursor that the list gave you, or none."
    return RequestError("INVALID_CURSOR", message)


def _part(signature: str, kinds: tuple[type, ...], index: int, text: str) -> Any:
    """One key of the cursor `text`; RequestError where the cursor is malformed or of another order."""
    try:
        made_for, *keys = _opened(text)
        if made_for != signature or len(keys) != len(kinds):
            raise ValueError("of another order")
        return _typed(keys[index], kinds[index])
    except MALFORMED:
        raise refused() from None


def _opened(text: str) -> tuple[Any, ...]:
    """What a cursor holds; ValueError where it is too long to be one of ours."""
    if len(text) > CURSOR_LENGTH_MAX:
        raise ValueError("too long")
    return _unwrapped(text)


@lru_cache(CURSORS_OPENED)
def _unwrapped(text: str) -> tuple[Any, ...]:
    """What a cursor holds, opened once for all of its keys."""
    return tuple(orjson.loads(base64.b64decode(text, validate=True)))


def _typed(value: Any, kind: type) -> Any:
    """A key of a cursor as the Python type that its column binds; ValueError where it is not one."""
    if kind is datetime:
        return parse_instant(value)
    if kind is date:
        return date.fromisoformat(value)
    if kind is Decimal and isinstance(value, str):
        return parse_decimal(value)
    if kind is Decimal or (kind is int and not (type(value) is int and abs(value) < 2**63)):
        raise ValueError("not a number")
    if kind is str and (not isinstance(value, str) or "\0" in value):
        raise ValueError("not a text")
    if kind is bool and not isinstance(value, bool):
        raise ValueError("not a truth value")
    return value
