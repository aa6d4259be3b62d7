"""What every resolver is told of the request it answers: what was asked, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from app.kernel.limits import Limits
from app.kernel.principal import ANONYMOUS, Principal
from resolvers.reading.cost import Budget, total_of
from resolvers.reading.documents import Operation

READING = ("document", "plan", "database")
"""What a query goes through."""


class Stages(NamedTuple):
    """What an answer went through, and the seconds that each took."""

    names: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()


class GraphQLRequest(NamedTuple):
    """One request as it came: a document, the operation to run of it, and values for its variables.

    The document may be empty where an id or the hash of its text names it. With `tells_cost` the answer says what it
    costs. `position` is what the caller's last mutation told: a replica that answers has come as far. With `only_query`
    it changes nothing. `resumed_after` is the cursor at which the caller's last stream broke off: a subscription goes
    on from there, whatever its `after` says.
    """

    document: str
    variables: Mapping[str, Any] = MappingProxyType({})
    operation_name: str | None = None
    document_id: str | None = None
    sha256: str | None = None
    tells_cost: bool = False
    position: str | None = None
    only_query: bool = False
    resumed_after: str | None = None


class NoQuery(Exception):
    """A request that came as one that changes nothing asks for a mutation, or for a stream where there is none."""


class GraphQLResponse(NamedTuple):
    """One answer as it goes: JSON, whether anything was executed, which HTTP shows in its status, and what it took.

    After a mutation there is a position where there is a replica; its caller may send it along with what it asks next.
    """

    body: bytes
    executed: bool
    stages: Stages = Stages()
    position: str | None = None


@dataclass(frozen=True)
class Context:
    """One operation under way and its caller."""

    operation: Operation
    """Located, for graphql-core runs it."""
    principal: Principal = ANONYMOUS
    budgets: list[Budget] = field(default_factory=list)
    """What its readings cost so far."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long it was at what."""
    position: str | None = None
    """What its readings must not be older than."""

    def spend(self, budget: Budget, limits: Limits) -> None:
        """Count one reading more; RequestError with both numbers where all together are too many."""
        self.budgets.append(budget)
        total_of(self.budgets).spent(self.principal.roles, limits)

    def took(self, **seconds: float) -> None:
        """Count the time of stages that came once more."""
        for stage, more in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0) + more
