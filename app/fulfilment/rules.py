"""Rules of warehouse work: which locations serve an order and why, what may be done when, and how much is picked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from math import asin, cos, inf, radians, sin, sqrt
from typing import Annotated

from app.catalog.tables import ProductId
from app.fulfilment.tables import FulfilmentAction, FulfilmentStatus, SourcingVerdict
from app.locations.tables import LocationId
from app.orders.tables import OrderLineId

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the earth by the IUGG."""
SPLITS_SEARCHED_MAX = 3
"""Up to so many locations the best set is searched for exhaustively; beyond that they are taken greedily."""
PLACES_SEARCHED_MAX = 40
"""How many of the nearest places take part in that search, which bounds it to about ten thousand sets."""

ALLOWED: Mapping[FulfilmentStatus, frozenset[FulfilmentAction]] = {
    FulfilmentStatus.ALLOCATED: frozenset({FulfilmentAction.PICK, FulfilmentAction.CANCEL}),
    FulfilmentStatus.PICKING: frozenset({FulfilmentAction.PICK, FulfilmentAction.PACK, FulfilmentAction.CANCEL}),
    FulfilmentStatus.PICKED: frozenset({FulfilmentAction.PACK, FulfilmentAction.SHIP, FulfilmentAction.CANCEL}),
    FulfilmentStatus.PACKED: frozenset({FulfilmentAction.SHIP, FulfilmentAction.CANCEL}),
    FulfilmentStatus.SHIPPED: frozenset(),
    FulfilmentStatus.CANCELLED: frozenset(),
}
"""What may be done with a fulfilment, by its status."""


@dataclass(frozen=True)
class Point:
    """A point on the earth, in degrees."""

    latitude: Decimal
    longitude: Decimal


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one order line still lacks."""

    order_line_id: OrderLineId
    product_id: ProductId
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """A location that may serve orders, and how many pieces of each needed product it can give."""

    location_id: LocationId
    point: Point | None
    priority: int
    pieces: Mapping[ProductId, int]


@dataclass(frozen=True, kw_only=True)
class Picked:
    """How far one line of a fulfilment is: pieces to pick, picked, not found, and packed."""

    quantity: int
    picked: int
    short: int
    packed: int


@dataclass(frozen=True, kw_only=True)
class SourcingShare:
    """How many pieces of an order line a location is to serve."""

    order_line_id: OrderLineId
    product_id: ProductId
    quantity: Annotated[int, "How many pieces of the line."]


@dataclass(frozen=True, kw_only=True)
class SourcingShortage:
    """How many pieces of a product no location can give."""

    product_id: ProductId
    quantity: Annotated[int, "How many pieces are missing."]


@dataclass(frozen=True, kw_only=True)
class SourcingCandidate:
    """A location that was weighed: how far it is, what became of it, and what it is to serve where it was chosen."""

    location_id: LocationId
    verdict: Annotated[SourcingVerdict, "Whether it was chosen, or why not."]
    distance_km: Annotated[Decimal | None, "Kilometres to the destination as the crow flies; null where unknown."]
    pieces: Annotated[int, "How many of the pieces still needed it could give."]
    shares: Annotated[tuple[SourcingShare, ...], "What it is to serve, where it was chosen."] = ()


@dataclass(frozen=True, kw_only=True)
class SourcingPlan:
    """Which locations are to serve an order, every location that was weighed and why, and what nobody can give."""

    candidates: Annotated[tuple[SourcingCandidate, ...], "Every location that was weighed, the nearest first."]
    shortages: Annotated[tuple[SourcingShortage, ...], "What no location can give."]

    @property
    def chosen(self) -> tuple[SourcingCandidate, ...]:
        """The locations that are to serve the order, nearest first."""
        return tuple(place for place in self.candidates if place.verdict is SourcingVerdict.CHOSEN)


def distance_km(here: Point | None, there: Point | None) -> Decimal | None:
    """The great-circle distance of two points, to the metre; None where one of them is not known.

    The haversine formula, which keeps its precision over short distances: R. W. Sinnott, "Virtues of the Haversine",
    Sky and Telescope 68 (2), 1984, page 159. The earth is taken as a sphere of its mean radius (error up to 0.6 %).
    """
    if here is None or there is None:
        return None
    here_latitude, there_latitude = radians(here.latitude), radians(there.latitude)
    across = sin((there_latitude - here_latitude) / 2) ** 2
    along = sin(radians(there.longitude - here.longitude) / 2) ** 2
    chord = min(1.0, across + cos(here_latitude) * cos(there_latitude) * along)
    return Decimal(2 * EARTH_RADIUS_KM * asin(sqrt(chord))).quantize(Decimal("0.001"))


def source(needs: Sequence[Need], places: Iterable[Place], destination: Point | None) -> SourcingPlan:
    """Choose who serves `needs`: the fewest locations, and of those the nearest; unknown distances come last."""
    ranked = sorted(places, key=lambda place: _rank(place, destination))
    wanted = _wanted(needs)
    able = [place for place in ranked if _useful(place, wanted)]
    chosen = _fewest_and_nearest(able, wanted, destination) or _greedy(able, wanted)
    shares, missing = _share_out(needs, chosen)
    candidates = tuple(
        SourcingCandidate(
            location_id=place.location_id,
            distance_km=distance_km(place.point, destination),
            verdict=_verdict(place, chosen, wanted, destination),
            pieces=_useful(place, wanted),
            shares=tuple(shares.get(place.location_id, ())),
        )
        for place in ranked
    )
    shortages = tuple(SourcingShortage(product_id=product, quantity=missing[product]) for product in sorted(missing))
    return SourcingPlan(candidates=candidates, shortages=shortages)


def _rank(place: Place, destination: Point | None) -> tuple[float, int, int]:
    """Nearest first, unknown last; then by the location's own priority, then by age."""
    away = distance_km(place.point, destination)
    return (inf if away is None else float(away), place.priority, place.location_id)


