"""Searches in SQL: candidates of every node by its indexes, the best of them, and the JSON of these alone.

A column called `#` holds the number of a row's node in the search, `##` its key, and `###` how well it matches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.kernel.tables import SORTED
from resolvers.reading.conditions import Conditions
from resolvers.reading.expressions import column_text
from resolvers.reading.rows import Pairs, literal, single
from resolvers.reading.shapes import FoundPart, Matches, MorePart, ObjectPlan, SearchField
from schema.nodes import NodeType

NOTHING = 'select 0 as "#", 0::bigint as "##", 0::double precision as "###" where false'
LAST = 0x10FFFF
"""The code of the last character, which follows all that begins with a text."""


class SearchPrinter:
    """Prints the searches of one statement."""

    def __init__(
        self, conditions: Conditions, alias: Callable[[NodeType], str], fields: Callable[[ObjectPlan, str], Pairs]
    ) -> None:
        """Print searches whose rows are restricted by `conditions`, named by `alias` and shown by `fields`."""
        self.conditions = conditions
        self.alias = alias
        self.fields = fields

    def search(self, part: SearchField) -> str:
        """A search: one row too many says whether there are more. HAVING makes it one row whatever is selected."""
        found = " union all ".join(self.hits(part, number) for number in range(len(part.nodes))) or NOTHING
        order = '"###" desc, "#", "##" desc'
        best = f'select hit.*, row_number() over (order by {order}) as "place" from ({found}) hit'
        tail = f'from ({best} order by "place" limit {part.size + 1}) hit having true'
        return f"({single([(inner.key, self.part(part, inner)) for inner in part.parts], tail)})"

    def part(self, part: SearchField, inner: Any) -> str:
        """One field of what a search answers."""
        match inner:
            case FoundPart(shows=shows):
                cases = " ".join(f"when {number} then {self.shown(plan)}" for number, plan in enumerate(shows))
                made = f'case hit."#" {cases} end' if cases else "null::json"
                return f'coalesce(json_agg({made} order by "place") filter (where "place" <= {part.size}), \'[]\')'
            case MorePart():
                return f"count(*) > {part.size}"
        return f"{literal(inner.text)}::text"

    def shown(self, plan: ObjectPlan) -> str:
        """The JSON of one hit, which was found to be visible."""
        alias = self.alias(plan.node)
        tail = f'from {plan.node.table.__tablename__} {alias} where {alias}.id = hit."##"'
        return f"({single(self.fields(plan, alias), tail)})"

    def hits(self, part: SearchField, number: int) -> str:
        """The candidates of one node with how well they match: each row is looked up, for they are few."""
        node = part.nodes[number]
        alias = self.alias(node)
        begun = [self.begun(part, node, column) for column in node.search if is_sorted(node, column)]
        keys = " union ".join([*begun, self.matching(part, node)])
        named = f"from {node.table.__tablename__} {alias} where {alias}.id = candidate.id limit 1"
        row = f'select {alias}.id as "##", {self.score(part, node, alias)} as "###" {named}'
        return f'select {number} as "#", {alias}.* from ({keys}) candidate cross join lateral ({row}) {alias}'

    def matching(self, part: SearchField, node: NodeType) -> str:
        """The keys of so many rows that have all words.

        They are planned as if all were wanted, or PostgreSQL might read the table until it has met so many; and they
        are read only until there are so many.
        """
        alias = self.alias(node)
        words = self.conditions.matches(Matches(node.search, part.sought.words, part.sought.every), alias)
        told = " and ".join([words, *self.conditions.guard(node, alias, guarded=True)])
        every = f"select {alias}.id from {node.table.__tablename__} {alias} where {told}"
        return f"(with {alias} as materialized ({every}) select id from {alias} limit {part.candidates})"

    def begun(self, part: SearchField, node: NodeType, column: str) -> str:
        """The keys of the first rows whose `column` begins with the text in one of its forms, by its index."""
        alias, forms = self.alias(node), self.conditions.parameters.add(part.sought.forms)
        name = column_text(alias, column)
        told = [f"{name} >= form", f"{name} < form || chr({LAST})", *self.conditions.guard(node, alias, guarded=True)]
        first = f"select {alias}.id from {node.table.__tablename__} {alias} where {' and '.join(told)}"
        each = f"{first} order by {name} limit {part.candidates}"
        return f"select begun.id from unnest({forms}) form cross join lateral ({each}) begun"

    def score(self, part: SearchField, node: NodeType, alias: str) -> str:
        """How well a row matches: by its best text, 3 where that is what was searched for and 2 where it begins so."""
        sought = f"folded({self.conditions.parameters.add(part.sought.text)})"
        texts = ", ".join(f"folded({column_text(alias, column)})" for column in node.search)
        kind = f"case when told = {sought} then 3 when starts_with(told, {sought}) then 2 else 0 end"
        return f"(select max({kind} + similarity(told, {sought})) from unnest(array[{texts}]) told)"


def is_sorted(node: NodeType, column: str) -> bool:
    """Whether an index has the rows of `node` in the order of `column`, by its characters' codes."""
    table: Any = node.table.__table__
    leads = any(index.columns and index.columns[0].name == column for index in table.indexes)
    return (table.c[column].unique or leads) and table.c[column].type.collation == SORTED.collation
