"""Where the pieces that somebody wants are held: pure reckoning over what each location has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.inventory.tables import ReorderPointCrossing

LevelKey = tuple[int, int]
"""What names a stock level: its product and its location. Levels are always locked in the order of these."""


@dataclass(frozen=True, kw_only=True)
class LevelChange:
    """By how much the counts of one stock level change."""

    product_id: int
    location_id: int
    on_hand: int = 0
    held: int = 0
    incoming: int = 0

    @property
    def key(self) -> LevelKey:
        """The level that changes."""
        return (self.product_id, self.location_id)

    def __add__(self, other: LevelChange) -> LevelChange:
        """Both changes of the same level as one."""
        return LevelChange(
            product_id=self.product_id,
            location_id=self.location_id,
            on_hand=self.on_hand + other.on_hand,
            held=self.held + other.held,
            incoming=self.incoming + other.incoming,
        )

    def __bool__(self) -> bool:
        """Whether anything changes at all."""
        return bool(self.on_hand or self.held or self.incoming)


@dataclass(frozen=True, kw_only=True)
class Want:
    """Pieces that one order line wants held."""

    product_id: int
    quantity: int
    order_line_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a location could hold of a product; the lower its priority, the sooner it is asked."""

    product_id: int
    location_id: int
    available: int
    priority: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Pieces of a product that are held at a location for an order line."""

    product_id: int
    location_id: int
    quantity: int
    order_line_id: int | None = None


def is_low(available: int, reorder_point: int | None) -> bool:
    """Whether no more pieces are available than the reorder point; false where there is none."""
    return reorder_point is not None and available <= reorder_point


def crossing(*, was_low: bool, is_low: bool) -> ReorderPointCrossing | None:
    """How a level crossed its reorder point; None where it stayed on its side."""
    if was_low == is_low:
        return None
    return ReorderPointCrossing.DOWN if is_low else ReorderPointCrossing.UP


def merged(changes: Iterable[LevelChange]) -> list[LevelChange]:
    """The changes that have an effect, one for each level, in the order in which levels are locked."""
    sums: dict[LevelKey, LevelChange] = {}
    for change in changes:
        sums[change.key] = sums[change.key] + change if change.key in sums else change
    return [sums[key] for key in sorted(sums) if sums[key]]


def placed(wants: Sequence[Want], offers: Iterable[Offer]) -> list[list[Placement]]:
    """For each want, where its pieces are held: as many as there are, which may be fewer than wanted."""
    offered = defaultdict(list)
    for offer in sorted(offers, key=lambda offer: (offer.priority, offer.location_id)):
        offered[offer.product_id].append(offer)
    left = {(offer.product_id, offer.location_id): offer.available for rank in offered.values() for offer in rank}
    return [_placed_one(want, [offer.location_id for offer in offered[want.product_id]], left) for want in wants]


def _placed_one(want: Want, locations: Sequence[int], left: dict[LevelKey, int]) -> list[Placement]:
    """Where one want is held, taken from what is `left`: whole at the first location that can, else in their order."""
    whole = [place for place in locations if left[want.product_id, place] >= want.quantity]
    missing = want.quantity
    placements = []
    for place in whole[:1] or locations:
        taken = min(missing, left[want.product_id, place])
        if taken > 0:
            left[want.product_id, place] -= taken
            missing -= taken
            placements.append(
                Placement(
                    product_id=want.product_id,
                    location_id=place,
                    quantity=taken,
                    order_line_id=want.order_line_id,
                )
            )
    return placements
