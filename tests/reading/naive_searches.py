"""Texts searched simply: what a search is for, and which rows it finds."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from app.kernel.principal import Principal
from resolvers.reading.hits import is_sorted
from schema.nodes import NodeType

if TYPE_CHECKING:
    from tests.reading.naive_world import World

WORDS = ("cup", "CÚP", "avila", "fast", "lading", "armel", "lading.example")
"""Words of three letters or more, each in some row."""


def folded(text: str) -> str:
    """A text without accents and in small letters."""
    return "".join(each for each in normalize("NFKD", text) if not "\u0300" <= each <= "\u036f").lower()


def found_by(search: str, row: Mapping[str, Any], node: NodeType) -> bool:
    """Whether every word of a search occurs in one of the searched texts of a row."""
    texts = [folded(row[column] or "") for column in node.search]
    return all(any(folded(word) in text for text in texts) for word in search.split())


def hits(world: World, arguments: Mapping[str, Any], caller: Principal) -> list[tuple[str, int]]:
    """What a search finds, each by its node and key, the best first; of equals by their nodes, the newest first."""
    search, kinds = arguments["text"], arguments.get("types")
    nodes = [node for name, node in world.graph.searched.items() if kinds is None or name in kinds]
    found = [
        (-how_well, place, -row["id"])
        for place, node in enumerate(nodes)
        for row in world.rows[node.name].values()
        if row["id"] in world.seen[node.name, caller] and (how_well := matching(search, row, node)) is not None
    ]
    return [(nodes[place].name, -key) for _, place, key in sorted(found)]


def matching(search: str, row: Mapping[str, Any], node: NodeType) -> float | None:
    """How well a row matches a search, if it does: by all words, or by what one of its natural keys begins with."""
    text = " ".join(search.split())
    forms = (text, text.lower(), text.upper(), text.title())
    begun = any(str(row[column] or "").startswith(forms) for column in node.search if is_sorted(node, column))
    indexed = any(re.search(r"[^\W_]{3}", folded(word)) for word in text.split())
    if not begun and not (indexed and found_by(search, row, node)):
        return None
    return max(alike(folded(text), folded(row[column])) for column in node.search if row[column] is not None)


def alike(sought: str, text: str) -> float:
    """How well a text matches another: it is the same, begins so, or has so many of the same trigrams."""
    mine, its = trigrams(sought), trigrams(text)
    (shared,) = struct.unpack("f", struct.pack("f", len(mine & its) / len(mine | its)))
    return (3 if text == sought else 2 if text.startswith(sought) else 0) + float(shared)


def trigrams(text: str) -> set[str]:
    """The trigrams of the words of a text, each with two spaces before it and one after."""
    padded = [f"  {word} " for word in re.findall(r"[^\W_]+", text)]
    return {word[place : place + 3] for word in padded for place in range(len(word) - 2)}


def words_of(chance: Random, rows: Mapping[int, Mapping[str, Any]], node: NodeType) -> str:
    """A search for one of `rows`: words that it has, whole or in part, of which one is long enough."""
    row = rows[chance.choice(tuple(rows))]
    words = " ".join(str(row[column]) for column in node.search if row[column]).split()
    parts = [chance.choice((word, word.swapcase(), word[1:], word[:2])) for word in chance.choices(words, k=2)]
    return " ".join([*parts[: chance.randint(0, 2)], chance.choice(WORDS)])
