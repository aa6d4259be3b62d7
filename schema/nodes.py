"""The nodes of the graph as resolvers see them, made of their declarations and checked against their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from sqlalchemy import String

from app.kernel.money import Money
from app.kernel.tables import SORTED, Row
from app.kernel.visibility import Visibility
from schema.answers import ABSTRACT, DECLARED, Answer, Groups, Many, NodeDeclaration, One, OneOf, Scalar, Value
from schema.language import Connection
from schema.names import camel
from schema.types import is_optional, without_none


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a node: its answer, its Python type, the type it leads to (if any), and whether it may be null.

    `branches` are the foreign keys of a field that leads to one of several nodes, each with its node.
    """

    name: str
    answer: Answer
    kind: Any
    target: str | None
    nullable: bool
    listed: bool
    branches: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sort:
    """One order that lists of a node offer: the name of the field it is by, that field's column, and its direction."""

    field: str
    column: str
    descending: bool


@dataclass(frozen=True, eq=False)
class NodeType:
    """One node of the graph as resolvers see it: its table, who sees its rows, its fields and sorts by GraphQL name.

    `search` are the columns that hold the names and numbers by which people look for it.
    """

    name: str
    table: type[Row]
    visibility: Visibility
    fields: Mapping[str, Field]
    sorts: Mapping[str, Sort]
    search: tuple[str, ...]
    groups: Groups | None


def node_type(declaration: NodeDeclaration) -> NodeType:
    """What resolvers see of a declared node."""
    source = declaration.source
    hints = get_type_hints(source)
    table = declaration.table.__table__
    fields = {}
    for name, answer in declaration.answers.items():
        hint = hints.get(name) or (table.c[name].type.python_type if name in table.c else None)
        target = target_of(hint)
        branches = _branches(declaration, name, answer, hint)
        shape = (_kind(hint), target, is_optional(hint), _is_list(hint))
        fields[camel(name)] = Field(camel(name), answer, *shape, branches)
        _check(declaration, name, answer, hint)
    sorts = {
        f"{sort.upper()}_{direction}": Sort(camel(sort), sorted_column(declaration, sort), direction == "DESC")
        for sort in declaration.sorts
        for direction in ("ASC", "DESC")
    }
    told = (source.__name__, declaration.table, declaration.visibility)
    return NodeType(*told, fields, sorts, declaration.search, declaration.groups)


def sorted_column(declaration: NodeDeclaration, sort: str) -> str:
    """The column that the field `sort` orders lists by: its own, or the amount of money that it shows."""
    answer = declaration.answers.get(sort)
    column = getattr(answer, "column", None)
    if isinstance(answer, Value) and answer.kind is Money:
        column = getattr(answer.parts["amount"], "name", None)
    where = f"{declaration.source.__module__}.{declaration.source.__name__}"
    if column is None:
        raise TypeError(f"{where}: {sort!r} is no field that is a column or money, so no sort")
    kind = declaration.table.__table__.c[column].type
    if isinstance(kind, String) and kind.collation != SORTED.collation:
        raise TypeError(f"{where}: the column {column!r} is not SORTED, so servers would sort by it in different ways")
    return str(column)


def target_of(hint: Any) -> str | None:
    """The node that an annotation leads to."""
    inner = without_none(hint)
    inner = get_args(inner)[0] if get_origin(inner) is Connection else inner
    name = getattr(inner, "__name__", None)
    declared = DECLARED.get(str(name)) or ABSTRACT.get(str(name))
    return name if declared is not None and declared.source is inner else None


def _branches(declaration: NodeDeclaration, name: str, answer: Answer, hint: Any) -> tuple[tuple[str, str], ...]:
    """The nodes that the foreign keys of a field name; TypeError where its type has no such members."""
    if not isinstance(answer, OneOf):
        return ()
    where = f"{declaration.source.__module__}.{declaration.source.__name__}.{name}"
    abstract = ABSTRACT.get(str(target_of(hint)))
    if abstract is None or not is_optional(hint):
        raise TypeError(f"{where} must be an interface or a union, `| None`: its row may be missing or hidden")
    nodes = {str(node.table.__tablename__): node.source.__name__ for node in DECLARED.values()}
    columns = declaration.table.__table__.c
    found = tuple((key, nodes[next(iter(columns[key].foreign_keys)).column.table.name]) for key in answer.keys)
    strange = [node for _, node in found if node not in abstract.members]
    if strange:
        raise TypeError(f"{where}: {strange[0]} is no member of {target_of(hint)}")
    return found


def _is_list(hint: Any) -> bool:
    """Whether an annotation is a list of values."""
    return get_origin(without_none(hint)) is list


def _kind(hint: Any) -> Any:
    """The Python type of a field's values, without null and list."""
    inner = without_none(hint)
    return get_args(inner)[0] if get_origin(inner) is list else inner


def _check(declaration: NodeDeclaration, name: str, answer: Answer, hint: Any) -> None:
    """A field may be null exactly where SQL may answer null; else ready JSON would break the schema's promise."""
    where = f"{declaration.source.__module__}.{declaration.source.__name__}.{name}"
    columns = declaration.table.__table__.c
    if isinstance(answer, One | Many) and target_of(hint) not in DECLARED:
        raise TypeError(f"{where}: {hint} is no node of the graph")
    if isinstance(answer, Scalar) and answer.column and columns[answer.column].nullable != is_optional(hint):
        raise TypeError(f"{where}: the column may {'' if columns[answer.column].nullable else 'not '}be null")
    if isinstance(answer, One) and not is_optional(hint):
        target = DECLARED[str(target_of(hint))]
        sees_all = all(target.visibility.to_all(frozenset({role})) for role in declaration.visibility.rules)
        implied = _same(declaration.visibility.through, declaration.table, answer.key)
        if columns[answer.key].nullable or not (sees_all or implied):
            raise TypeError(f"{where} must be `| None`: the column may be null, or its row may be hidden")


def _same(through: Any, table: type[Row], key: str) -> bool:
    """Whether the column that implies visibility is the foreign key `key` of `table`."""
    return through is not None and through.class_ is table and through.key == key
