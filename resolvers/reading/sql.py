"""From a plan to one SQL statement: pure text and the slots of its parameters.

Each root field is one column whose value is the field's JSON. Nested lists are correlated scalar sub-queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.kernel.principal import Role
from resolvers.reading import decoding
from resolvers.reading.conditions import Conditions
from resolvers.reading.expressions import column_text, expression_text
from resolvers.reading.hits import SearchPrinter
from resolvers.reading.lists import ListPrinter
from resolvers.reading.parameters import Parameters, Slots
from resolvers.reading.rows import Pairs, literal, rows, single
from resolvers.reading.shapes import (
    Constant,
    Identity,
    ListField,
    LogCursor,
    LookupField,
    Missing,
    NodesField,
    ObjectPlan,
    OneField,
    OneOfField,
    Plan,
    ReferencesField,
    ScalarField,
    SearchField,
    ValueField,
)
from resolvers.reading.sources import Slot, Source
from schema.names import snake
from schema.nodes import NodeType


@dataclass(frozen=True)
class Statement:
    """One statement: its text, its parameters in order, and the root keys whose columns it answers."""

    text: str
    slots: Slots
    keys: tuple[str, ...]


def print_query(plan: Plan, roles: frozenset[Role], log_cursor: str) -> Statement:
    """The statement that answers all root fields of `plan` in one snapshot."""
    printer = Printer(roles, log_cursor)
    answers = [printer.root(root) for root in plan.roots]
    text = "select\n" + ",\n".join(f'{sql} as "{index}"' for index, sql in enumerate(answers))
    return Statement(text, printer.parameters.slots(), tuple(root.key for root in plan.roots))


def print_objects(plan: ObjectPlan, roles: frozenset[Role], keys_of: Source, *, guarded: bool) -> Statement:
    """The statement that answers the objects with the keys `keys_of`, each as a row of its key and its JSON."""
    printer = Printer(roles, "null")
    alias = printer.alias(plan.node)
    given = printer.parameters.add(Slot(keys_of, decoding.same, "bigint[]"))
    conditions = [f"{alias}.id = any({given})", *printer.conditions.guard(plan.node, alias, guarded=guarded)]
    row = single(printer.fields(plan, alias), "")
    source = f"from {plan.node.table.__tablename__} {alias}\nwhere {' and '.join(conditions)}"
    text = f"select {alias}.id, ({row})::text\n{source}"
    return Statement(text, printer.parameters.slots(), ())


class Printer:
    """Prints the parts of one statement, numbering its aliases and parameters as it goes."""

    def __init__(self, roles: frozenset[Role], log_cursor: str) -> None:
        self.parameters = Parameters()
        self.conditions = Conditions(self.parameters, roles, self.alias)
        self.lists = ListPrinter(self.conditions, self.alias, self.fields)
        self.searches = SearchPrinter(self.conditions, self.alias, self.fields)
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
                return self.lists.list(part, None)
            case LookupField():
                return self.lookup(part)
            case SearchField():
                return self.searches.search(part)
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
        return f"({single(self.fields(part.shows, alias), tail)})"

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
            case OneOfField():
                return self.one_of(part, alias)
        assert isinstance(part, ListField)  # noqa: S101
        return self.lists.list(part, alias)

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
        return f"case when {present} is not null then ({single(pairs, '')}) end"

    def references(self, part: ReferencesField, alias: str) -> str:
        """What other systems call the row."""
        told = {"__typename": "'ExternalReference'::text"}
        pairs = [(key, told.get(name, f"reference.{name}")) for key, name in part.parts]
        source = f"jsonb_to_recordset({alias}.external_references) as reference(source text, value text)"
        return f"({rows(pairs, f'from {source}')})"

    def one_of(self, part: OneOfField, alias: str) -> str:
        """The row that the first column names that names any."""
        cases = (
            f"when {column_text(alias, branch.column)} is not null then {self.one(branch, alias)}"
            for branch in part.branches
        )
        return f"case {' '.join(cases)} end"

    def one(self, part: OneField, alias: str) -> str:
        """The row that this row names."""
        node = part.shows.node
        inner = self.alias(node)
        key = f"{inner}.id = {column_text(alias, part.column)}"
        conditions = [key, *self.conditions.guard(node, inner, guarded=part.guarded)]
        tail = f"from {node.table.__tablename__} {inner} where {' and '.join(conditions)}"
        return f"({single(self.fields(part.shows, inner), tail)})"
