"""A slow and simple reader, to compare the compiled one with.

Lists of the rows of a world are filtered, sorted and paged in Python, and graphql-core itself executes the operation
over a schema made from the printed SDL.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLResolveInfo, build_schema, execute_sync, parse

from app.kernel.identity import decode_id, encode_id, token_hash
from app.kernel.principal import Principal
from schema.answers import Listing, Lookup, Many, One, OneOf, References, Scalar, Value
from schema.names import camel
from schema.nodes import Field
from tests.reading.comparing import compared
from tests.reading.naive_groups import GroupOf, groups, of_group
from tests.reading.naive_questions import RecordOf, answered, of_record
from tests.reading.naive_searches import found_by, hits
from tests.reading.naive_world import Row, World
from tests.reading.spelling import told

Order = tuple[tuple[str, bool], ...]
"""Columns, each with whether it descends; the id is always among them."""
PAGE_DEFAULT = 20
EVENT_CURSOR = "cursor"
"""Stands for every cursor of the event log, of which only PostgreSQL knows the snapshot."""


@dataclass(frozen=True)
class Found:
    """One row of a node; `granted` where a token let the caller see it and what belongs to it."""

    node: str
    key: int
    granted: bool = False


@dataclass(frozen=True)
class Held:
    """A value object of a row."""

    owner: Found
    answer: Value


@dataclass(frozen=True)
class PageOf:
    """One page of a list of a node: its rows, the whole list's, what lies around it, and the order of its cursors."""

    node: str
    shown: Sequence[Found]
    whole: Sequence[Found]
    order: Order
    anything_before: bool
    anything_after: bool


class BadId(GraphQLError):
    """An id in a filter is none, or of something else."""

    def __init__(self) -> None:
        super().__init__("This is no such id.", extensions={"code": "INVALID_ID"})


@dataclass(frozen=True)
class Refused:
    """A list of which nothing can be read; graphql-core would take the error itself for one that was raised."""

    why: BadId


@dataclass(frozen=True)
class EdgeOf:
    """One row of a page."""

    page: PageOf
    shows: Found


