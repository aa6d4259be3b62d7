"""What an operation costs, before any SQL: one for each object that it may return. Evaluated on every request."""

from __future__ import annotations

from collections.abc import Mapping
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


def bounded_cost(plan: Plan, variables: Mapping[str, Any], roles: frozenset[Role], limits: Limits) -> int:
    """The cost of `plan` with these variables; RequestError with both numbers where it is over the caller's budget."""
    cost = sum(_cost(root, variables) for root in plan.roots)
    limit = limits.cost_max_staff if roles & STAFF else limits.cost_max
    if cost > limit:
        message = f"This operation costs {cost}, your limit is {limit}: ask for shorter pages or fewer nested lists."
        raise RequestError("COST_TOO_HIGH", message, cost=cost, limit=limit)
    return cost


def bounded_depth(plan: Plan, limits: Limits) -> int:
    """How many objects deep `plan` goes; RequestError with both numbers where that is too deep."""
    depth = max((_depth(root) for root in plan.roots), default=0)
    if depth > limits.depth_max:
        raise over_limit("TOO_DEEP", "The selection is nested too deep", found=depth, limit=limits.depth_max)
    return depth


def _cost(part: Any, variables: Mapping[str, Any]) -> int:
    match part:
        case ListField():
            size = part.page.size
            rows = max(1, size.decode(size.source.value(variables, {})))
            inner = sum(_cost(shown, variables) for shown in part.parts)
            return int(1 + rows * inner + len(_parts_of(part.where)))
        case OneField() | LookupField() | NodesPart():
            return _cost(part.shows, variables)
        case EdgesPart():
            return 1 + sum(_cost(inner, variables) for _, inner in part.parts)
        case NodesField():
            return sum(_cost(item, variables) for item in part.items)
        case ObjectPlan():
            return 1 + sum(_cost(field, variables) for field in part.fields)
        case _:
            return 0


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
