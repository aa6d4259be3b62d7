"""Reading the trusted documents from where the operator keeps them: what a client's build tool has written."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from app.server.failure import Failure
from app.server.settings import Settings

APOLLO_FORMAT = "apollo-persisted-query-manifest"
SETTING = "LADING_TRUSTED_DOCUMENTS"


def trusted_texts(settings: Settings) -> dict[str, str]:
    """The text of every trusted document by its id; Failure where they cannot be read."""
    place = settings.trusted_documents
    if place is None:
        return {}
    try:
        found = _of_folder(place) if place.is_dir() else _of_file(place)
    except OSError as wrong:
        raise Failure(f"{SETTING}: {place} cannot be read ({wrong.strerror or wrong}).") from wrong
    except UnicodeDecodeError as wrong:
        raise Failure(f"{SETTING}: {wrong.reason} in {place}, which must be UTF-8.") from wrong
    except ValueError as wrong:
        raise Failure(f"{SETTING}: {place} {wrong}.") from wrong
    if not found:
        raise Failure(f"{SETTING}: {place} holds no document.")
    return found


def _of_folder(folder: Path) -> dict[str, str]:
    """Every `.graphql` file of a folder and the folders in it, by the SHA-256 of its text."""
    texts = [path.read_bytes().decode() for path in sorted(folder.rglob("*.graphql")) if path.is_file()]
    return {sha256(text.encode()).hexdigest(): text for text in texts}


def _of_file(file: Path) -> dict[str, str]:
    """The documents of a JSON file: ids and texts, as Relay and codegen write them, or Apollo's manifest."""
    try:
        told = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as wrong:
        raise ValueError(f"is not JSON: {wrong}") from wrong
    if not isinstance(told, dict):
        raise ValueError("is neither an object of ids and texts nor Apollo's manifest")
    texts: dict[str, str] = {}
    for name, text in _of_manifest(told) if "format" in told else told.items():
        if not isinstance(name, str) or not isinstance(text, str) or not (name and text):
            raise ValueError(f"has no id or no text at {name!r}")
        if texts.setdefault(name, text) != text:
            raise ValueError(f"has two documents with the id {name!r}")
    return texts


def _of_manifest(told: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The ids and bodies of Apollo's manifest."""
    if (told["format"], told.get("version")) != (APOLLO_FORMAT, 1):
        raise ValueError(f"is no {APOLLO_FORMAT} of version 1")
    operations = told.get("operations")
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise ValueError("has no list of `operations`")
    yield from ((item.get("id"), item.get("body")) for item in operations)