class Naive:
    """Executes operations over a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.graph = world.graph
        self.schema = build_schema(world.graph.sdl, assume_valid=True)

    def execute(
        self, document: str, variables: dict[str, Any], caller: Principal, *, name: str | None = None
    ) -> ExecutionResult:
        """What the operation, or that of several which is called `name`, answers by graphql-core."""
        answered = execute_sync(
            self.schema,
            parsed(document),
            variable_values=variables,
            operation_name=name,
            context_value=caller,
            field_resolver=self._resolve,
            type_resolver=lambda found, *_: found.node,
        )
        assert isinstance(answered, ExecutionResult)
        return answered

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """The value of any field."""
        name, caller = info.field_name, info.context
        match source:
            case None:
                return self._root(name, arguments, caller)
            case Found():
                return self._field(source, name, arguments, caller)
            case Held():
                parts = {camel(part): expression for part, expression in source.answer.parts.items()}
                return told(self.world.told[source.owner.node, parts[name]][source.owner.key])
            case PageOf():
                return self._of_page(source, name, arguments, caller)
            case Refused():
                raise source.why
            case GroupOf():
                return of_group(self, source, name)
            case RecordOf():
                return of_record(self, source, name, caller)
            case EdgeOf():
                return self.cursor(source.page.order, source.shows) if name == "cursor" else source.shows
        assert isinstance(source, dict)
        return source[name]

    def _root(self, name: str, arguments: dict[str, Any], caller: Principal) -> Any:
        """One root field."""
        if name == "node":
            return there(self._visible(arguments["id"], None, caller))
        if name == "nodes":
            return [self._visible(each, None, caller) for each in arguments["ids"]]
        if name == "search":
            best = [Found(*hit) for hit in hits(self.world, arguments, caller)]
            size = PAGE_DEFAULT if arguments.get("first") is None else arguments["first"]
            return {"nodes": best[:size], "hasMore": len(best) > size}
        if name == "eventCursor":
            return EVENT_CURSOR
        if name in self.graph.questions:
            (about,) = arguments.values()
            return answered(self, name, about, caller)
        declared = self.graph.queries[name]
        if isinstance(declared.answer, Listing):
            return self._list(declared.node, None, declared.answer, arguments, caller)
        ((key, value),) = ((key, value) for key, value in arguments.items() if value is not None)
        if key == "id":
            return there(self._visible(value, declared.node, caller))
        return there(self._by_key(declared.node, declared.answer, key, value, caller))

    def _visible(self, text: str, wanted: str | None, caller: Principal) -> Found | None:
        """The row of a global id, where the caller sees it and it is of the node that is wanted."""
        told = decode_id(text)
        if told is None or (wanted or told.type_name) != told.type_name or told.type_name not in self.graph.nodes:
            return None
        return Found(told.type_name, told.key) if told.key in self.world.seen[told.type_name, caller] else None

    def _by_key(self, node: str, answer: Lookup, key: str, value: str, caller: Principal) -> Found | None:
        """The row with a natural key, or with a token or its hash."""
        granted = key == "token"
        column = answer.token if granted else next(column for column in answer.keys if camel(column) == key)
        wanted = (value, token_hash(value)) if granted else (value,)
        for row in self.world.rows[node].values():
            if row[str(column)] in wanted and (granted or row["id"] in self.world.seen[node, caller]):
                return Found(node, row["id"], granted)
        return None

    def _field(self, found: Found, name: str, arguments: dict[str, Any], caller: Principal) -> Any:
        """One field of a row."""
        if name == "id":
            return encode_id(found.node, found.key)
        node = self.graph.nodes[found.node]
        match (declared := allowed(node.fields[name], caller)).answer:
            case Scalar(expression=expression):
                return told(self.world.told[found.node, expression][found.key])
            case Value(present=present):
                there = self.world.told[found.node, present][found.key] is not None
                return Held(found, declared.answer) if there else None
            case References():
                return self.world.rows[found.node][found.key]["external_references"]
            case One(key=key):
                return self.one(found, str(declared.target), key, caller)
            case OneOf():
                named = ((key, to) for key, to in declared.branches if self._row(found)[key] is not None)
                return next((self.one(found, to, key, caller) for key, to in named), None)
        assert isinstance(declared.answer, Many)
        return self._list(str(declared.target), found, declared.answer, arguments, caller)

    def one(self, found: Found, target: str, column: str, caller: Principal) -> Found | None:
        """The row that a foreign key names, where the caller sees it."""
        key = self.world.rows[found.node][found.key][column]
        granted = found.granted and self._implied(found.node, column)
        return Found(target, key, granted) if granted and key is not None else self.seen(target, key, caller)

    def seen(self, node: str, key: int | None, caller: Principal) -> Found | None:
        """The row of `node` with a key, where there is one and the caller sees it."""
        return Found(node, key) if key is not None and key in self.world.seen[node, caller] else None

    def _implied(self, node: str, column: str) -> bool:
        """Whether who may see the row of `column` may see the row of `node` that names it."""
        through = self.graph.nodes[node].visibility.through
        return through is not None and through.key == column

    def _list(
        self, node: str, above: Found | None, answer: Many | Listing, arguments: dict[str, Any], caller: Principal
    ) -> PageOf | Refused:
        """One page of a list; a bad id in its filter is told once anything is read of it."""
        beside = self._beside(node, above, answer.key) if isinstance(answer, Many) and above else self._all(node)
        where = arguments.get("where") or {}
        try:
            kept = [found for found in beside if self._sees(found, caller) and self.matches(found, where, caller)]
        except BadId as refused:
            return Refused(refused)
        for sort in arguments.get("sort") or ():
            allowed(self.graph.nodes[node].fields[self.graph.nodes[node].sorts[sort].field], caller)
        order = self.order_of(node, arguments.get("sort"), answer.order_by)
        return self._page(node, self._sorted(kept, order), order, arguments)

    def _all(self, node: str) -> list[Found]:
        return [Found(node, key) for key in self.world.rows[node]]

    def _beside(self, node: str, above: Found, column: str) -> list[Found]:
        """The rows of `node` whose `column` names the row above; what a token opened, it opens with its parts."""
        granted = above.granted and self._implied(node, column)
        return [Found(node, key, granted) for key, row in self.world.rows[node].items() if row[column] == above.key]

    def _sees(self, found: Found, caller: Principal) -> bool:
        return found.granted or found.key in self.world.seen[found.node, caller]

    def _row(self, found: Found) -> Row:
        return self.world.rows[found.node][found.key]

    def order_of(self, node: str, sort: Sequence[str] | None, otherwise: str) -> Order:
        """The order of a list: of two mentions of a column the first counts."""
        order: dict[str, bool] = {}
        for asked in sort or ():
            offered = self.graph.nodes[node].sorts[asked]
            order.setdefault(offered.column, offered.descending)
        order = order or {otherwise: False}
        return tuple({**order, "id": order.get("id", list(order.values())[-1])}.items())

    def _sorted(self, rows: list[Found], order: Order) -> list[Found]:
        """Rows in an order, by one stable sort for each column from the last to the first; null is above all."""
        for column, descends in reversed(order):
            there = [found for found in rows if self._row(found)[column] is not None]
            null = [found for found in rows if self._row(found)[column] is None]
            there.sort(key=lambda found: self._row(found)[column], reverse=descends)
            rows = null + there if descends else there + null
        return rows

    def _page(self, node: str, whole: list[Found], order: Order, arguments: dict[str, Any]) -> PageOf:
        """The part of a list, in its order, that its arguments ask for."""
        after, before = arguments.get("after"), arguments.get("before")
        start = 0 if after is None else self._place(whole, order, after, inclusive=True)
        end = len(whole) if before is None else self._place(whole, order, before, inclusive=False)
        first, last = arguments.get("first"), arguments.get("last")
        low, high = start, max(start, end)
        if last is not None:
            low = max(low, high - last)
        else:
            high = min(high, low + (PAGE_DEFAULT if first is None else first))
        return PageOf(
            node=node,
            shown=whole[low:high],
            whole=whole,
            order=order,
            anything_before=start > 0 or low > start,
            anything_after=end < len(whole) or high < end,
        )

    def _place(self, whole: list[Found], order: Order, cursor: str, *, inclusive: bool) -> int:
        """How many rows of a list stand before the row of a cursor, and it too if `inclusive`."""
        if not whole:
            return 0
        (mark,) = (found for found in self._all(whole[0].node) if self.cursor(order, found) == cursor)
        before = 0
        for found in whole:
            same = found.key == mark.key
            before += inclusive if same else self._sorted([mark, found], order)[0] is found
        return before

    def cursor(self, order: Order, found: Found) -> str:
        """The cursor of a row in an order."""
        made_for = ",".join(f"{column}{'-' if descends else '+'}" for column, descends in order)
        keys = [made_for, *(told(self._row(found)[column]) for column, _ in order)]
        return base64.b64encode(json.dumps(keys, ensure_ascii=False).encode()).decode()

    def _of_page(self, page: PageOf, name: str, arguments: dict[str, Any], caller: Principal) -> Any:
        """One field of a connection."""
        if name == "nodes":
            return page.shown
        if name == "totalCount":
            return len(page.whole)
        if name == "groups":
            return groups(self, page.node, page.whole, arguments, caller)
        if name == "edges":
            return [EdgeOf(page, found) for found in page.shown]
        return {
            "hasNextPage": page.anything_after,
            "hasPreviousPage": page.anything_before,
            "startCursor": self.cursor(page.order, page.shown[0]) if page.shown else None,
            "endCursor": self.cursor(page.order, page.shown[-1]) if page.shown else None,
        }

    def matches(self, found: Found, where: Mapping[str, Any], caller: Principal) -> bool:
        """Whether a row matches a filter; a key that was given null says nothing."""
        told = ((key, value) for key, value in where.items() if value is not None)
        return all(self._matches_key(found, key, value, caller) for key, value in told)

    def _matches_key(self, found: Found, key: str, value: Any, caller: Principal) -> bool:
        match key:
            case "and":
                return all(self.matches(found, part, caller) for part in value)
            case "or":
                return any(self.matches(found, part, caller) for part in value)
            case "not":
                return not self.matches(found, value, caller)
            case "id":
                return self._matches_id(found, value)
            case "search":
                return found_by(value, self._row(found), self.graph.nodes[found.node])
        match (declared := allowed(self.graph.nodes[found.node].fields[key], caller)).answer:
            case One(key=column):
                one = self.one(found, str(declared.target), column, caller)
                return one is not None and self.matches(one, value, caller)
            case Many(key=column):
                beside = self._beside(str(declared.target), found, column)
                return self._matches_list([each for each in beside if self._sees(each, caller)], value, caller)
            case Value():
                return self._matches_value(found, declared.answer, value)
        assert isinstance(declared.answer, Scalar)
        present = self.world.told[found.node, declared.answer.expression][found.key]
        return all(compared(operator, present, given) for operator, given in value.items())

    def _matches_id(self, found: Found, value: Mapping[str, Any]) -> bool:
        """Whether the id of a row matches; ids of nothing and of other nodes are refused."""
        for given in value.values():
            for text in given if isinstance(given, list) else [given]:
                named = decode_id(text) if text is not None else None
                if text is not None and (named is None or named.type_name != found.node):
                    raise BadId
        return all(compared(operator, encode_id(found.node, found.key), given) for operator, given in value.items())

    def _matches_value(self, found: Found, answer: Value, value: Mapping[str, Any]) -> bool:
        """Whether the parts of a value match; all are null where there is none."""
        parts = {camel(name): part for name, part in answer.parts.items()} | {"isNull": answer.present}
        asked = {name: {"isNull": given} if name == "isNull" else given or {} for name, given in value.items()}
        told = {name: self.world.told[found.node, part][found.key] for name, part in parts.items()}
        told = told if told["isNull"] is not None else dict.fromkeys(told)
        return all(compared(each, told[name], given) for name in asked for each, given in asked[name].items())

    def _matches_list(self, rows: list[Found], value: Mapping[str, Any], caller: Principal) -> bool:
        """Whether `some`, `every` and `none` of the rows of a list match as they are to."""
        some, every, none = value.get("some"), value.get("every"), value.get("none")
        if some is not None and not any(self.matches(row, some, caller) for row in rows):
            return False
        if every is not None and not all(self.matches(row, every, caller) for row in rows):
            return False
        return none is None or not any(self.matches(row, none, caller) for row in rows)


@lru_cache(maxsize=1)
def parsed(document: str) -> DocumentNode:
    """A document, parsed once for all who ask it."""
    return parse(document)


def allowed(field: Field, caller: Principal) -> Field:
    """A field of a node, where the caller may read it."""
    if field.answer.roles is None or field.answer.roles & caller.roles:
        return field
    raise GraphQLError("You may not read this.", extensions={"code": "FORBIDDEN"})


def there(found: Found | None) -> Found:
    """What a lookup found; the error that it found nothing, where it did not."""
    if found is not None:
        return found
    raise GraphQLError("There is no such object, or you may not see it.", extensions={"code": "NOT_FOUND"})
