"""The rules of the tree of locations: what may lie inside what, and how paths are made."""

from __future__ import annotations

from collections.abc import Mapping

from app.locations.tables import LocationKind

DEPTH_MAX = 12
"""Places on one path; deeper trees are mistakes."""

INSIDE_SITES = frozenset({LocationKind.ZONE, LocationKind.AISLE, LocationKind.BIN})
"""The kinds of place that are only ever a part of a site."""
SITES = frozenset(LocationKind) - INSIDE_SITES
"""The kinds of place that may stand alone."""

MAY_HOLD: Mapping[LocationKind, frozenset[LocationKind]] = {
    **dict.fromkeys(SITES, frozenset(LocationKind)),
    LocationKind.ZONE: INSIDE_SITES,
    LocationKind.AISLE: frozenset({LocationKind.BIN}),
    LocationKind.BIN: frozenset(),
}
"""What kinds of place may lie directly inside each kind."""


def fits(kind: LocationKind, inside: LocationKind | None) -> bool:
    """Whether a place of `kind` may lie directly inside one of the kind `inside`, or alone where that is None."""
    return kind in SITES if inside is None else kind in MAY_HOLD[inside]


def is_code(text: str) -> bool:
    """Whether `text` may name a place on a path: no slashes, no spaces, not empty."""
    return bool(text) and "/" not in text and not any(letter.isspace() for letter in text)


def path_of(code: str, parent_path: str | None = None) -> str:
    """The path of the place `code` inside the place with `parent_path`."""
    return f"{parent_path or '/'}{code}/"


def depth_of(path: str) -> int:
    """How many places `path` names."""
    return path.count("/") - 1
