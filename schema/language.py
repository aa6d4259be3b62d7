"""The words in which the graph is declared: a field names its answer: a column, a question, a command or an event.

A declaration holds no behaviour. `schema/building.py` turns declarations into GraphQL types; `resolvers/` answers them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, FromClause, func
from sqlalchemy.orm import InstrumentedAttribute

from app.kernel.address import ADDRESS_FIELDS, Address
from app.kernel.money import Money
from app.kernel.outbox import Event
from app.kernel.principal import Role
from app.kernel.tables import Row
from app.kernel.visibility import Visibility
from schema.answers import (
    ABSTRACT,
    DECLARED,
    AbstractDeclaration,
    Alert,
    Answer,
    Bulk,
    ColumnOf,
    Command,
    Expression,
    Follow,
    Groups,
    Listing,
    Lookup,
    Many,
    NodeDeclaration,
    One,
    OneOf,
    Only,
    Opened,
    Part,
    Question,
    References,
    Scalar,
    Subject,
    Untold,
    Value,
)

Target = TypeVar("Target")
COMMON_FIELDS = ("created_at", "updated_at", "version", "external_references")


class Connection(Generic[Target]):
    """The mark of a paged list: `lines: Connection[OrderLine] = many(…)`."""


def node(
    table: type[Row],
    *,
    visibility: Visibility,
    sorts: tuple[str, ...] = (),
    search: tuple[str, ...] = (),
    groups: Groups | None = None,
) -> Callable[[type], type]:
    """Declare a node over `table`: who sees which rows, and what its lists are sorted, searched and grouped by."""

    def declare(source: type) -> type:
        answers = {name: answer for name, answer in vars(source).items() if isinstance(answer, Answer)}
        names = (*(name for name in inspect.get_annotations(source)), *COMMON_FIELDS)
        declaration = NodeDeclaration(source, table, visibility, sorts, search, groups)
        for name in names:
            declaration.answers[name] = _completed(answers.get(name) or column(), name, table, source)
        for name in search:
            _searchable(name, declaration.answers.get(name), source)
        DECLARED[source.__name__] = declaration
        return source

    return declare


def groups(*by: str, sums: tuple[str, ...] = (), averages: tuple[str, ...] = (), spans: tuple[str, ...] = ()) -> Groups:
    """Group lists `by` these fields, an instant by its day, week or month.

    Each group tells its count, the `sums` and `averages` of numbers and money, and the first and last of `spans`.
    """
    return Groups(by, sums, averages, spans)


def interface(*members: str) -> Callable[[type], type]:
    """Declare an interface of the nodes called `members`: what it is annotated with, all of them have."""

    def declare(source: type) -> type:
        fields = (*inspect.get_annotations(source), *COMMON_FIELDS)
        ABSTRACT[source.__name__] = AbstractDeclaration(source, members, fields)
        return source

    return declare


def union(*members: str) -> Callable[[type], type]:
    """Declare a union of the nodes called `members`."""

    def declare(source: type) -> type:
        ABSTRACT[source.__name__] = AbstractDeclaration(source, members, None)
        return source

    return declare


def column(*, roles: frozenset[Role] | None = None) -> Any:
    """The column that has the field's name; with `roles`, only they may select it."""
    return Scalar(doc="", roles=roles, expression=_undeclared)


def measure(expression: Expression, *, roles: frozenset[Role] | None = None, filterable: bool = False) -> Any:
    """A named SQL expression over the row; its docstring is the field's description.

    Lists are filtered by it where it is `filterable`: no index answers it, so it is worked out for row after row.
    """
    return Scalar(doc=_docstring(expression), roles=roles, expression=expression, filterable=filterable)


def one(key: InstrumentedAttribute[Any], *, roles: frozenset[Role] | None = None) -> Any:
    """The object that the foreign key `key` names."""
    return One(doc=str(key.property.columns[0].doc or ""), roles=roles, key=key.key)


def one_of(*keys: InstrumentedAttribute[Any], doc: str, roles: frozenset[Role] | None = None) -> Any:
    """The object that the first of the foreign keys `keys` names that is not null."""
    return OneOf(doc=doc, roles=roles, keys=tuple(key.key for key in keys))


