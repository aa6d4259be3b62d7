"""From a mutation's input to the frozen request of its command: ids become keys, and every bound is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from app.kernel.choice import is_choice
from app.kernel.identity import ID_LENGTH_MAX, decode_id
from app.kernel.limits import NUMBER, TEXT, Between, Length, Limits
from app.kernel.refusal import InvalidInput
from schema.names import camel
from schema.operations import id_target
from schema.types import is_optional, without_none

KEY_OF_NOTHING = 0
"""No row has this key: an id that is malformed or of another type is answered as one that never was."""


@dataclass(frozen=True)
class Part:
    """One field of a request: its name in both languages, its type without None, and its bound."""

    name: str
    given_as: str
    kind: Any
    bound: Between | Length | None
    default: Any


@cache
def parts_of(request: type) -> tuple[Part, ...]:
    """The fields of a request, read from its annotations once."""
    hints = get_type_hints(request, include_extras=True)
    return tuple(_part(field, hints[field.name]) for field in fields(request))


def _part(field: Any, hint: Any) -> Part:
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    bounds = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Between | Length)]
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    plain = without_none(kind) if is_optional(kind) else kind
    return Part(field.name, camel(field.name), plain, bounds[0] if bounds else None, default)


def decoded(request: type, given: Mapping[str, Any], limits: Limits, *, at: str = "") -> Any:
    """The frozen `request` that the input `given` says; InvalidInput names the field and bound it breaks."""
    values = {}
    for part in parts_of(request):
        value = given.get(part.given_as)
        if value is None:
            values[part.name] = None if part.default is MISSING else part.default
        else:
            values[part.name] = _value(part.kind, value, part.bound, limits, f"{at}{part.name}")
    return request(**values)


def _value(kind: Any, value: Any, bound: Any, limits: Limits, at: str) -> Any:
    """One value as its Python type, within its bound."""
    if get_origin(kind) in (tuple, list, frozenset):
        return _items(kind, value, bound, limits, at)
    if id_target(kind):
        return key_of(str(id_target(kind)), value)
    if isinstance(kind, type) and is_dataclass(kind):
        return decoded(kind, value, limits, at=f"{at}.")
    if is_choice(kind):
        return kind(value)
    if isinstance(value, str):
        return bounded_text(value, bound or TEXT, at)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _number(value, bound or NUMBER, at)
    assert isinstance(value, bool | date | datetime)  # noqa: S101
    return value


def _items(kind: Any, value: Any, bound: Any, limits: Limits, at: str) -> Any:
    """A list within its bound, each item in its turn."""
    bound = bound or Length(0, limits.list_items_max)
    if not bound.low <= len(value) <= min(bound.high, limits.list_items_max):
        high = min(bound.high, limits.list_items_max)
        raise InvalidInput(f"This list has {len(value)} items; it takes {bound.low} to {high}.", field=at)
    item = get_args(kind)[0]
    inner = get_args(item)[0] if get_origin(item) is Annotated else item
    made = [_value(inner, each, None, limits, f"{at}.{index}") for index, each in enumerate(value)]
    return get_origin(kind)(made)


def key_of(node: str, value: str) -> int:
    """The key that an id of `node` names."""
    found = decode_id(value) if len(value) <= ID_LENGTH_MAX else None
    return found.key if found is not None and found.type_name == node else KEY_OF_NOTHING


def bounded_text(value: str, bound: Length, at: str) -> str:
    """A text within its bound, of whole characters that PostgreSQL can hold."""
    if not bound.low <= len(value) <= bound.high:
        raise InvalidInput(f"This text has {len(value)} characters; it takes {bound.low} to {bound.high}.", field=at)
    if "\0" in value or any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        raise InvalidInput("This text holds a NUL or half a character; leave it out.", field=at)
    return value


def _number(value: int | Decimal, bound: Between, at: str) -> int | Decimal:
    """A number within its bound."""
    if not bound.low <= value <= bound.high:
        raise InvalidInput(f"This is {value}; it must be from {bound.low} to {bound.high}.", field=at)
    return value
