"""What an operation costs, before any SQL: one for each object that it may return, and more for reading many rows.

The sizes of its pages are part of what a plan is made for, so that a plan has one cost, worked out once; nobody can
have a plan remembered with short pages and then ask it for long ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from app.kernel.limits import Limits
from app.kernel.principal import STAFF, Role
from resolvers.errors import RequestError, over_limit
from resolvers.reading.shapes import (
    AllOf,
    AnyOf,
    Compare,
    CountPart,
    EdgesPart,
    FoundPart,
    GroupsPart,
    ListField,
    LookupField,
    Matches,
    NodesField,
    NodesPart,
    Not,
    ObjectPlan,
    OneField,
    OneOfField,
    Plan,
    Related,
    SearchField,
)

SEARCH_COST = 10
"""What looking for the candidates of one node costs: up to two hundred rows are compared with what is sought."""


COUNT_COST = 20
"""What counting a list costs, as much as a page of this length: it may read every row that matches."""
GROUPS_COST = 50
"""What grouping a list costs besides its groups: it reads the same rows, and sorts, sums and keeps them apart."""


@dataclass(frozen=True)
class Budget:
    """What a plan costs, and how many listed objects it may return."""

    cost: int
    nodes: int

    def told(self, roles: frozenset[Role], limits: Limits) -> dict[str, int]:
        """Both numbers, each beside what callers with `roles` may spend, as `extensions.cost` tells them."""
        limit = limits.cost_max_staff if roles & STAFF else limits.cost_max
        return {"requested": self.cost, "limit": limit, "objects": self.nodes, "objectsLimit": limits.nodes_max}

    def spent(self, roles: frozenset[Role], limits: Limits) -> int:
        """The cost; RequestError with both numbers where a bound is passed."""
        told = self.told(roles, limits)
        limit = told["limit"]
        if self.cost > limit:
            message = (
                f"This operation costs {self.cost}, your limit is {limit}: ask for shorter pages or fewer nested lists."
            )
            refusal = RequestError("COST_TOO_HIGH", message, cost=self.cost, limit=limit)
        elif self.nodes > limits.nodes_max:
            what = "Too many objects in one answer"
            refusal = over_limit("TOO_MANY_NODES", what, found=self.nodes, limit=limits.nodes_max)
        else:
            return self.cost
        refusal.cost = told
        raise refusal


def total_of(budgets: Iterable[Budget]) -> Budget:
    """What several readings cost together."""
    each = list(budgets)
    return Budget(sum(budget.cost for budget in each), sum(budget.nodes for budget in each))


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
            yield from _of_list(part, times)
        case OneField() | LookupField() | NodesPart():
            yield from _terms(part.shows, times)
        case OneOfField(branches=branches):
            yield _dearest(branches, times)
        case SearchField():
            yield from _of_search(part)
        case EdgesPart():
            yield times, 0
            for _, inner in part.parts:
                yield from _terms(inner, times)
        case NodesField():
            yield from (term for item in part.items for term in _terms(item, times))
        case ObjectPlan():
            yield times, 0
            for field in part.fields:
                yield from _terms(field, times)


def _of_search(part: SearchField) -> Iterator[tuple[int, int]]:
    """The same of a search: looking for candidates costs something for each node, whatever is found."""
    yield SEARCH_COST * len(part.nodes), 0
    for inner in part.parts:
        if isinstance(inner, FoundPart):
            yield 0, part.size
            yield _dearest(inner.shows, part.size)


def _dearest(branches: Iterable[Any], times: int) -> tuple[int, int]:
    """The most that one of several branches costs and lists, for only one of them is shown."""
    each = [list(_terms(branch, times)) for branch in branches]
    costs = [sum(cost for cost, _ in terms) for terms in each]
    return max(costs, default=0), max((sum(nodes for _, nodes in terms) for terms in each), default=0)


def _of_list(part: ListField, times: int) -> Iterator[tuple[int, int]]:
    """The same of a list: what a row shows counts for each of its page, what a group shows for each group."""
    listed = times * part.page.size
    yield times * (1 + _conditions(part.where)), 0
    yield 0, listed if any(isinstance(inner, NodesPart | EdgesPart) for inner in part.parts) else 0
    for inner in part.parts:
        if isinstance(inner, GroupsPart):
            grouped = times * inner.size
            yield times * GROUPS_COST + grouped, grouped
            for field in inner.fields:
                yield from _terms(field, grouped)
        elif isinstance(inner, CountPart):
            yield times * COUNT_COST, 0
        else:
            yield from _terms(inner, listed)


def _depth(part: Any) -> int:
    match part:
        case ListField():
            return max((_depth(inner) for inner in part.parts), default=0)
        case EdgesPart():
            return max((_depth(inner) for _, inner in part.parts), default=0)
        case OneField() | LookupField() | NodesPart():
            return _depth(part.shows)
        case OneOfField(branches=branches) | SearchField(parts=branches) | FoundPart(shows=branches):
            return max((_depth(branch) for branch in branches), default=0)
        case NodesField():
            return max((_depth(item) for item in part.items), default=0)
        case ObjectPlan() | GroupsPart():
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
        case Compare() | Matches():
            return 1
    return 0
