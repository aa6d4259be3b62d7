"""Paging by keys: which columns place a row in an order, and which rows stand on one side of a cursor.

PostgreSQL counts null as greater than every value, whichever way it sorts. So the rows on one side of a cursor are a
few alternatives that exclude each other, and an index answers each: those whose keys compare as one row, and those that
are null where the cursor is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from resolvers.reading.shapes import SortKey
from resolvers.reading.sources import Slot

ALTERNATIVES_MAX = 8
"""More alternatives than this are one condition: reading them apart would cost more than it saves."""


@dataclass(frozen=True)
class Bound:
    """Columns compared with values as one row; or one column with null, where there are no values."""

    columns: tuple[str, ...]
    sign: str
    values: tuple[Slot, ...] = ()

    def never_null(self) -> frozenset[str]:
        """The columns that cannot be null where it holds."""
        if self.sign == "is null":
            return frozenset()
        return frozenset(self.columns if self.sign == "=" else self.columns[:1])

    def contradicts(self, other: Bound) -> bool:
        """Whether one of the two asks for null where the other does not."""
        both = ((self, other), (other, self))
        return any(one.sign == "is null" and one.columns[0] in two.never_null() for one, two in both)


Alternative = tuple[Bound, ...]
"""Bounds that hold together."""


@dataclass(frozen=True)
class Place:
    """One key of a cursor: its column, whether the rows that are looked for are greater, and its value unless null."""

    key: SortKey
    greater: bool
    slot: Slot | None


def keys(order: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
    """The columns that place a row in `order`, with its id last: no two rows stand in the same place."""
    named = [key.column for key in order]
    if "id" in named:
        return order[: named.index("id") + 1]
    return (*order, SortKey("id", order[-1].descending if order else False))


def signature(order: tuple[SortKey, ...]) -> str:
    """What a cursor says of the order it was made for."""
    return ",".join(f"{key.column}{'-' if key.descending else '+'}" for key in keys(order))


def side(
    order: tuple[SortKey, ...], cursor: tuple[Slot | None, ...], *, after: bool, inclusive: bool = False
) -> list[Alternative]:
    """The rows after a cursor, or before it; the row that it was made for among them if `inclusive`."""
    pairs = zip(keys(order), cursor, strict=True)
    places = tuple(Place(key, after is not key.descending, slot) for key, slot in pairs)
    return list(_side(places, (), inclusive=inclusive))


def within(one: list[Alternative], other: list[Alternative]) -> list[Alternative]:
    """The rows of both: each alternative of one with each of the other that it does not contradict."""
    pairs = ((first, second) for first in one for second in other)
    return [(*a, *b) for a, b in pairs if not any(x.contradicts(y) for x in a for y in b)]


def _side(places: tuple[Place, ...], equal: Alternative, *, inclusive: bool) -> Iterator[Alternative]:
    """The alternatives among rows that are `equal` in the keys before `places`."""
    first = places[0]
    if first.slot is None:
        column = (first.key.column,)
        if not first.greater:
            yield (*equal, Bound(column, "is not null"))
        yield from _side(places[1:], (*equal, Bound(column, "is null")), inclusive=inclusive)
        return
    run = tuple(takewhile(lambda place: place.slot is not None and place.greater is first.greater, places))
    rest = places[len(run) :]
    sign = (">" if first.greater else "<") + ("=" if inclusive and not rest else "")
    yield (*equal, _bound(run, sign))
    for index, place in enumerate(run):
        if place.key.nullable and first.greater:
            yield (*equal, *_equal(run[:index]), Bound((place.key.column,), "is null"))
    if rest:
        yield from _side(rest, (*equal, *_equal(run)), inclusive=inclusive)


def _equal(run: tuple[Place, ...]) -> Alternative:
    """The rows that have the values of `run`."""
    return (_bound(run, "="),) if run else ()


def _bound(run: tuple[Place, ...], sign: str) -> Bound:
    """The comparison of the keys of `run` with their values, as one row."""
    return Bound(tuple(place.key.column for place in run), sign, tuple(place.slot for place in run if place.slot))
