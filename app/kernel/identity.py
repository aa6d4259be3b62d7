"""Global ids: opaque text that names a type and a row, and never changes form.

The text is base64 of `Type:key`, as Relay's reference implementation has it. PostgreSQL writes the same text for a
reading; `encode_id` writes it in Python.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import NamedTuple

KEY_MAX = 2**63 - 1
ID_LENGTH_MAX = 128
TOKEN_BYTES = 32


class GlobalId(NamedTuple):
    """What a global id says: the name of a type and the key of one of its rows."""

    type_name: str
    key: int


def encode_id(type_name: str, key: int) -> str:
    """The global id of the row `key` of the type `type_name`."""
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def decode_id(text: str) -> GlobalId | None:
    """What the global id `text` names, or None where it is not one of ours."""
    if len(text) > ID_LENGTH_MAX:
        return None
    try:
        type_name, _, digits = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    if not (digits.isdecimal() and 0 < int(digits) <= KEY_MAX) or encode_id(type_name, int(digits)) != text:
        return None
    return GlobalId(type_name, int(digits))


def unguessable_token() -> str:
    """A token that grants access to whoever holds it: 256 random bits, safe in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def random_bytes(count: int) -> bytes:
    """So many bytes that nobody can guess."""
    return secrets.token_bytes(count)


def token_hash(token: str) -> bytes:
    """What is kept of a token: it is random enough that one round of a fast hash hides it."""
    return hashlib.sha256(token.encode()).digest()
