"""What a plan is made of: frozen data that says which rows, which fields and in what form, and knows no request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resolvers.reading.sources import Slot
from schema.building import NodeType
from schema.language import Expression


@dataclass(frozen=True)
class Constant:
    """A text that is known beforehand, such as `__typename`."""

    key: str
    text: str


@dataclass(frozen=True)
class Identity:
    """The global id of the row."""

    key: str


@dataclass(frozen=True)
class ScalarField:
    """One expression over the row, of a Python type that says how JSON shows it."""

    key: str
    expression: Expression
    kind: Any


@dataclass(frozen=True)
class ValueField:
    """An object made of expressions over the row; null where `present` is null."""

    key: str
    present: Expression
    fields: tuple[ScalarField | Constant, ...]


@dataclass(frozen=True)
class ReferencesField:
    """The external references kept on the row; `parts` are response keys with the names they show."""

    key: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OneField:
    """The row that the column `column` of this row names; `guarded` where it may be hidden from the caller."""

    key: str
    column: str
    shows: ObjectPlan
    guarded: bool


@dataclass(frozen=True)
class ObjectPlan:
    """The fields of one object of a node."""

    node: NodeType
    fields: tuple[Any, ...]


@dataclass(frozen=True)
class Compare:
    """A column against a value: `operator` is one of those in `schema/filtering.py`."""

    column: str
    operator: str
    slot: Slot | None


@dataclass(frozen=True)
class AllOf:
    """All of `parts` hold; true where there are none."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of `parts` holds; false where there are none."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Not:
    """The condition does not hold."""

    part: Any


@dataclass(frozen=True)
class Related:
    """A row of `node` that this row names (`own`) or that names this row (`theirs`) matches `part`."""

    node: NodeType
    own: str | None
    theirs: str | None
    guarded: bool
    part: Any


@dataclass(frozen=True)
class SortKey:
    """A column that orders a list."""

    column: str
    descending: bool


@dataclass(frozen=True)
class Page:
    """Which part of a list: how many, from which end, and the keys of the cursors around it."""

    size: int
    backward: bool
    after: tuple[Slot, ...]
    before: tuple[Slot, ...]


@dataclass(frozen=True)
class NodesPart:
    """`nodes` of a connection."""

    key: str
    shows: ObjectPlan


@dataclass(frozen=True)
class EdgesPart:
    """`edges` of a connection; `parts` are response keys with an object, or None for the cursor."""

    key: str
    parts: tuple[tuple[str, ObjectPlan | Constant | None], ...]


@dataclass(frozen=True)
class PageInfoPart:
    """`pageInfo` of a connection; `parts` are response keys with the names they show."""

    key: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CountPart:
    """`totalCount` of a connection."""

    key: str


@dataclass(frozen=True)
class ListField:
    """A connection: the rows of `node`, those whose `column` names the row above where there is one."""

    key: str
    node: NodeType
    column: str | None
    guarded: bool
    page: Page
    where: Any
    order: tuple[SortKey, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class LookupField:
    """The one row whose `column` has a value; `guarded` but where the value itself grants access."""

    key: str
    column: str
    slot: Slot
    shows: ObjectPlan
    guarded: bool
    told_if_missing: bool


@dataclass(frozen=True)
class Missing:
    """An id that names nothing of the graph: null, told as any other that finds nothing."""

    key: str


@dataclass(frozen=True)
class NodesField:
    """The rows of several ids, in their order; None where an id names no node."""

    key: str
    items: tuple[LookupField | None, ...]


@dataclass(frozen=True)
class LogCursor:
    """Where the log of events stands, in the statement's own snapshot."""

    key: str


@dataclass(frozen=True)
class Plan:
    """All root fields of an operation."""

    roots: tuple[Any, ...]