def many(
    key: InstrumentedAttribute[Any],
    *,
    order_by: InstrumentedAttribute[Any],
    doc: str,
    roles: frozenset[Role] | None = None,
) -> Any:
    """The objects whose foreign key `key` names this one, as a connection."""
    return Many(doc=doc, roles=roles, key=key.key, order_by=order_by.key)


def money(
    amount: InstrumentedAttribute[Any], currency: InstrumentedAttribute[Any], *, roles: frozenset[Role] | None = None
) -> Any:
    """Money whose amount and currency are columns of the row; null where the amount is null."""
    parts = {"amount": ColumnOf(amount.key), "currency": ColumnOf(currency.key)}
    doc = str(amount.property.columns[0].doc or "")
    return Value(doc=doc, roles=roles, kind=Money, parts=parts, present=ColumnOf(amount.key))


def address(table: type[Row], *, prefix: str, doc: str, roles: frozenset[Role] | None = None) -> Any:
    """An address kept in the columns `prefix…` of `table`; null where it has neither line, city nor country."""
    missing = [name for name in ADDRESS_FIELDS if prefix + name not in table.__table__.c]
    if missing:
        raise TypeError(f"{table.__name__} has no column {prefix}{missing[0]} for an address")

    def present(row: FromClause) -> ColumnElement[Any]:
        return func.coalesce(row.c[f"{prefix}line1"], row.c[f"{prefix}city"], row.c[f"{prefix}country_code"])

    parts = {name: ColumnOf(prefix + name) for name in ADDRESS_FIELDS}
    return Value(doc=doc, roles=roles, kind=Address, parts=parts, present=present)


def lookup(*keys: InstrumentedAttribute[Any], token: InstrumentedAttribute[Any] | None = None, doc: str = "") -> Any:
    """One object by its id or a natural key; with `token`, by the token that column holds, itself or as its hash."""
    return Lookup(keys=tuple(key.key for key in keys), token=token.key if token else None, doc=doc)


def listing(shows: type | str, doc: str, *, order_by: str = "id") -> Any:
    """A connection over every visible object of a type."""
    return Listing(shows=shows, doc=doc, order_by=order_by)


def ask(function: Callable[..., Any]) -> Any:
    """A question put to `function`: its parameters are the arguments, its docstring is the description."""
    return Question(function=function)


def command(
    function: Callable[..., Any], *, returns: type | str | None = None, moves: bool = False, keyed: bool = True
) -> Any:
    """A mutation that shows what `function` `returns`; `moves` (stock, money) wants a key. Only sign-in has none."""
    for part in ("refusals", "allowed"):
        if not hasattr(function, part):
            raise TypeError(f"{function.__module__}.{function.__name__} declares no {part}: add @refuses and @allows")
    return Command(function=function, returns=returns, moves=moves, keyed=keyed)


def follow(
    events: type[Event] | tuple[type[Event], ...],
    *,
    shows: type | str,
    key: str,
    by: tuple[str | Only, ...] = (),
    tells: tuple[str, ...] = (),
    roles: Mapping[str, frozenset[Role]] = MappingProxyType({}),
    token: Opened | None = None,
    conflates: bool = False,
    doc: str = "",
) -> Any:
    """A subscription to `events`: the node that the fact `key` names, filtered by `by`, and the facts it `tells`.

    Facts that `roles` names are read and filtered by only by those. Whoever has the `token` follows what it opens.
    """
    classes = _classes(events)
    filters = tuple(each if isinstance(each, Only) else only(each) for each in by)
    _require_facts(classes, key, *(each.fact for each in filters), *tells)
    said = doc or _docstring(classes[0])
    return Follow(
        events=classes,
        shows=shows,
        key=key,
        by=filters,
        tells=tells,
        roles=roles,
        token=token,
        conflates=conflates,
        doc=said,
    )


