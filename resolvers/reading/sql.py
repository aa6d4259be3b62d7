"""From a plan to one SQL statement: pure text and the slots of its parameters.

Each root field is one column whose value is the field's JSON. Nested lists are correlated scalar sub-queries with
`json_agg` over `row_to_json`, the fastest of four forms measured. A row's JSON is always made from a sub-select called
`"{}"`, a name that no GraphQL key can have.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.kernel.principal import Role
from resolvers.reading import decoding
from resolvers.reading.conditions import Conditions
from resolvers.reading.expressions import column_text, expression_text
from resolvers.reading.paging import keys, signature
from resolvers.reading.parameters import Parameters, Slots
from resolvers.reading.shapes import (
    Constant,
    CountPart,
    EdgesPart,
    Identity,
    ListField,
    LogCursor,
    LookupField,
    Missing,
    NodesField,
    NodesPart,
    ObjectPlan,
    OneField,
    PageInfoPart,
    Plan,
    ReferencesField,
    ScalarField,
    SortKey,
    ValueField,
)
from resolvers.reading.sources import Slot, Source
from schema.building import NodeType
from schema.names import snake

KEY_BYTES_MAX = 63
"""PostgreSQL cuts a longer name, so a longer response key is never the name of a column."""
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Statement:
    """One statement: its text, its parameters in order, and the root keys whose columns it answers."""

    text: str
    slots: Slots
    keys: tuple[str, ...]


def print_query(plan: Plan, roles: frozenset[Role], log_cursor: str) -> Statement:
    """The statement that answers all root fields of `plan` in one snapshot."""
    printer = Printer(roles, log_cursor)
    columns = [printer.root(root) for root in plan.roots]
    text = "select\n" + ",\n".join(f'{sql} as "{index}"' for index, sql in enumerate(columns))
    return Statement(text, printer.parameters.slots(), tuple(root.key for root in plan.roots))


def print_objects(plan: ObjectPlan, roles: frozenset[Role], keys_of: Source, *, guarded: bool) -> Statement:
    """The statement that answers the objects with the keys `keys_of`, each as a row of its key and its JSON."""
    printer = Printer(roles, "null")
    alias = printer.alias(plan.node)
    given = printer.parameters.add(Slot(keys_of, decoding.same, "bigint[]"))
    conditions = [f"{alias}.id = any({given})", *printer.conditions.guard(plan.node, alias, guarded=guarded)]
    row = printer.row(printer.fields(plan, alias))
    source = f"from {plan.node.table.__tablename__} {alias}\nwhere {' and '.join(conditions)}"
    text = f"select {alias}.id, {row}::text\n{source}"
    return Statement(text, printer.parameters.slots(), ())


class Printer:
    """Prints the parts of one statement, numbering its aliases and parameters as it goes."""

    def __init__(self, roles: frozenset[Role], log_cursor: str) -> None:
        self.parameters = Parameters()
        self.conditions = Conditions(self.parameters, roles, self.alias)
        self.log_cursor = log_cursor
        self._aliases = 0

    def alias(self, node: NodeType) -> str:
        """A name for one more row of `node`."""
        self._aliases += 1
        return f"{snake(node.name)}_{self._aliases}"

    def root(self, part: Any) -> str:
        """One root field, as the expression of its JSON."""
        match part:
            case ListField():
                return self.list(part, None)
            case LookupField():
                return self.lookup(part)
            case NodesField():
                items = ", ".join(self.root(item) if item else "null" for item in part.items)
                return f"json_build_array({items})"
            case LogCursor():
                return f"to_json({self.log_cursor})"
            case Missing():
                return "null::json"
        assert isinstance(part, Constant)  # noqa: S101
        return f"to_json({literal(part.text)}::text)"

    def lookup(self, part: LookupField) -> str:
        """The one row that a value names; the newest where the value need not be unique."""
        node = part.shows.node
        alias = self.alias(node)
        key = f"{column_text(alias, part.column)} = {self.parameters.add(part.slot)}"
        conditions = [key, *self.conditions.guard(node, alias, guarded=part.guarded)]
        tail = f"from {node.table.__tablename__} {alias} where {' and '.join(conditions)}"
        if not (part.column == "id" or node.table.__table__.c[part.column].unique):
            tail += f" order by {alias}.id desc limit 1"
        return f"({self.single(self.fields(part.shows, alias), tail)})"

    def fields(self, plan: ObjectPlan, alias: str) -> Pairs:
        """The response keys of an object with the expressions of their values."""
        return [(field.key, self.field(plan.node, field, alias)) for field in plan.fields]

    def field(self, node: NodeType, part: Any, alias: str) -> str:
        """One field of the row called `alias`."""
        match part:
            case Constant():
                return f"{literal(part.text)}::text"
            case Identity():
                return f"encode(('{node.name}:' || {alias}.id)::bytea, 'base64')"
            case ScalarField():
                return self.scalar(node, part, alias)
            case ValueField():
                return self.value(node, part, alias)
            case ReferencesField():
                return self.references(part, alias)
            case OneField():
                return self.one(part, alias)
        assert isinstance(part, ListField)  # noqa: S101
        return self.list(part, alias)

    def scalar(self, node: NodeType, part: ScalarField, alias: str) -> str:
        """An expression in the form that JSON shows it: exact decimals are text."""
        text = self.expression(part.expression, node, alias)
        return f"trim_scale({text})::text" if part.kind is Decimal else text

    def expression(self, expression: Any, node: NodeType, alias: str) -> str:
        """A declared expression with its viewer parameters numbered."""
        return self.parameters.numbered(expression_text(expression, node.table, alias))

    def value(self, node: NodeType, part: ValueField, alias: str) -> str:
        """An object without identity, null where its row has none."""
        pairs = [(field.key, self.field(node, field, alias)) for field in part.fields]
        present = self.expression(part.present, node, alias)
        return f"case when {present} is not null then ({self.single(pairs, '')}) end"

    def references(self, part: ReferencesField, alias: str) -> str:
        """What other systems call the row."""
        told = {"__typename": "'ExternalReference'::text"}
        pairs = [(key, told.get(name, f"reference.{name}")) for key, name in part.parts]
        source = f"jsonb_to_recordset({alias}.external_references) as reference(source text, value text)"
        return f"({self.rows(pairs, f'from {source}')})"

    def one(self, part: OneField, alias: str) -> str:
        """The row that this row names."""
        node = part.shows.node
        inner = self.alias(node)
        key = f"{inner}.id = {column_text(alias, part.column)}"
        conditions = [key, *self.conditions.guard(node, inner, guarded=part.guarded)]
        tail = f"from {node.table.__tablename__} {inner} where {' and '.join(conditions)}"
        return f"({self.single(self.fields(part.shows, inner), tail)})"

    def list(self, part: ListField, above: str | None) -> str:
        """A connection: what it needs of its page is read once, and only if it is selected."""
        if part.page.backward or any(isinstance(inner, PageInfoPart) for inner in part.parts):
            return self.numbered_list(part, above)
        pairs = [(inner.key, self.plain_part(part, inner, above)) for inner in part.parts]
        return f"({self.single(pairs, '')})"

    def plain_part(self, part: ListField, inner: Any, above: str | None) -> str:
        """One part of a connection that needs no numbering of its rows."""
        alias = self.alias(part.node)
        match inner:
            case NodesPart():
                pairs = self.fields(inner.shows, alias)
            case EdgesPart():
                pairs = self.edge(part, inner, alias)
            case CountPart():
                return f"(select count(*) {self.conditions.rows(part, alias, above)})"
            case _:
                return f"{literal(inner.text)}::text"
        return f"({self.rows(pairs, self.page(part, alias, above, extra=0))})"

    def edge(self, part: ListField, inner: EdgesPart, alias: str) -> Pairs:
        """The parts of an edge over the row called `alias`."""
        return [(key, self.edge_part(part, shown, alias)) for key, shown in inner.parts]

    def edge_part(self, part: ListField, shown: ObjectPlan | Constant | None, alias: str) -> str:
        """The cursor of an edge, its node, or its type's name."""
        if shown is None:
            return self.cursor(part, alias)
        if isinstance(shown, Constant):
            return f"{literal(shown.text)}::text"
        return f"({self.single(self.fields(shown, alias), '')})"

    def page(self, part: ListField, alias: str, above: str | None, *, extra: int) -> str:
        """The rows of a page in its order, from the end it is counted from."""
        order = order_text(part.order, alias, backward=part.page.backward)
        limit = part.page.size + extra
        around = self.conditions.between(part, alias)
        return f"{self.conditions.rows(part, alias, above, *around)} order by {order} limit {limit}"

    def numbered_list(self, part: ListField, above: str | None) -> str:
        """A connection whose rows are numbered from the end the page is counted from, with one row too many.

        HAVING makes it one row also where nothing that is selected is counted over the rows.
        """
        alias = self.alias(part.node)
        page = f"(select * {self.page(part, alias, above, extra=1)}) {alias}"
        numbered = f'(select {alias}.*, row_number() over () as "#", count(*) over () as "##" from {page}) {alias}'
        pairs = [(inner.key, self.numbered_part(part, inner, alias, above)) for inner in part.parts]
        return f"({self.single(pairs, f'from {numbered} having true')})"

    def numbered_part(self, part: ListField, inner: Any, alias: str, above: str | None) -> str:
        """One part of a connection over its numbered rows."""
        size = part.page.size
        match inner:
            case NodesPart() | EdgesPart():
                pairs = (
                    self.fields(inner.shows, alias) if isinstance(inner, NodesPart) else self.edge(part, inner, alias)
                )
                order = f' order by {alias}."#" desc' if part.page.backward else ""
                listed = f"json_agg(({self.single(pairs, '')}){order})"
                inside = f'{alias}."#" <= {size}'
                return f"coalesce({listed} filter (where {inside}), '[]')"
            case PageInfoPart():
                told = [(key, self.page_info(part, name, alias, above)) for key, name in inner.parts]
                return f"json_build_object({', '.join(f'{literal(key)}, {sql}' for key, sql in told)})"
            case CountPart():
                counted = self.alias(part.node)
                return f"(select count(*) {self.conditions.rows(part, counted, above)})"
        return f"{literal(inner.text)}::text"

    def page_info(self, part: ListField, name: str, alias: str, above: str | None) -> str:
        """One field of `pageInfo`. What lies beyond the cursors around a page is looked for if asked."""
        page, size = part.page, part.page.size
        if name == "__typename":
            return "'PageInfo'::text"
        if name in {"startCursor", "endCursor"}:
            near = (name == "startCursor") is not page.backward
            place = "1" if near else f'least({size}, {alias}."##")'
            inside = f'{alias}."#" = {place} and {alias}."#" <= {size}'
            return f"max({self.cursor(part, alias)}) filter (where {inside})"
        beyond = self.conditions.beyond(part, self.alias(part.node), above, after=name == "hasNextPage")
        ahead = (name == "hasNextPage") is not page.backward
        return f"(count(*) > {size} or {beyond})" if ahead else beyond

    def cursor(self, part: ListField, alias: str) -> str:
        """Where the row called `alias` stands in its list, as opaque text on one line."""
        values = ", ".join(column_text(alias, key.column) for key in keys(part.order))
        made = f"json_build_array({literal(signature(part.order))}, {values})::text"
        return f"translate(encode(convert_to({made}, 'UTF8'), 'base64'), E'\\n', '')"

    def row(self, pairs: Pairs) -> str:
        """The JSON of one object whose values are expressions of the rows in scope."""
        return f"({self.single(pairs, '')})"

    def single(self, pairs: Pairs, tail: str) -> str:
        """The select of one object's JSON over the rows of `tail`."""
        if fits(pairs):
            return f'select row_to_json("{{}}") from (select {columns(pairs)} {tail}) "{{}}"'
        return f"select {spelled(pairs)} {tail}"

    def rows(self, pairs: Pairs, tail: str) -> str:
        """The select of a list's JSON over the rows of `tail`."""
        if fits(pairs):
            return (
                f'select coalesce(json_agg(row_to_json("{{}}")), \'[]\') from (select {columns(pairs)} {tail}) "{{}}"'
            )
        return f'select coalesce(json_agg("{{}}".made), \'[]\') from (select {spelled(pairs)} as made {tail}) "{{}}"'


