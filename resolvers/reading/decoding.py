"""From the values of a request to the values that a statement binds: ids to keys, tokens to hashes, text checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, get_type_hints

from app.kernel.clock import is_time_zone
from app.kernel.identity import decode_id, token_hash
from resolvers.errors import RequestError
from resolvers.reading.sources import Source, Variables
from schema.names import camel
from schema.types import without_none

TOLD_MAX = 60
"""So many characters of a wrong text are told in its error."""


def same(value: Any) -> Any:
    """A value that is bound as it is."""
    return value


def text(value: Any) -> Any:
    """A text that PostgreSQL can hold; RequestError where it holds a NUL or half a character."""
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise RequestError("BAD_USER_INPUT", "A text of this request holds a NUL or half a character; leave it out.")
    return value


def texts(values: Any) -> list[Any]:
    """Several texts that PostgreSQL can hold."""
    return [text(value) for value in values]


def time_zone(name: str) -> str:
    """The name of a time zone; RequestError where IANA names none so."""
    if not is_time_zone(name):
        told = f'There is no time zone {name[:TOLD_MAX]!r}; give one of IANA\'s names, such as "America/Sao_Paulo".'
        raise RequestError("BAD_USER_INPUT", told)
    return name


def hash_of_token(value: str) -> bytes:
    """The hash under which a token that grants access is kept."""
    return token_hash(text(value))


@cache
def key_of(node: str) -> Callable[[Any], int | None]:
    """The decoder of a global id of `node` to its key; None, which finds nothing, where it is not one."""
    return partial(_key_or_none, node)


@cache
def keys_to_match(node: str) -> Callable[[Any], Any]:
    """The decoder of ids of `node` in a filter: one or a list; RequestError where one is of another type."""
    return partial(_keys, node)


def _key_or_none(node: str, value: str) -> int | None:
    found = decode_id(value)
    return found.key if found is not None and found.type_name == node else None


def _keys(node: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_keys(node, item) for item in value]
    key = _key_or_none(node, value)
    if key is None:
        raise RequestError("INVALID_ID", f"A filter by id takes ids of {node} objects, and one of these is not.")
    return key


@dataclass(frozen=True)
class Item:
    """One item of a list that has a source."""

    whole: Source
    index: int

    def value(self, variables: Variables, viewer: Variables) -> Any:
        """The item in this request; None where the list is shorter, which another shape would have told."""
        items = self.whole.value(variables, viewer)
        return items[self.index]


@cache
def part_kind(kind: type, name: str) -> Any:
    """The Python type of the part of a value object that GraphQL calls `name`."""
    for field, hint in get_type_hints(kind).items():
        if camel(field) == name:
            return without_none(hint)
    raise KeyError(name)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
