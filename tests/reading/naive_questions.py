"""Questions on the naive side: what their functions answered when the world was loaded, told field by field.

How a question is answered is its own and tested in its domain; what is compared is how its records are told, which
nodes in them the caller sees, and what is read of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.identity import decode_id
from app.kernel.outbox import as_json
from app.kernel.principal import Principal
from schema.asking import AskedQuestion

if TYPE_CHECKING:
    from tests.reading.naive import Naive
    from tests.reading.naive_world import World

ABOUT = "Order"
"""The node that every question is about, by its only argument."""


@dataclass(frozen=True)
class RecordOf:
    """A record of a question's answer."""

    asked: AskedQuestion
    kind: str
    record: Any


async def ask_all(session: AsyncSession, world: World, caller: Principal) -> None:
    """Every question of `caller` about every order that it sees."""
    for name, asked in world.graph.questions.items():
        ((argument, _),) = asked.arguments.values()
        for key in world.seen[ABOUT, caller]:
            answer = await asked.question.function(session, **{argument: key}, by=caller)
            world.answers[name, key, caller] = answer


def answered(naive: Naive, name: str, given: str, caller: Principal) -> Any:
    """What a question about the order of a global id answers; nothing where the caller does not see it."""
    told, asked = decode_id(given), naive.graph.questions[name]
    key = told.key if told and told.type_name == ABOUT else None
    return _shown(asked, asked.answer, naive.world.answers.get((name, key, caller)))


def of_record(naive: Naive, found: RecordOf, name: str, caller: Principal) -> Any:
    """One field of a record."""
    field = found.asked.records[found.kind][name]
    value = getattr(found.record, field.attribute)
    if field.node:
        return naive.seen(field.node, value, caller)
    return _shown(found.asked, field.record, value) if field.record else as_json(value)


def _shown(asked: AskedQuestion, kind: str, answer: Any) -> Any:
    """A record of `kind`, or several, or none."""
    if isinstance(answer, list | tuple):
        return [RecordOf(asked, kind, each) for each in answer]
    return None if answer is None else RecordOf(asked, kind, answer)
