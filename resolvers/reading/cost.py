"""What an operation costs, before any SQL: one for each object that it may return. Evaluated on every request.

A plan's cost is a sum of products of page sizes. It is worked out once, as terms; a request only fills in the sizes,
so that nobody can have a plan remembered with short pages and then ask it for long ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from app.kernel.limits import Limits
from app.kernel.principal import STAFF, Role
from resolvers.errors import RequestError, over_limit
from resolvers.reading.shapes import (
    AllOf,
    EdgesPart,
    ListField,
    LookupField,
    NodesField,
    NodesPart,
    ObjectPlan,
    OneField,
    Plan,
)
from resolvers.reading.sources import Slot

Sizes = tuple[Slot, ...]
"""The sizes of the pages that a part of a plan lies in, from the outermost in."""
Terms = tuple[tuple[int, tuple[int, ...]], ...]
"""A sum of products: numbers, each with the places of the page sizes that multiply it."""


@dataclass(frozen=True)
class Budget:
    """What a plan costs and how many listed objects it may return, each as a sum of products of page sizes."""

    cost: Terms
    nodes: Terms
    sizes: Sizes

    def spent(self, variables: Mapping[str, Any], roles: frozenset[Role], limits: Limits) -> int:
        """The cost with these variables; RequestError with both numbers where a bound is passed."""
        given = [size.decode(size.source.value(variables, {})) for size in self.sizes]
        nodes, cost = _summed(self.nodes, given), _summed(self.cost, given)
        limit = limits.cost_max_staff if roles & STAFF else limits.cost_max
        if cost > limit:
            message = (
                f"This operation costs {cost}, your limit is {limit}: ask for shorter pages or fewer nested lists."
            )
            raise RequestError("COST_TOO_HIGH", message, cost=cost, limit=limit)
        if nodes > limits.nodes_max:
            raise over_limit("TOO_MANY_NODES", "Too many objects in one answer", found=nodes, limit=limits.nodes_max)
        return cost


def budget_of(plan: Plan | ObjectPlan) -> Budget:
    """The budget of a plan."""
    cost: Counter[Sizes] = Counter()
    nodes: Counter[Sizes] = Counter()
    for part in plan.roots if isinstance(plan, Plan) else (plan,):
        for sizes, weight, listed in _terms(part, ()):
            cost[sizes] += weight
            nodes[sizes] += listed
    sizes = tuple(dict.fromkeys(size for places in (cost, nodes) for place in places for size in place))
    return Budget(_placed(cost, sizes), _placed(nodes, sizes), sizes)


def bounded_depth(plan: Plan, limits: Limits) -> int:
    """How many objects deep `plan` goes; RequestError with both numbers where that is too deep."""
    depth = max((_depth(root) for root in plan.roots), default=0)
    if depth > limits.depth_max:
        raise over_limit("TOO_DEEP", "The selection is nested too deep", found=depth, limit=limits.depth_max)
    return depth


def _placed(weights: Mapping[Sizes, int], sizes: Sizes) -> Terms:
    """The terms of `weights`, which name page sizes by their place among `sizes`."""
    return tuple((weight, tuple(sizes.index(size) for size in inside)) for inside, weight in weights.items() if weight)


def _summed(terms: Terms, given: list[int]) -> int:
    """The sum of products that terms stand for."""
    return sum(weight * prod([given[place] for place in places]) for weight, places in terms)


def _terms(part: Any, sizes: Sizes) -> Iterator[tuple[Sizes, int, int]]:
    """The cost and the listed objects of a part, at each depth of pages that it reaches."""
    match part:
        case ListField():
            inside = (*sizes, part.page.size)
            yield sizes, 1 + len(_parts_of(part.where)), 0
            yield inside, 0, any(isinstance(inner, NodesPart | EdgesPart) for inner in part.parts)
            for inner in part.parts:
                yield from _terms(inner, inside)
        case OneField() | LookupField() | NodesPart():
            yield from _terms(part.shows, sizes)
        case EdgesPart():
            yield sizes, 1, 0
            for _, inner in part.parts:
                yield from _terms(inner, sizes)
        case NodesField():
            for item in part.items:
                yield from _terms(item, sizes)
        case ObjectPlan():
            yield sizes, 1, 0
            for field in part.fields:
                yield from _terms(field, sizes)


def _depth(part: Any) -> int:
    match part:
        case ListField():
            return max((_depth(inner) for inner in part.parts), default=0)
        case EdgesPart():
            return max((_depth(inner) for _, inner in part.parts), default=0)
        case OneField() | LookupField() | NodesPart():
            return _depth(part.shows)
        case NodesField():
            return max((_depth(item) for item in part.items), default=0)
        case ObjectPlan():
            return 1 + max((_depth(field) for field in part.fields), default=0)
        case _:
            return 0


def _parts_of(where: Any) -> tuple[Any, ...]:
    return where.parts if isinstance(where, AllOf) else ()
