"""How fields are answered, as frozen declarations: what `language.py` says in words, resolvers read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from app.kernel.outbox import Event
from app.kernel.principal import Role
from app.kernel.tables import Row
from app.kernel.visibility import Visibility

Expression = Callable[[FromClause], ColumnElement[Any]]


@dataclass(frozen=True)
class ColumnOf:
    """The expression that reads the column `name` of a row."""

    name: str

    def __call__(self, row: FromClause) -> ColumnElement[Any]:
        """The column itself."""
        return row.c[self.name]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a field of a node is answered. `roles`, where given, are the only ones that may select it."""

    doc: str
    roles: frozenset[Role] | None = None


@dataclass(frozen=True, kw_only=True)
class Scalar(Answer):
    """One SQL expression over the row; `column` names it where it is a column, which filters and sorts may use.

    Filters may use an expression that is no column only where it is `filterable`.
    """

    expression: Expression
    column: str | None = None
    filterable: bool = False


@dataclass(frozen=True, kw_only=True)
class Value(Answer):
    """An object without identity, each of its fields an expression over the row; null where `present` is null."""

    kind: type
    parts: Mapping[str, Expression]
    present: Expression


@dataclass(frozen=True, kw_only=True)
class References(Answer):
    """The external references that the row keeps as JSON."""


@dataclass(frozen=True, kw_only=True)
class One(Answer):
    """The row that the foreign key `key` of this row names."""

    key: str


@dataclass(frozen=True, kw_only=True)
class OneOf(Answer):
    """The row that the first of the foreign keys `keys` names that is not null; each may lead to another type."""

    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Many(Answer):
    """The rows whose foreign key `key` names this row, in the order of the column `order_by` unless asked otherwise."""

    key: str
    order_by: str


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """A root field that finds one row: by id, by a natural key among `keys`, or by a `token`, kept plain or hashed."""

    keys: tuple[str, ...]
    token: str | None
    doc: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A root field that pages through the visible rows of a node, by default in the order of `order_by`."""

    shows: type | str
    doc: str
    order_by: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """A root field that an algorithm answers: a read-only function that tells frozen records."""

    function: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A mutation: the command that does it, the node its payload shows, and whether it moves stock or money."""

    function: Callable[..., Any]
    returns: type | str | None
    moves: bool
    keyed: bool


@dataclass(frozen=True, kw_only=True)
class Only:
    """An argument of a subscription: only events that tell its value as `fact`, or among the values of `fact`."""

    fact: str
    argument: str
    doc: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The argument of a subscription that holds a token: whoever has it follows, as a stranger, the row it opens.

    The row is the one of `table` whose `column` has the token; events tell its key as `fact`.
    """

    table: type[Row]
    column: str
    fact: str
    doc: str


@dataclass(frozen=True, kw_only=True)
class Follow:
    """A subscription: the events it follows, the node each shows (found by the fact `key`), and what it filters by."""

    events: tuple[type[Event], ...]
    shows: type | str
    key: str
    by: tuple[Only, ...]
    tells: tuple[str, ...]
    roles: Mapping[str, frozenset[Role]]
    """Who alone may read a fact and filter by it, for facts that are not for all who see the node."""
    token: Opened | None
    conflates: bool
    doc: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the feed of all events tells of `events`: the node that the fact `key` names.

    `before` names the facts that tell columns of its row as they were: by these it is known who saw the row before, and
    is told that it is gone. Where such a column changed, other objects of the types in `around` are seen than before.
    """

    events: tuple[type[Event], ...]
    shows: type | str
    key: str
    before: Mapping[str, str]
    around: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """An event that stands for many rows: its fact `rows` counts them by their tables."""

    events: tuple[type[Event], ...]
    rows: str


@dataclass(frozen=True, kw_only=True)
class Untold:
    """Events that the feed tells nobody, and why."""

    events: tuple[type[Event], ...]
    because: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """A node that has no events of its own: those of the node `of`, to which it belongs, tell of it."""

    shows: type | str
    of: tuple[type | str, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Events that call for somebody's attention, under one name: those for which `when` holds of their facts."""

    events: tuple[type[Event], ...]
    kind: str
    when: Callable[[Mapping[str, Any]], bool]
    doc: str


@dataclass(frozen=True)
class Groups:
    """What lists of a node may be grouped by, and what is told of each group, by the names of the node's fields."""

    by: tuple[str, ...]
    sums: tuple[str, ...] = ()
    averages: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeDeclaration:
    """A type of the graph whose objects are rows of one table."""

    source: type
    table: type[Row]
    visibility: Visibility
    sorts: tuple[str, ...]
    search: tuple[str, ...] = ()
    groups: Groups | None = None
    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class AbstractDeclaration:
    """An interface or, without fields of its own, a union: a type whose objects are nodes of several types."""

    source: type
    members: tuple[str, ...]
    fields: tuple[str, ...] | None


ABSTRACT: dict[str, AbstractDeclaration] = {}
"""Every interface and union declared so far, by its name in the graph."""
DECLARED: dict[str, NodeDeclaration] = {}
"""Every node declared so far, by its name in the graph."""
