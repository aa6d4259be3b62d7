"""Texts to search by: folded as the database folds what it holds, and made into patterns of LIKE."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from unicodedata import normalize

from app.kernel.limits import Limits
from resolvers.errors import RequestError, over_limit
from resolvers.reading.decoding import text

MARKS = re.compile("[\u0300-\u036f]")
"""What an accented letter has beside the letter, once they are taken apart."""
WILDCARDS = re.compile(r"([\\%_])")
LETTER = re.compile(r"[^\W_]")
RUN = re.compile(r"[^\W_]+")
WORDS_INDEXED = 4
"""So many of the longest words of a search are looked for by an index, in one look; a row must have them all."""
TRIGRAM = re.compile(r"[^\W_]{3}")
"""An index of trigrams finds a text by three letters or digits in a row, and one without them not at all."""


def folded(value: str) -> str:
    """`value` without accents; its case is left to PostgreSQL, which knows what it did to what it holds."""
    return MARKS.sub("", normalize("NFKD", text(value)))


def escaped(value: str) -> str:
    """`value`, folded, as a pattern of LIKE whose own wildcards are letters."""
    return WILDCARDS.sub(r"\\\1", folded(value))


def containing(value: str) -> str:
    """The pattern of texts that contain `value`."""
    return f"%{escaped(value)}%"


def beginning(value: str) -> str:
    """The pattern of texts that begin with `value`."""
    return f"{escaped(value)}%"


def begun(value: str) -> str:
    """The pattern of all the texts of a row where one begins with `value`: each has a space before it."""
    return f"% {escaped(value)}%"


@cache
def word(limits: Limits, place: int) -> Callable[[str], str]:
    """The decoder of a searched text to the pattern of one of its longest words, by which an index finds the rows."""
    return partial(_word, limits, place)


@cache
def every(limits: Limits) -> Callable[[str], str]:
    """The decoder of a searched text to the patterns of all its words, one a line, which a row must have."""
    return partial(_every, limits)


@cache
def word_if_any(limits: Limits, place: int) -> Callable[[str], str | None]:
    """The same for a search that may be too short for an index: None, which matches nothing."""
    return partial(_word_if_any, limits, place)


@cache
def whole(limits: Limits) -> Callable[[str], str]:
    """The decoder of a searched text to its folded form; RequestError where there is nothing in it, or too much."""
    return partial(_whole, limits)


def forms(value: str) -> list[str]:
    """A searched text as names and numbers may be written: as it is, in small letters, in capitals, or with one."""
    told = " ".join(text(value).split())
    return list(dict.fromkeys((told, told.lower(), told.upper(), told.title())))


def _whole(limits: Limits, value: str) -> str:
    told = " ".join(_words(limits, folded(value)))
    if not LETTER.search(told):
        raise RequestError("SEARCH_TOO_SHORT", "A search needs a letter or a digit, not none.", found=0, limit=1)
    return told


def _word_if_any(limits: Limits, place: int, value: str) -> str | None:
    return _word(limits, place, value) if any(TRIGRAM.search(folded(word)) for word in value.split()) else None


def _word(limits: Limits, place: int, value: str) -> str:
    found = sorted((word for word in _words(limits, value) if TRIGRAM.search(folded(word))), key=len, reverse=True)
    if not found:
        longest = max((len(run) for run in RUN.findall(folded(value))), default=0)
        message = f"A search needs three letters or digits in a row, and this has {longest}; `startsWith` takes less."
        raise RequestError("SEARCH_TOO_SHORT", message, found=longest, limit=3)
    return containing(found[min(place, len(found) - 1)])


def _every(limits: Limits, value: str) -> str:
    return "\n".join(containing(word) for word in _words(limits, value))


def _words(limits: Limits, value: str) -> list[str]:
    """The words of a searched text; RequestError with both numbers where it is too long."""
    told = (
        ("A search has too many characters", len(value), limits.search_characters_max),
        ("A search has too many words", len(words := value.split()), limits.search_words_max),
    )
    for what, found, limit in told:
        if found > limit:
            raise over_limit("SEARCH_TOO_LONG", what, found=found, limit=limit)
    return words
