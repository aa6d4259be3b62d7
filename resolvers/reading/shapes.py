"""What a plan is made of: frozen data that says which rows, which fields and in what form, and knows no request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.kernel.tables import Row
from resolvers.reading.sources import Slot
from schema.answers import Expression
from schema.nodes import NodeType


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
class OneOfField:
    """The row that the first of several columns of this row names that is not null; `branches` have one key."""

    key: str
    branches: tuple[OneField, ...]


@dataclass(frozen=True)
class ObjectPlan:
    """The fields of one object of a node."""

    node: NodeType
    fields: tuple[Any, ...]


@dataclass(frozen=True)
class Compare:
    """An expression over a row of `table` against a value: `operator` is one of those in `schema/filtering.py`."""

    table: type[Row]
    expression: Expression
    operator: str
    slot: Slot | None


@dataclass(frozen=True)
class Matches:
    """The texts of `columns` together have the patterns `words`, which an index finds, and `every` one of a list."""

    columns: tuple[str, ...]
    words: tuple[Slot, ...]
    every: Slot | None = None


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
    """A column that orders a list; null comes last where it ascends, and first where it descends."""

    column: str
    descending: bool
    nullable: bool = False


@dataclass(frozen=True)
class Page:
    """Which part of a list: how many, from which end, and the keys of the cursors around it, None where one is null."""

    size: int
    backward: bool
    after: tuple[Slot | None, ...]
    before: tuple[Slot | None, ...]


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
class GroupKey:
    """What rows are grouped by: an expression over them, or the `period` of an instant in the time zone `zone`.

    With `hides`, it is the key of a row of that node, and null where the caller may not see that row. There are `few`
    where the trade may grow and its values do not.
    """

    name: str
    expression: Expression
    kind: Any
    period: str | None
    zone: Slot | None
    hides: NodeType | None
    few: bool


@dataclass(frozen=True)
class Aggregate:
    """An expression over the rows of a group under `sum`, `count`, `min` or `max`."""

    function: str
    expression: Expression


@dataclass(frozen=True)
class GroupField:
    """A response key of a group that shows one of the group's columns as it is, or null."""

    key: str
    column: str | None


@dataclass(frozen=True)
class NumberField:
    """A response key of a group that shows a sum as an exact decimal, or divided by the count `divisor` an average."""

    key: str
    total: str
    divisor: str | None


@dataclass(frozen=True)
class MoneyField:
    """A response key of a group that shows sums or averages of money, one for each currency of which it counts any."""

    key: str
    total: str
    count: str
    average: bool
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class GroupsPart:
    """`groups` of a connection: at most `size` groups by `keys`, split by `currency` where money is told of them.

    Groups have columns `k0` and on for keys, `n` for their count, and `a0` and on for aggregates.
    """

    key: str
    keys: tuple[GroupKey, ...]
    aggregates: tuple[Aggregate, ...]
    currency: Expression | None
    order: tuple[SortKey, ...]
    size: int
    fields: tuple[Any, ...]


@dataclass(frozen=True)
class Rollup:
    """One grouping of a list's rows, of which its count and those of its groups that have these keys are made."""

    keys: tuple[GroupKey, ...]
    aggregates: tuple[Aggregate, ...]
    currency: Expression | None

    def holds(self, part: GroupsPart) -> bool:
        """Whether the groups of `part` can be made of it."""
        return set(part.keys) <= set(self.keys)


@dataclass(frozen=True)
class ListField:
    """A connection: the rows of `node`, those whose `column` names the row above where there is one.

    With a `rollup`, what that holds is read once for all.
    """

    key: str
    node: NodeType
    column: str | None
    guarded: bool
    page: Page
    where: Any
    order: tuple[SortKey, ...]
    parts: tuple[Any, ...]
    rollup: Rollup | None = None


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
class Sought:
    """What a search is for: the text itself, the forms in which it may begin, and the patterns of its words."""

    text: Slot
    forms: Slot
    words: tuple[Slot, ...]
    every: Slot


@dataclass(frozen=True)
class FoundPart:
    """`nodes` of a search: what is selected of each node that it searches, in their order."""

    key: str
    shows: tuple[ObjectPlan, ...]


@dataclass(frozen=True)
class MorePart:
    """`hasMore` of a search."""

    key: str


@dataclass(frozen=True)
class SearchField:
    """The `size` rows of several nodes that match best, chosen of so many `candidates` of each."""

    key: str
    nodes: tuple[NodeType, ...]
    sought: Sought
    size: int
    candidates: int
    parts: tuple[FoundPart | MorePart | Constant, ...]


@dataclass(frozen=True)
class LogCursor:
    """Where the log of events stands, in the statement's own snapshot."""

    key: str


@dataclass(frozen=True)
class Plan:
    """All root fields of an operation."""

    roots: tuple[Any, ...]
