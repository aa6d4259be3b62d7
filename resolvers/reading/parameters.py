"""The parameters of one statement: each slot numbered once, however often it is used."""

from __future__ import annotations

from resolvers.reading.decoding import same
from resolvers.reading.expressions import VIEWER_MARK
from resolvers.reading.sources import FromViewer, Slot

Slots = tuple[Slot, ...]


class Parameters:
    """Numbers slots as they are used."""

    def __init__(self) -> None:
        self._numbers: dict[Slot, int] = {}

    def add(self, slot: Slot) -> str:
        """The parameter of `slot` with its type."""
        number = self._numbers.setdefault(slot, len(self._numbers) + 1)
        return f"${number}::{slot.sql_type}"

    def numbered(self, text: str) -> str:
        """`text` with its viewer marks as parameters."""
        return VIEWER_MARK.sub(lambda mark: self.add(Slot(FromViewer(mark[1]), same, "bigint")), text)

    def slots(self) -> Slots:
        """Every slot in the order of its number."""
        return tuple(self._numbers)
