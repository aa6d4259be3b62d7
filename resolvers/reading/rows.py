"""The JSON of rows: of one object, or of a list of them, whose values are expressions of the rows in scope.

A row's JSON is always made from a sub-select called `"{}"`, a name that no GraphQL key can have. `json_agg` over
`row_to_json` is the fastest of four forms measured.
"""

from __future__ import annotations

KEY_BYTES_MAX = 63
"""PostgreSQL cuts a longer name, so a longer response key is never the name of a column."""
Pairs = list[tuple[str, str]]
"""Response keys with the expressions of their values."""


def single(pairs: Pairs, tail: str) -> str:
    """The select of one object's JSON over the rows of `tail`."""
    if fits(pairs):
        return f'select row_to_json("{{}}") from (select {columns(pairs)} {tail}) "{{}}"'
    return f"select {spelled(pairs)} {tail}"


def rows(pairs: Pairs, tail: str) -> str:
    """The select of a list's JSON over the rows of `tail`."""
    if fits(pairs):
        return f'select coalesce(json_agg(row_to_json("{{}}")), \'[]\') from (select {columns(pairs)} {tail}) "{{}}"'
    return f'select coalesce(json_agg("{{}}".made), \'[]\') from (select {spelled(pairs)} as made {tail}) "{{}}"'


def fits(pairs: Pairs) -> bool:
    """Whether every response key can be the name of a column."""
    return all(len(key) <= KEY_BYTES_MAX for key, _ in pairs)


def columns(pairs: Pairs) -> str:
    """The select list whose names are the response keys."""
    return ", ".join(f'{sql} as "{key}"' for key, sql in pairs)


def spelled(pairs: Pairs) -> str:
    """The JSON of an object spelled out as text, for response keys too long to be names."""
    quoted = [(literal(f'"{key}":'), sql) for key, sql in pairs]
    parts = " || ',' || ".join(f"{key} || coalesce(to_json({sql})::text, 'null')" for key, sql in quoted)
    return f"('{{' || {parts} || '}}')::json"


def literal(text: str) -> str:
    """A text of our own or a GraphQL name as an SQL literal; nothing a request says is ever one."""
    if not all(character.isalnum() or character in '_":+-,.' for character in text):
        raise ValueError(f"{text!r} is no name")
    return f"'{text}'"
