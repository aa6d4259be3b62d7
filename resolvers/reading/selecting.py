"""What the planner of an operation knows, for those who plan one part of it."""

from __future__ import annotations

from typing import Any, Protocol

from graphql.execution.collect_fields import FieldDetails

from app.kernel.limits import Limits
from app.kernel.principal import Role
from resolvers.reading.paging import Paging
from resolvers.reading.shapes import ObjectPlan
from schema.building import Graph
from schema.nodes import NodeType

Details = list[FieldDetails]


class Selecting(Protocol):
    """What the planner of an operation knows and does for one part of it."""

    graph: Graph
    roles: frozenset[Role]
    limits: Limits
    paging: Paging

    def object(self, node: NodeType, details: Details) -> ObjectPlan:
        """The fields selected of an object of `node`."""

    def selected(self, type_name: str, details: Details) -> dict[str, Details]:
        """The fields selected of an object, by response key."""

    def value(self, source: Any) -> Any:
        """A source's value in the request that is being planned."""
