"""Operations drawn at random from the executable schema, each valid and each within what some caller may select.

Any two selections of one response key of a type are the same field with the same arguments, so they always merge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Any, TypeVar

from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_leaf_type

from app.kernel.principal import Principal, Role
from tests.reading.drawn_abstract import ABSTRACT, above, anything
from tests.reading.drawn_groups import group_field
from tests.reading.drawn_lists import drawn_list
from tests.reading.drawn_roots import Root, drawn_roots
from tests.reading.drawn_values import drawn_value
from tests.reading.naive import Naive
from tests.reading.shop import Shop

Picked = TypeVar("Picked")
LONG = "k" * 70
"""A response key that ends so is longer than the name of a column may be."""
FLAT = {"Money", "Address", "ExternalReference", "PageInfo"}
"""Types whose fields hold no objects."""


@dataclass(frozen=True)
class Drawn:
    """One operation of a document with values for its variables.

    It may be refused to a caller who lacks a role of each set in `guarded`, and to all by the codes in `refusals`;
    where it `asks` a question it is no reading of one statement.
    """

    document: str
    name: str | None
    variables: dict[str, Any]
    guarded: frozenset[frozenset[Role]]
    refusals: frozenset[str]
    asks: bool

    def __str__(self) -> str:
        """The operation as a failure shows it."""
        return f"{self.name or 'the only one'}: {json.dumps(self.variables)}\n{self.document}"

    def refusals_of(self, caller: Principal) -> set[str]:
        """The codes by which a caller may be refused, unless what they are about is nowhere met."""
        forbidden = any(not roles & caller.roles for roles in self.guarded)
        return {*self.refusals, "FORBIDDEN"} if forbidden else set(self.refusals)


@dataclass
class Drawing:
    """A document under way, within what `caller` may select."""

    chance: Random
    naive: Naive
    caller: Principal
    cart_token: str
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    roots: list[Root] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    guarded: set[frozenset[Role]] = field(default_factory=set)
    refusals: set[str] = field(default_factory=set)
    asks: bool = False

    def pick(self, options: Sequence[Picked]) -> Picked:
        """One of `options`."""
        return self.chance.choice(options)

    def maybe(self, percent: int) -> bool:
        """Whether something happens that does in `percent` of all cases."""
        return self.chance.random() * 100 < percent

    def some(self, most: int, *, least: int = 1) -> range:
        """As many turns as are drawn."""
        return range(self.chance.randint(least, most))

    def drawn(self) -> Drawn:
        """A document of one operation or several, and one of them."""
        several = self.some(2, least=2) if self.maybe(15) else range(1)
        names = [f"Drawn{number}" for number in several]
        bodies = {name: drawn_roots(self) for name in names}
        parts = [f"query {name}{self.declaration(body)} {body}" for name, body in bodies.items()]
        parts += [f"fragment {name} on {kind} {body}" for name, (kind, body) in self.fragments.items()]
        name: str | None = self.pick(names)
        if len(names) == 1 and self.maybe(70):
            name = None
            parts[0] = parts[0].replace(" Drawn0", "", 1) if self.maybe(50) else parts[0]
        self.chance.shuffle(parts)
        held = (frozenset(self.guarded), frozenset(self.refusals))
        return Drawn("\n".join(parts), name, self.variables, *held, asks=self.asks)

    def declaration(self, body: str) -> str:
        """The declarations of the variables that an operation or what it spreads uses."""
        reached, texts = set[str](), [body]
        for text in texts:
            found = [name for name in dict.fromkeys(re.findall(r"\.\.\.(F\w+)", text)) if name not in reached]
            reached.update(found)
            texts += [self.fragments[name][1] for name in found]
        whole = " ".join(texts)
        used = [told for name, told in self.declared.items() if re.search(rf"\${name}\b", whole)]
        return f"({' '.join(used)})" if used else ""

    def fresh(self) -> str:
        """A response key that nothing else has."""
        return f"{self.pick(('r', 'R_'))}{next(self.numbers)}"

    def directed(self, text: str) -> str:
        """A field or fragment, sometimes with directives."""
        names = ("include", "skip") if self.maybe(2) else (self.pick(("include", "skip")),) if self.maybe(12) else ()
        told = [f"@{name}(if: {drawn_value(self, 'Boolean!', self.maybe(50))})" for name in names]
        return " ".join([text, *told, ""]) if told else text

    def keyed(self, name: str, prefix: str = "") -> str:
        """A field that takes no arguments, under its own name or an alias that follows from it."""
        key = self.pick((name,) * 12 + (f"b_{name}",) * 3 + (f"{name}_{LONG}",))
        return self.directed(f"{prefix}{key}: {name}" if prefix or key != name else name)

    def fragment(self, kind: str, draw: Callable[[], str], *, prefixed: bool = False) -> str:
        """A fragment on `kind`, whose selection `draw` draws: in its place, named, or one that was named before."""
        form = self.pick(("inline", "named", "again"))
        known = [name for name, (of, _) in self.fragments.items() if of == kind and name.endswith("P") is prefixed]
        if form == "again" and known:
            return self.directed(f"...{self.pick(known)}")
        if form == "inline":
            return f"{self.directed(f'... on {kind}')} {draw()}"
        body = draw()
        name = f"F{len(self.fragments)}{'P' if prefixed else ''}"
        self.fragments[name] = (kind, body)
        return self.directed(f"...{name}")

    def spread(self, kind: str, depth: int, *, prefixed: bool) -> str:
        """A fragment on a type of objects."""
        if kind in ABSTRACT:
            return self.fragment(kind, partial(anything, self, kind, max(0, depth - 1)), prefixed=prefixed)
        return self.fragment(kind, partial(self.object, kind, depth, prefixed=prefixed), prefixed=prefixed)

    def object(self, kind: str, depth: int, *, prefixed: bool = False) -> str:
        """A selection of an object; where other types stand beside it, with keys that only this type has."""
        type_ = self.naive.schema.type_map[kind]
        assert isinstance(type_, GraphQLObjectType)
        allowed = [name for name in type_.fields if self.may_read(kind, name)]
        names = [name for name in allowed if depth or is_flat(type_, name)] or allowed
        parts = ["id"] if "id" in names and not prefixed and self.maybe(60) else []
        for _ in self.some(4):
            if self.maybe(12):
                of = self.pick(above(self, kind)) if self.maybe(20) else kind
                parts.append(self.spread(of, max(0, depth - 1), prefixed=prefixed))
            elif self.maybe(8):
                parts.append("__typename")
            else:
                name = self.pick(names)
                names += [name] * 3
                parts.append(self.selected(type_, name, depth, prefix=f"{kind}_" if prefixed else ""))
        return f"{{ {' '.join(parts)} }}"

    def selected(self, type_: GraphQLObjectType, name: str, depth: int, *, prefix: str) -> str:
        """One field with what is selected of it."""
        self.uses(type_.name, name)
        inner = get_named_type(type_.fields[name].type)
        if is_leaf_type(inner):
            return self.keyed(name, prefix)
        if inner.name.endswith("Connection"):
            return drawn_list(self, type_.name, name, depth - 1, prefix=prefix)
        below = anything if is_abstract_type(inner) else Drawing.object
        return f"{self.keyed(name, prefix)} {below(self, inner.name, max(0, depth - 1))}"

    def roles_of(self, kind: str, name: str) -> frozenset[Role] | None:
        """The roles that a field is for; None where it is for all."""
        node = self.naive.graph.nodes.get(kind)
        declared = node.fields.get(name) if node else group_field(self, kind, name)
        return declared.answer.roles if declared else None

    def may_read(self, kind: str, name: str) -> bool:
        """Whether the caller may select a field."""
        roles = self.roles_of(kind, name)
        return roles is None or bool(roles & self.caller.roles)

    def uses(self, kind: str, name: str) -> None:
        """Note that the operation uses a field, which may be refused to others."""
        if roles := self.roles_of(kind, name):
            self.guarded.add(roles)


def is_flat(type_: GraphQLObjectType, name: str) -> bool:
    """Whether a field holds no objects of the graph."""
    inner = get_named_type(type_.fields[name].type)
    return is_leaf_type(inner) or inner.name in FLAT


def drawn_operation(naive: Naive, shop: Shop, seed: str) -> Drawn:
    """A valid operation, the same for a seed; every second is of what all callers may select."""
    chance = Random(seed)  # noqa: S311
    within = shop.callers[chance.choice([*shop.callers, *["stranger"] * len(shop.callers)])]
    return Drawing(chance, naive, within, shop.cart_token).drawn()
