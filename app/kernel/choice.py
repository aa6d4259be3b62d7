"""Choices: closed sets of named values, each with the sentence that explains it to a stranger."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self


class Choice(StrEnum):
    """A closed set of values. Members are written `NAME = "NAME", "What it means."`; the text is stored as it is."""

    doc: str

    def __new__(cls, value: str, doc: str) -> Self:
        """A member that is the text `value` and carries its explanation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.doc = doc
        return member


def is_choice(kind: Any) -> bool:
    """Whether an annotation is a closed set of values."""
    return isinstance(kind, type) and issubclass(kind, Choice)
