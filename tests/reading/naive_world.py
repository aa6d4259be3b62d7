"""The world that the naive reader reads: every row as plain values.

Only what the graph declares in SQL comes from PostgreSQL here too: measures and visibility rules, each by a plain
SELECT over its one table. What is no reading at all, the answers to questions, is asked of their functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.kernel.visibility import viewer_values
from schema.answers import Expression, Scalar, Value
from schema.building import Graph
from schema.nodes import NodeType
from tests.reading.naive_questions import ask_all

Row = Mapping[str, Any]


@dataclass(repr=False)
class World:
    """All rows by node and key, what declared expressions say of them, and what callers see and are answered."""

    graph: Graph
    rows: dict[str, dict[int, Row]] = field(default_factory=dict)
    told: dict[tuple[str, Expression], dict[int, Any]] = field(default_factory=dict)
    seen: dict[tuple[str, Principal], set[int]] = field(default_factory=dict)
    answers: dict[tuple[str, int | None, Principal], Any] = field(default_factory=dict)


async def load(session: AsyncSession, graph: Graph, callers: Mapping[str, Principal]) -> World:
    """Everything that readings of `callers` may tell."""
    world = World(graph)
    for node in graph.nodes.values():
        row = node.table.__table__.alias("row")
        found = (await session.execute(select(row).order_by(row.c.id))).mappings()
        world.rows[node.name] = {each["id"]: dict(each) for each in found}
        for expression in _expressions(node):
            pairs = await session.execute(select(row.c.id, expression(row)))
            world.told[node.name, expression] = dict(pairs.all())
        for caller in callers.values():
            seeing = (
                select(row.c.id).where(node.visibility.condition(row, caller.roles)).params(**viewer_values(caller))
            )
            world.seen[node.name, caller] = set(await session.scalars(seeing))
    for caller in callers.values():
        await ask_all(session, world, caller)
    return world


def _expressions(node: NodeType) -> Iterable[Expression]:
    """Every expression that a field of `node` is answered by."""
    for declared in node.fields.values():
        if isinstance(declared.answer, Scalar):
            yield declared.answer.expression
        if isinstance(declared.answer, Value):
            yield from declared.answer.parts.values()
            yield declared.answer.present
