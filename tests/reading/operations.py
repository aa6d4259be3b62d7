"""Operations drawn at random from the executable schema, each valid and each within what its caller may select.

Any two selections of one response key of a type are the same field with the same arguments, so they always merge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from hypothesis import strategies as st

from app.kernel.identity import encode_id
from app.kernel.principal import Principal
from schema.answers import Expression, Listing, Many, One, Scalar, Value
from schema.names import camel
from schema.nodes import NodeType
from tests.reading.drawn_abstract import ABSTRACT, above, anything, drawn_search
from tests.reading.drawn_groups import drawn_groups, group_field
from tests.reading.naive import Found, Naive
from tests.reading.naive_searches import words_of
from tests.reading.shop import Shop
from tests.reading.spelling import Name, literal, told

Picked = TypeVar("Picked")
DEPTH = 3
LONG = "k" * 70
"""A response key that ends so is longer than the name of a column may be."""
ZONES = (timezone.utc, timezone(timedelta(hours=5, minutes=30)))  # noqa: UP017
STRAY_IDS = ("junk", "", encode_id("Product", 10**9), encode_id("Nothing", 1), encode_id("Order", 1))


@dataclass(frozen=True)
class Drawn:
    """One operation with values for its variables, and who sends it."""

    document: str
    variables: dict[str, Any]
    caller: str

    def __repr__(self) -> str:
        """The operation as a failure shows it."""
        return f"{self.caller}: {json.dumps(self.variables)}\n{self.document}"


@dataclass
class Drawing:
    """An operation under way."""

    chance: Random
    naive: Naive
    caller: Principal
    cart_token: str
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def pick(self, options: Sequence[Picked]) -> Picked:
        """One of `options`."""
        return self.chance.choice(options)

    def maybe(self, percent: int) -> bool:
        """Whether something happens that does in `percent` of all cases."""
        return self.chance.random() * 100 < percent

    def some(self, most: int, *, least: int = 1) -> range:
        """As many turns as are drawn."""
        return range(self.chance.randint(least, most))

    def operation(self) -> str:
        """The whole document."""
        roots = " ".join(self.root() for _ in self.some(3))
        fragments = "\n".join(f"fragment {name} on {kind} {body}" for name, (kind, body) in self.fragments.items())
        declared = f"({' '.join(self.declared.values())})" if self.declared else ""
        return f"query Drawn{declared} {{ {roots} }}\n{fragments}"

    def root(self) -> str:
        """One root field."""
        kind = self.pick(("listing", "listing", "listing", "lookup", "lookup", "node", "nodes", "search", "typename"))
        if kind == "typename":
            return "__typename"
        if kind == "node":
            return f"{self.fresh()}: node(id: {self.value('ID!', self.identity())}) {anything(self, 'Node', DEPTH)}"
        if kind == "nodes":
            ids = [self.identity() for _ in self.some(3, least=0)]
            return f"{self.fresh()}: nodes(ids: {self.value('[ID!]!', ids)}) {anything(self, 'Node', DEPTH)}"
        if kind == "search":
            return drawn_search(self)
        queries = self.naive.graph.queries
        name = self.pick([name for name in queries if isinstance(queries[name].answer, Listing) is (kind == "listing")])
        if kind == "lookup":
            return self.directed(f"{self.fresh()}: {name}({self.lookup(name)})") + self.object(
                queries[name].node, DEPTH
            )
        return self.connection("Query", name, queries[name].node, DEPTH)

    def lookup(self, name: str) -> str:
        """The one argument of a lookup, and sometimes another that is null."""
        root = self.naive.schema.query_type
        assert root is not None
        arguments, node = root.fields[name].args, self.naive.graph.queries[name].node
        key = self.pick(tuple(arguments))
        given = self.identity(node) if key == "id" else self.pick([*self.keys(node, key), "nothing"])
        kind = f"{str(arguments[key].type).removesuffix('!')}!"
        others = [f"{other}: null" for other in arguments if other != key and self.maybe(10)]
        return ", ".join([f"{key}: {self.value(kind, given)}", *others])

    def keys(self, node: str, key: str) -> list[str]:
        """The natural keys that rows of `node` have under the name `key`."""
        if key == "token":
            return [self.cart_token]
        rows = self.naive.world.rows[node].values()
        return [found for row in rows for column, found in row.items() if camel(column) == key and found is not None]

    def identity(self, node: str | None = None) -> str:
        """A global id: of a row that is there, seen or not, or of nothing."""
        if self.maybe(15):
            return self.pick(STRAY_IDS)
        node = node or self.pick(tuple(self.naive.graph.nodes))
        return encode_id(node, self.pick(tuple(self.naive.world.rows[node])))

    def fresh(self) -> str:
        """A response key that nothing else has."""
        return f"{self.pick(('r', 'R_'))}{next(self.numbers)}"

    def directed(self, text: str) -> str:
        """A field or fragment, sometimes with a directive."""
        if not self.maybe(12):
            return text
        name = self.pick(("include", "skip"))
        return f"{text} @{name}(if: {self.value('Boolean!', self.maybe(50))}) "

    def keyed(self, name: str, prefix: str = "") -> str:
        """A field that takes no arguments, under its own name or an alias that follows from it."""
        kind = self.pick(("plain", "plain", "plain", "alias", "long"))
        key = {"plain": name, "alias": f"b_{name}", "long": f"{name}_{LONG}"}[kind]
        return self.directed(f"{prefix}{key}: {name}" if prefix or key != name else name)

    def spread(self, kind: str, depth: int, *, prefixed: bool) -> str:
        """A fragment on `kind`: written in its place, named, or named before."""
        form = self.pick(("inline", "named", "again"))
        known = [name for name, (of, _) in self.fragments.items() if of == kind and name.endswith("P") is prefixed]
        if form == "again" and known:
            return self.directed(f"...{self.pick(known)}")
        several = kind in ABSTRACT
        body = anything(self, kind, max(0, depth - 1)) if several else self.object(kind, depth, prefixed=prefixed)
        if form == "inline":
            return self.directed(f"... on {kind}") + f" {body}"
        name = f"F{len(self.fragments)}{'P' if prefixed else ''}"
        self.fragments[name] = (kind, body)
        return self.directed(f"...{name}")

    def object(self, kind: str, depth: int, *, prefixed: bool = False) -> str:
        """A selection of an object; where other types stand beside it, with keys that only this type has."""
        type_ = self.naive.schema.type_map[kind]
        assert isinstance(type_, GraphQLObjectType)
        names = [name for name in type_.fields if self.may_read(kind, name) and (depth or self.is_flat(type_, name))]
        parts = ["id"] if "id" in names and not prefixed and self.maybe(60) else []
        for _ in self.some(4):
            if self.maybe(12):
                of = self.pick(above(self, kind)) if self.maybe(20) else kind
                parts.append(self.spread(of, max(0, depth - 1), prefixed=prefixed))
            elif self.maybe(8):
                parts.append("__typename")
            else:
                parts.append(self.selected(type_, self.pick(names), depth, prefix=f"{kind}_" if prefixed else ""))
        return f"{{ {' '.join(parts)} }}"

    def selected(self, type_: GraphQLObjectType, name: str, depth: int, *, prefix: str) -> str:
        """One field with what is selected of it."""
        inner = get_named_type(type_.fields[name].type)
        if is_leaf_type(inner):
            return self.keyed(name, prefix)
        if inner.name.endswith("Connection"):
            return self.connection(type_.name, name, inner.name.removesuffix("Connection"), depth - 1, prefix=prefix)
        below = anything if is_abstract_type(inner) else Drawing.object
        return f"{self.keyed(name, prefix)} {below(self, inner.name, max(0, depth - 1))}"

    def may_read(self, kind: str, name: str) -> bool:
        """Whether the caller may select a field."""
        node = self.naive.graph.nodes.get(kind)
        declared = node.fields.get(name) if node else group_field(self, kind, name)
        roles = declared.answer.roles if declared else None
        return roles is None or bool(roles & self.caller.roles)

    def is_flat(self, type_: GraphQLObjectType, name: str) -> bool:
        """Whether a field holds no objects of the graph."""
        inner = get_named_type(type_.fields[name].type)
        return is_leaf_type(inner) or inner.name in {"Money", "Address", "ExternalReference", "PageInfo"}

    def connection(self, owner: str, name: str, node: str, depth: int, *, prefix: str = "") -> str:
        """A list: without arguments, with new ones, or once more under a key that it has."""
        known = self.calls.setdefault((owner, name), [])
        form = self.pick(("plain", "new", "new", "again"))
        if form == "plain":
            call = f"{prefix}{name}: {name}"
        elif form == "again" and known:
            call = self.pick(known)
        else:
            call = f"{self.fresh()}: {name}{self.arguments(owner, name, node)}"
            known.append(call)
        parts = [self.part(node, max(0, depth)) for _ in self.some(4)]
        return f"{self.directed(call)} {{ {' '.join(parts)} }}"

    def part(self, node: str, depth: int) -> str:
        """One part of a connection."""
        form = self.pick(("nodes", "nodes", "edges", "pageInfo", "totalCount", "__typename", "groups"))
        if form == "groups":
            declared = self.naive.graph.nodes[node]
            return drawn_groups(self, declared, depth) if declared.groups else "__typename"
        if form == "nodes":
            return f"{self.keyed('nodes')} {self.object(node, depth)}"
        if form == "edges":
            edge = self.pick((["cursor"], ["node"], ["cursor", "node"], ["__typename", "node", "cursor"]))
            inner = [f"{self.keyed(part)} {self.object(node, depth) if part == 'node' else ''}" for part in edge]
            return f"{self.keyed('edges')} {{ {' '.join(inner)} }}"
        if form == "pageInfo":
            return f"{self.keyed('pageInfo')} {self.object('PageInfo', 0)}"
        return self.keyed(form)

    def arguments(self, owner: str, name: str, node: str) -> str:
        """The arguments of a list."""
        given: dict[str, Any] = {}
        graph = self.naive.graph
        answer = graph.queries[name].answer if owner == "Query" else graph.nodes[owner].fields[name].answer
        assert isinstance(answer, Listing | Many)
        offered = graph.nodes[node].sorts.items()
        sorts = [Name(sort) for sort, by in offered if self.may_read(node, by.field)]
        if sorts and self.maybe(50):
            given["sort"] = [self.pick(sorts) for _ in self.some(4, least=0)]
        if self.maybe(60):
            given[self.pick(("first", "last"))] = self.pick((2, 1, 3, 0, 20))
        for side in ("after", "before"):
            if self.maybe(30):
                given[side] = self.cursor(node, given.get("sort"), answer.order_by)
        if self.maybe(50):
            given["where"] = self.where(graph.nodes[node], 2)
        absent = [key for key in ("first", "last", "after", "before", "where") if key not in given and self.maybe(4)]
        types = {"first": "Int", "last": "Int", "after": "String", "before": "String"}
        types |= {"where": f"{node}Filter", "sort": f"[{node}Sort!]"}
        told = [
            f"{key}: {self.value(types[key], value, surely=key == 'sort')}"
            for key, value in {**given, **dict.fromkeys(absent)}.items()
        ]
        return f"({', '.join(told)})" if told else ""

    def cursor(self, node: str, sort: list[Name] | None, otherwise: str) -> str | None:
        """The cursor of some row of a list's table in the list's order."""
        rows = tuple(self.naive.world.rows[node])
        order = self.naive.order_of(node, [name.text for name in sort or ()], otherwise)
        return self.naive.cursor(order, Found(node, self.pick(rows))) if rows else None

    def where(self, node: NodeType, depth: int) -> dict[str, Any]:
        """A filter over a node."""
        given: dict[str, Any] = {}
        names = [name for name in self.filter_of(node).fields if name == "id" or self.may_filter(node, name, depth)]
        for name in (self.pick(names) for _ in self.some(2, least=depth > 0)):
            if name in ("and", "or"):
                given[name] = [self.where(node, depth - 1) for _ in self.some(2, least=0)]
            elif name == "not":
                given[name] = self.where(node, depth - 1)
            elif name == "search":
                given[name] = words_of(self.chance, self.naive.world.rows[node.name], node)
            else:
                given[name] = self.asked(node, name, depth)
        return given

    def filter_of(self, node: NodeType) -> GraphQLInputObjectType:
        """The type of a filter over a node."""
        found = self.naive.schema.type_map[f"{node.name}Filter"]
        assert isinstance(found, GraphQLInputObjectType)
        return found

    def may_filter(self, node: NodeType, name: str, depth: int) -> bool:
        """Whether the caller may filter by a field, and the filter is not too deep for it."""
        if name == "search":
            return bool(self.naive.world.rows[node.name])
        if name not in node.fields:
            return depth > 0
        return self.may_read(node.name, name) and (depth > 0 or isinstance(node.fields[name].answer, Scalar | Value))

    def asked(self, node: NodeType, name: str, depth: int) -> Any:
        """What is asked of one field."""
        if name == "id":
            operators = [self.pick(("eq", "ne", "in")) for _ in self.some(2)]
            real = [encode_id(node.name, key) for key in (*self.naive.world.rows[node.name], 10**12)]
            return {each: [self.pick(real)] if each == "in" else self.pick(real) for each in operators}
        declared = node.fields[name]
        target = self.naive.graph.nodes[declared.target] if declared.target else None
        if isinstance(declared.answer, One) and target:
            return self.where(target, depth - 1)
        if isinstance(declared.answer, Many) and target:
            quantifiers = {self.pick(("some", "every", "none")) for _ in self.some(2)}
            return {each: self.where(target, depth - 1) for each in sorted(quantifiers)}
        kind = self.filter_of(node).fields[name].type
        assert isinstance(kind, GraphQLInputObjectType)
        if isinstance(declared.answer, Value):
            parts = {camel(part): expression for part, expression in declared.answer.parts.items()}
            asked = {self.pick(tuple(parts)) for _ in self.some(2, least=0)}
            given = {each: self.operators(node, kind.fields[each].type, parts[each]) for each in sorted(asked)}
            return {**given, "isNull": self.pick((True, False, None))} if self.maybe(15) else given
        assert isinstance(declared.answer, Scalar)
        return self.operators(node, kind, declared.answer.expression)

    def operators(self, node: NodeType, kind: Any, expression: Expression) -> dict[str, Any]:
        """Operators for what an expression tells, with values that the rows have."""
        values = [value for value in self.naive.world.told[node.name, expression].values() if value is not None]
        if "has" in kind.fields:
            return {"has": Name(self.pick([each for value in values for each in value]))}
        inner = get_named_type(kind.fields["eq"].type)
        present = [self.spelled(value, inner) for value in values]
        offered = list(kind.fields) if present else ["isNull"]
        given: dict[str, Any] = {}
        for operator in (self.pick(offered) for _ in self.some(2)):
            if operator == "isNull":
                given[operator] = self.maybe(50)
            elif operator == "in":
                given[operator] = [self.pick(present) for _ in self.some(3, least=0)]
            elif operator in ("contains", "startsWith"):
                text = self.pick(present)
                given[operator] = self.pick(
                    (text[:2].swapcase(), text[1:].swapcase(), text[-1:], "é", "A", "%", "_", "\\", "")
                )
            else:
                given[operator] = None if self.maybe(10) else self.pick(present)
        return given

    def spelled(self, value: Any, kind: Any) -> Any:
        """A column's value as an input may say it."""
        if isinstance(kind, GraphQLEnumType):
            return Name(str(value))
        if isinstance(value, datetime):
            return value.astimezone(ZONES[value.microsecond % 2]).isoformat()
        return told(value) if isinstance(value, Decimal | str) else value

    def value(self, kind: str, value: Any, *, surely: bool = False) -> str:
        """A value written in its place, or a variable that has it, by default or given, or not if it need not be."""
        if not self.maybe(30):
            return self.written(kind, value)
        name = f"v{len(self.declared)}"
        self.declared[name] = ""
        default = self.plain(self.single(kind, value)) if value is not None and self.maybe(30) else None
        told = f" = {literal(self.single(kind, value))}" if default is not None else ""
        self.declared[name] = f"${name}: {kind}{told}"
        if default is None and (surely or kind.endswith("!") or self.maybe(90)):
            self.variables[name] = self.plain(self.single(kind, value))
        return f"${name}"

    def written(self, kind: str, value: Any) -> str:
        """A value in its place, some parts of which may be variables."""
        value = self.single(kind, value)
        bare = kind.removesuffix("!")
        if isinstance(value, list):
            return f"[{', '.join(self.value(bare[1:-1], item) for item in value)}]"
        if not isinstance(value, dict):
            return literal(value)
        type_ = self.naive.schema.type_map[bare.strip("[]!")]
        assert isinstance(type_, GraphQLInputObjectType)
        return (
            f"{{{', '.join(f'{key}: {self.value(str(type_.fields[key].type), item)}' for key, item in value.items())}}}"
        )

    def single(self, kind: str, value: Any) -> Any:
        """The one item of a list, which may stand for the list itself."""
        alone = kind.startswith("[") and isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list)
        return value[0] if alone and self.maybe(40) else value

    def plain(self, value: Any) -> Any:
        """A value as JSON has it."""
        if isinstance(value, dict):
            return {key: self.plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        return value.text if isinstance(value, Name) else value


def operations(naive: Naive, shop: Shop) -> st.SearchStrategy[Drawn]:
    """Valid operations by those who may look at the shop, each from a seed, so that they are spread evenly."""

    def drawn(caller: str, chance: Random) -> Drawn:
        drawing = Drawing(chance, naive, shop.callers[caller], shop.cart_token)
        return Drawn(drawing.operation(), drawing.variables, caller)

    return st.builds(drawn, st.sampled_from(sorted(shop.callers)), st.randoms(use_true_random=True))
