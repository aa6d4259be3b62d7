"""Connections in SQL: pages of rows, their edges and cursors, and where a page stands in its list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Numeric

from resolvers.reading.aggregates import GroupPrinter
from resolvers.reading.conditions import Conditions
from resolvers.reading.expressions import column_text
from resolvers.reading.keyset import keys, signature
from resolvers.reading.rows import Pairs, literal, rows, single
from resolvers.reading.shapes import (
    Constant,
    CountPart,
    EdgesPart,
    GroupsPart,
    ListField,
    NodesPart,
    ObjectPlan,
    PageInfoPart,
    SortKey,
)
from schema.nodes import NodeType


class ListPrinter:
    """Prints the connections of one statement."""

    def __init__(
        self, conditions: Conditions, alias: Callable[[NodeType], str], fields: Callable[[ObjectPlan, str], Pairs]
    ) -> None:
        """Print lists whose rows are restricted by `conditions`, named by `alias` and shown by `fields`."""
        self.conditions = conditions
        self.alias = alias
        self.fields = fields
        self.grouped = GroupPrinter(conditions, alias, fields)

    def list(self, part: ListField, above: str | None) -> str:
        """A connection: what it needs of its page is read once, and only if it is selected."""
        if part.page.backward or any(isinstance(inner, PageInfoPart) for inner in part.parts):
            return self.numbered_list(part, above)
        first, rollup = self.rollup(part, above)
        pairs = [(inner.key, self.plain_part(part, inner, above, rollup)) for inner in part.parts]
        return f"({first}{single(pairs, '')})"

    def rollup(self, part: ListField, above: str | None) -> tuple[str, str | None]:
        """What comes before a connection's SELECT, and the name it gives to what count and groups are made of."""
        if part.rollup is None:
            return "", None
        name = self.alias(part.node)
        return f"with {name} as materialized ({self.grouped.grouped(part.rollup, part, above)}) ", name

    def plain_part(self, part: ListField, inner: Any, above: str | None, rollup: str | None) -> str:
        """One part of a connection that needs no numbering of its rows."""
        alias = self.alias(part.node)
        match inner:
            case NodesPart():
                pairs = self.fields(inner.shows, alias)
            case EdgesPart():
                pairs = self.edge(part, inner, alias)
            case CountPart():
                return self.count(part, above, rollup)
            case GroupsPart():
                return self.grouped.groups(inner, part, above, rollup)
            case _:
                return f"{literal(inner.text)}::text"
        return f"({rows(pairs, self.page(part, alias, above, extra=0))})"

    def count(self, part: ListField, above: str | None, rollup: str | None) -> str:
        """How many rows the whole list has."""
        alias = self.alias(part.node)
        if rollup is not None:
            return f"(select coalesce(sum({alias}.n), 0) from {rollup} {alias})"
        return f"(select count(*) {self.conditions.rows(part, alias, above)})"

    def edge(self, part: ListField, inner: EdgesPart, alias: str) -> Pairs:
        """The parts of an edge over the row called `alias`."""
        return [(key, self.edge_part(part, shown, alias)) for key, shown in inner.parts]

    def edge_part(self, part: ListField, shown: ObjectPlan | Constant | None, alias: str) -> str:
        """The cursor of an edge, its node, or its type's name."""
        if shown is None:
            return self.cursor(part, alias)
        if isinstance(shown, Constant):
            return f"{literal(shown.text)}::text"
        return f"({single(self.fields(shown, alias), '')})"

    def page(self, part: ListField, alias: str, above: str | None, *, extra: int) -> str:
        """The rows of a page in its order, from the end it is counted from.

        Alternatives are read apart, each no further than the page may need, for an index answers each alone.
        """
        order = order_text(part.order, alias, backward=part.page.backward)
        tail = f"order by {order} limit {part.page.size + extra}"
        found = [
            f"{self.conditions.rows(part, alias, above, around)} {tail}"
            for around in self.conditions.between(part, alias)
        ]
        if len(found) == 1:
            return found[0]
        return f"from ({' union all '.join(f'(select {alias}.* {rows})' for rows in found)}) {alias} {tail}"

    def numbered_list(self, part: ListField, above: str | None) -> str:
        """A connection whose rows are numbered from the end the page is counted from, with one row too many.

        HAVING makes it one row also where nothing that is selected is counted over the rows.
        """
        alias = self.alias(part.node)
        page = f"(select * {self.page(part, alias, above, extra=1)}) {alias}"
        numbered = f'(select {alias}.*, row_number() over () as "#", count(*) over () as "##" from {page}) {alias}'
        first, rollup = self.rollup(part, above)
        pairs = [(inner.key, self.numbered_part(part, inner, alias, above, rollup)) for inner in part.parts]
        return f"({first}{single(pairs, f'from {numbered} having true')})"

    def numbered_part(self, part: ListField, inner: Any, alias: str, above: str | None, rollup: str | None) -> str:
        """One part of a connection over its numbered rows."""
        size = part.page.size
        match inner:
            case NodesPart() | EdgesPart():
                pairs = (
                    self.fields(inner.shows, alias) if isinstance(inner, NodesPart) else self.edge(part, inner, alias)
                )
                order = f' order by {alias}."#" desc' if part.page.backward else ""
                listed = f"json_agg(({single(pairs, '')}){order})"
                inside = f'{alias}."#" <= {size}'
                return f"coalesce({listed} filter (where {inside}), '[]')"
            case PageInfoPart():
                told = [(key, self.page_info(part, name, alias, above)) for key, name in inner.parts]
                return f"json_build_object({', '.join(f'{literal(key)}, {sql}' for key, sql in told)})"
            case CountPart():
                return self.count(part, above, rollup)
            case GroupsPart():
                return self.grouped.groups(inner, part, above, rollup)
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
        beyond = self.beyond(part, above, after=name == "hasNextPage")
        ahead = (name == "hasNextPage") is not page.backward
        return f"(count(*) > {size} or {beyond})" if ahead else beyond

    def beyond(self, part: ListField, above: str | None, *, after: bool) -> str:
        """Whether the list goes on beyond a cursor of the page, looked for from the cursor on, so that one step tells.

        The limit stands in a query of its own: PostgreSQL leaves out both order and limit of what only has to exist.
        """
        alias = self.alias(part.node)
        order = order_text(part.order, alias, backward=not after)
        told = [self.conditions.alternative(bounds, alias) for bounds in self.conditions.beyond(part, after=after)]
        near = [f"(select {self.conditions.rows(part, alias, above, text)} order by {order} limit 1)" for text in told]
        exist = [f"exists (select from {rows} {alias})" for rows in near]
        return f"({' or '.join(exist)})" if len(exist) > 1 else "".join(exist) or "false"

    def cursor(self, part: ListField, alias: str) -> str:
        """Where the row called `alias` stands in its list, as opaque text on one line; decimals keep their digits."""
        columns = part.node.table.__table__.c
        values = ", ".join(
            f"trim_scale({text})::text" if isinstance(columns[key.column].type, Numeric) else text
            for key, text in ((key, column_text(alias, key.column)) for key in keys(part.order))
        )
        made = f"json_build_array({literal(signature(part.order))}, {values})::text"
        return f"translate(encode(convert_to({made}, 'UTF8'), 'base64'), E'\\n', '')"


def order_text(order: tuple[SortKey, ...], alias: str, *, backward: bool) -> str:
    """The ORDER BY of a list, reversed where its page is counted from the end."""
    told = [(column_text(alias, key.column), key.descending is not backward) for key in keys(order)]
    return ", ".join(f"{column} desc" if descending else column for column, descending in told)