def _wanted(needs: Iterable[Need]) -> dict[ProductId, int]:
    """How many pieces of each product are needed in all."""
    wanted: dict[ProductId, int] = {}
    for need in needs:
        wanted[need.product_id] = wanted.get(need.product_id, 0) + need.quantity
    return wanted


def _useful(place: Place, wanted: Mapping[ProductId, int]) -> int:
    """How many of the wanted pieces the place can give."""
    return sum(min(quantity, place.pieces.get(product, 0)) for product, quantity in wanted.items())


def _suffices(places: Iterable[Place], wanted: Mapping[ProductId, int]) -> bool:
    """Whether the places together can give all that is wanted."""
    together = tuple(places)
    return all(
        sum(place.pieces.get(product, 0) for place in together) >= quantity for product, quantity in wanted.items()
    )


def _fewest_and_nearest(
    able: Sequence[Place], wanted: Mapping[ProductId, int], destination: Point | None
) -> list[Place]:
    """The smallest set of places that suffices, and of the smallest the nearest in sum; empty where none is found."""
    for size in range(1, SPLITS_SEARCHED_MAX + 1):
        searched = able if size == 1 else able[:PLACES_SEARCHED_MAX]
        sufficient = [places for places in combinations(searched, size) if _suffices(places, wanted)]
        if sufficient:
            ranks = {place.location_id: _rank(place, destination) for place in searched}
            return list(
                min(sufficient, key=lambda places: _rank_of_set([ranks[place.location_id] for place in places]))
            )
    return []


def _rank_of_set(ranks: Sequence[tuple[float, int, int]]) -> tuple[int, float, int, list[int]]:
    """Fewest unknown distances first, then the smallest sum of the known, then of the priorities, then by age."""
    known = [away for away, _, _ in ranks if away != inf]
    return (len(ranks) - len(known), sum(known), sum(rank[1] for rank in ranks), [rank[2] for rank in ranks])


def _greedy(able: Sequence[Place], wanted: Mapping[ProductId, int]) -> list[Place]:
    """Places taken one by one, each the one that gives most of what is still wanted; nearest of equals."""
    left, lacking, chosen = list(able), dict(wanted), list[Place]()
    while left and any(lacking.values()):
        best = max(left, key=lambda place: _useful(place, lacking))
        if not _useful(best, lacking):
            break
        left.remove(best)
        chosen.append(best)
        lacking = {product: max(0, quantity - best.pieces.get(product, 0)) for product, quantity in lacking.items()}
    return chosen


def _share_out(
    needs: Sequence[Need], chosen: Sequence[Place]
) -> tuple[dict[LocationId, list[SourcingShare]], dict[ProductId, int]]:
    """Who serves how much of each need, the nearest as much as it can; and what nobody has, by product."""
    left = {place.location_id: dict(place.pieces) for place in chosen}
    shares: dict[LocationId, list[SourcingShare]] = {}
    missing: dict[ProductId, int] = {}
    for need in needs:
        lacking = need.quantity
        for place in chosen:
            given = min(lacking, left[place.location_id].get(need.product_id, 0))
            if given > 0:
                left[place.location_id][need.product_id] -= given
                shares.setdefault(place.location_id, []).append(
                    SourcingShare(order_line_id=need.order_line_id, product_id=need.product_id, quantity=given)
                )
                lacking -= given
        if lacking:
            missing[need.product_id] = missing.get(need.product_id, 0) + lacking
    return shares, missing


def _verdict(
    place: Place, chosen: Sequence[Place], wanted: Mapping[ProductId, int], destination: Point | None
) -> SourcingVerdict:
    """Why the place was chosen or not."""
    if place in chosen:
        return SourcingVerdict.CHOSEN
    if not _useful(place, wanted):
        return SourcingVerdict.NO_STOCK
    if len(chosen) == 1 and not _suffices([place], wanted):
        return SourcingVerdict.WOULD_SPLIT
    if distance_km(place.point, destination) is None:
        return SourcingVerdict.DISTANCE_UNKNOWN
    return SourcingVerdict.NOT_NEARER


def may(action: FulfilmentAction, status: FulfilmentStatus) -> bool:
    """Whether `action` may be done with a fulfilment in `status`."""
    return action in ALLOWED[status]


def progress(lines: Iterable[Picked]) -> FulfilmentStatus:
    """The status that picking and packing have come to; CANCELLED where picking ended with nothing at all."""
    all_lines = tuple(lines)
    if any(line.quantity > line.picked + line.short for line in all_lines):
        return FulfilmentStatus.PICKING if any(line.picked for line in all_lines) else FulfilmentStatus.ALLOCATED
    if not any(line.picked for line in all_lines):
        return FulfilmentStatus.CANCELLED
    packed = all(line.packed == line.picked for line in all_lines)
    return FulfilmentStatus.PACKED if packed else FulfilmentStatus.PICKED