def only(fact: str, *, argument: str = "", doc: str = "") -> Only:
    """A filter of a subscription by the events' `fact`, as the `argument` of another name where one is given."""
    what = fact.removesuffix("_id").replace("_", " ")
    return Only(fact=fact, argument=argument or fact, doc=doc or f"Only events of this {what}.")


def opened_by(table: type[Row], column: str, *, fact: str, doc: str) -> Opened:
    """The token in `column` lets strangers follow the row of `table` that has it, whose key is the events' `fact`."""
    return Opened(table=table, column=column, fact=fact, doc=doc)


def subject(
    events: type[Event] | tuple[type[Event], ...],
    *,
    shows: type | str,
    key: str,
    before: Mapping[str, str] = MappingProxyType({}),
    around: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Any:
    """What the feed tells of events that no subscription follows, or of which it must know more.

    `before` names the facts that tell columns of the row as they were, where the row may be hidden from who saw it;
    `around` names, by such a column, other types of which more or fewer objects are seen once it changed.
    """
    classes = _classes(events)
    _require_facts(classes, key, *before.values())
    if unknown := set(around) - set(before):
        raise TypeError(f"{classes[0].__name__}: {', '.join(sorted(unknown))} is not told as it was before")
    return Subject(events=classes, shows=shows, key=key, before=before, around=around)


def bulk(event: type[Event], *, rows: str) -> Any:
    """An event that stands for many rows, which its fact `rows` counts by their tables: followers read them anew."""
    _require_facts((event,), rows)
    return Bulk(events=(event,), rows=rows)


def untold(*events: type[Event], because: str) -> Any:
    """Events that the feed tells nobody, with the reason."""
    return Untold(events=events, because=because)


def part(shows: type | str, *, of: type | str | tuple[type | str, ...]) -> Any:
    """A node that has no events of its own, because those of the node that it is part of tell of it."""
    return Part(shows=shows, of=of if isinstance(of, tuple) else (of,))


def alert(
    events: type[Event] | tuple[type[Event], ...],
    *,
    kind: str,
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True,
    doc: str,
) -> Any:
    """An alert to those who run the trade, called `kind`: events for which `when` holds of what they tell."""
    return Alert(events=_classes(events), kind=kind, when=when, doc=doc)


def _classes(events: type[Event] | tuple[type[Event], ...]) -> tuple[type[Event], ...]:
    return events if isinstance(events, tuple) else (events,)


def _require_facts(events: tuple[type[Event], ...], *facts: str) -> None:
    """Refuse a declaration that names a fact which one of its events does not tell."""
    for event in events:
        for fact in facts:
            if fact not in event.__dataclass_fields__:
                raise TypeError(f"{event.__name__} has no fact {fact!r} to follow by")


def _completed(answer: Answer, name: str, table: type[Row], source: type) -> Answer:
    """`answer` with what its field's name says: the column of that name, and the description it carries."""
    where = f"{source.__module__}.{source.__name__}.{name}"
    if name == "external_references":
        return References(doc=str(table.__table__.c[name].doc))
    if isinstance(answer, Scalar) and answer.expression is _undeclared:
        if name not in table.__table__.c:
            raise TypeError(f"{where}: {table.__name__} has no column {name!r}; declare how the field is answered")
        doc = str(table.__table__.c[name].doc or "")
        answer = Scalar(doc=doc, roles=answer.roles, expression=ColumnOf(name), column=name)
    if not answer.doc:
        raise TypeError(f"{where} has no description: give its column a doc, or its measure a docstring")
    return answer


def _searchable(name: str, answer: Answer | None, source: type) -> None:
    """Only texts that whoever sees the row may select are searched, or what is found would tell what they hold."""
    if not isinstance(answer, Scalar) or answer.column is None or answer.roles is not None:
        raise TypeError(f"{source.__module__}.{source.__name__}: {name!r} is no column that all may select: no search")


def _undeclared(_: FromClause) -> ColumnElement[Any]:
    """The mark of a field whose column is named by the field itself."""
    raise TypeError("the field's column is not known yet")


def _docstring(documented: Any) -> str:
    """The docstring of a measure, a command or an event, as one text."""
    return inspect.getdoc(documented) or ""
