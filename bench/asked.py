"""What one read is: its documents, and the variables that it is asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VARIANTS = 50
"""So many different sets of variables each read is asked with, in turn."""
PAGE = 20
"""The rows of an ordinary page."""


@dataclass(frozen=True)
class Walk:
    """Pages of a list, whose cursors each server makes itself: a document that answers one page and its end."""

    ours: str
    theirs: str
    root: str
    their_root: str
    pages: int = VARIANTS


@dataclass(frozen=True)
class Read:
    """One read: its documents, and either the pages that it asks for or SQL that answers its variables, row by row.

    `stock` is the document of the stock server where that is not ours, and `told` makes answers comparable whose rows
    do not tell themselves apart by their natural keys.
    """

    name: str
    title: str
    ours: str
    theirs: str
    source: Walk | str
    stock: str | None = None
    told: Callable[[Any], Any] | None = None

    def document(self, server: str) -> str:
        """What the server of that name is asked."""
        if server == "postgraphile":
            return self.theirs
        return self.stock or self.ours if server == "stock_strawberry" else self.ours


Bodies = dict[str, list[dict[str, Any]]]
"""Request bodies by the name of their read."""
