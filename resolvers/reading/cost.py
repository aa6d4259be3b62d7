"""What an operation costs, before any SQL: one for each object that it may return.

The sizes of its pages are part of what a plan is made for, so that a plan has one cost, worked out once; nobody can
have a plan remembered with short pages and then ask it for long ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.kernel.limits import Limits
from app.kernel.principal import STAFF, Role
from resolvers.errors import RequestError, over_limit
from resolvers.reading.shapes import (
    AllOf,
    AnyOf,
    Compare,
    EdgesPart,
    ListField,
    LookupField,
    NodesField,
    NodesPart,
    Not,
    ObjectPlan,
    OneField,
    Plan,
    Related,
)


@dataclass(frozen=True)
class Budget:
    """What a plan costs, and how many listed objects it may return."""

    cost: int
    nodes: int

    def spent(self, roles: frozenset[Role], limits: Limits) -> int:
        """The cost; RequestError with both numbers where a bound is passed."""
        limit = limits.cost_max_staff if roles & STAFF else limits.cost_max
        if self.cost > limit:
            message = (
                f"This operation costs {self.cost}, your limit is {limit}: ask for shorter pages or fewer nested lists."
            )
            raise RequestError("COST_TOO_HIGH", message, cost=self.cost, limit=limit)
        if self.nodes > limits.nodes_max:
            told = "Too many objects in one answer"
            raise over_limit("TOO_MANY_NODES", told, found=self.nodes, limit=limits.nodes_max)
        return self.cost


def budget_of(plan: Plan | ObjectPlan) -> Budget:
    """The budget of a plan."""
    parts = plan.roots if isinstance(plan, Plan) else (plan,)
    terms = [term for part in parts for term in _terms(part, 1)]
    return Budget(sum(cost for cost, _ in terms), sum(nodes for _, nodes in terms))


def bounded_depth(plan: Plan, limits: Limits) -> int:
    """How many objects deep `plan` goes; RequestError with both numbers where that is too deep."""
    depth = max((_depth(root) for root in plan.roots), default=0)
    if depth > limits.depth_max:
        raise over_limit("TOO_DEEP", "The selection is nested too deep", found=depth, limit=limits.depth_max)
    return depth


def _terms(part: Any, times: int) -> Iterator[tuple[int, int]]:
    """The cost and the listed objects of a part that is read `times` times, and of all within it."""
    match part:
        case ListField():
            listed = times * part.page.size
            yield times * (1 + _conditions(part.where)), 0
            yield 0, listed if any(isinstance(inner, NodesPart | EdgesPart) for inner in part.parts) else 0
            for inner in part.parts:
                yield from _terms(inner, listed)
        case OneField() | LookupField() | NodesPart():
            yield from _terms(part.shows, times)
        case EdgesPart():
            yield times, 0
            for _, inner in part.parts:
                yield from _terms(inner, times)
        case NodesField():
            for item in part.items:
                yield from _terms(item, times)
        case ObjectPlan():
            yield times, 0
            for field in part.fields:
                yield from _terms(field, times)


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


def _conditions(where: Any) -> int:
    """How many comparisons and looks at other rows a filter has."""
    match where:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return sum(_conditions(part) for part in parts)
        case Not(part=part):
            return _conditions(part)
        case Related(part=part):
            return 1 + _conditions(part)
        case Compare():
            return 1
    return 0
