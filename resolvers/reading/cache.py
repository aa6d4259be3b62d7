"""What is remembered of earlier requests: documents and plans, bounded, and safe from floods of new ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class ProvenCache(Generic[Kept]):
    """A cache of two halves: what came once may be pushed out by newcomers, what came twice only by what did too."""

    def __init__(self, size: int) -> None:
        self._newcomers: OrderedDict[Hashable, Kept] = OrderedDict()
        self._proven: OrderedDict[Hashable, Kept] = OrderedDict()
        self._half = max(1, size // 2)

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under `key`; being asked for again proves it."""
        found = self._proven.get(key)
        if found is not None:
            self._proven.move_to_end(key)
            return found
        found = self._newcomers.pop(key, None)
        if found is not None:
            self._keep(self._proven, key, found)
        return found

    def put(self, key: Hashable, value: Kept) -> None:
        """Keep `value` as a newcomer."""
        self._keep(self._newcomers, key, value)

    def __len__(self) -> int:
        return len(self._newcomers) + len(self._proven)

    def _keep(self, half: OrderedDict[Hashable, Kept], key: Hashable, value: Kept) -> None:
        half[key] = value
        if len(half) > self._half:
            half.popitem(last=False)