def order_text(order: tuple[SortKey, ...], alias: str, *, backward: bool) -> str:
    """The ORDER BY of a list, reversed where its page is counted from the end."""
    told = [(column_text(alias, key.column), key.descending is not backward) for key in keys(order)]
    return ", ".join(f"{column} desc" if descending else column for column, descending in told)


def fits(pairs: Pairs) -> bool:
    """Whether every response key can be the name of a column."""
    return all(len(key) <= KEY_BYTES_MAX for key, _ in pairs)


def columns(pairs: Pairs) -> str:
    """The select list whose names are the response keys."""
    return ", ".join(f'{sql} as "{key}"' for key, sql in pairs)


def spelled(pairs: Pairs) -> str:
    """The JSON of an object spelled out as text, for response keys too long to be names."""
    quoted = [(literal(f'"{key}":'), sql) for key, sql in pairs]
    parts = " || ',' || ".join(f"{key} || coalesce(to_json({sql})::text, 'null')" for key, sql in quoted)
    return f"('{{' || {parts} || '}}')::json"


def literal(text: str) -> str:
    """A text of our own or a GraphQL name as an SQL literal; nothing a request says is ever one."""
    if not all(character.isalnum() or character in '_":+-,.' for character in text):
        raise ValueError(f"{text!r} is no name")
    return f"'{text}'"
