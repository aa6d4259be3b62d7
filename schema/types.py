"""The GraphQL types under construction: made empty by name, filled field by field, handed to Strawberry at the end.

Strawberry reads annotations when a class is made; rooms refer to each other in circles, so types here are made empty
and their fields added once every type is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Optional, cast, get_args

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from app.kernel.choice import Choice

Arguments = Mapping[str, tuple[Any, str]]


@strawberry.interface(description="An object with an id that is unique in the whole graph and never changes.")
class Node:
    """An object with a global id."""

    id: strawberry.ID = strawberry.field(description="Its global id: opaque, and the same for ever.")


@strawberry.interface(description="Why a mutation was refused: nothing was changed.")
class UserError:
    """Why a mutation was refused."""

    message: str = strawberry.field(description="What is wrong and what to do, for a person to read.")
    field: list[str] | None = strawberry.field(description="The path of the input's field it is about, if any.")


class Types:
    """Every type made so far, by its name in the graph."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}
        self._choices: dict[type[Choice], Any] = {}

    def object(self, name: str, doc: str, *bases: type) -> Any:
        """A new object type without fields of its own."""
        return self._made(strawberry.type, name, doc, bases)

    def interface(self, name: str, doc: str, *bases: type) -> Any:
        """A new interface without fields of its own."""
        return self._made(strawberry.interface, name, doc, bases)

    def field(self, owner: Any, name: str) -> Any:
        """The type of the field `name` of `owner`."""
        (found,) = (each for each in owner.__strawberry_definition__.fields if each.graphql_name == name)
        return found.type_annotation.raw_annotation

    def input(self, name: str, doc: str) -> Any:
        """A new input type without fields."""
        return self._made(strawberry.input, name, doc, ())

    def input_once(self, name: str, doc: str, fill: Callable[[Any], None]) -> Any:
        """The input type `name`, made and filled at its first use."""
        if name not in self.by_name:
            fill(self.input(name, doc))
        return self.by_name[name]

    def add(self, owner: Any, name: str, kind: Any, doc: str, *, arguments: Arguments | None = None) -> None:
        """Give `owner` the field `name`; ValueError where nobody wrote what it means."""
        if not doc:
            raise ValueError(f"{owner.__name__}.{name} has no description")
        added = StrawberryField(
            python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(kind), description=doc
        )
        added.arguments = [
            StrawberryArgument(
                python_name=argument,
                graphql_name=argument,
                type_annotation=StrawberryAnnotation(type_),
                description=said,
            )
            for argument, (type_, said) in (arguments or {}).items()
        ]
        owner.__strawberry_definition__.fields.append(added)

    def add_with_default(self, owner: Any, name: str, kind: Any, doc: str, *, default: Any) -> None:
        """Give the input `owner` the field `name`, which is `default` when it is left out."""
        self.add(owner, name, kind, doc)
        owner.__strawberry_definition__.fields[-1].default_value = default

    def choice(self, options: type[Choice]) -> Any:
        """The GraphQL enum of a closed set of values, each with its explanation."""
        if options not in self._choices:
            explained = {member.value: member.doc for member in options}
            made: Any = strawberry.enum(options, description=(options.__doc__ or "").strip())
            for value in made.__strawberry_definition__.values:
                value.description = explained[value.value]
            self._choices[options] = made
        return self._choices[options]

    def enum(self, name: str, doc: str, values: Mapping[str, str]) -> Any:
        """A GraphQL enum made of names and their explanations."""
        if name not in self.by_name:
            members = {value: (value, said) for value, said in values.items()}
            options: Any = cast("Any", Choice)(name, members)
            options.__doc__ = doc
            self.by_name[name] = self.choice(options)
        return self.by_name[name]

    def _made(self, make: Callable[..., Any], name: str, doc: str, bases: tuple[type, ...]) -> Any:
        if name in self.by_name:
            raise ValueError(f"two types are called {name}")
        if not doc:
            raise ValueError(f"the type {name} has no description")
        self.by_name[name] = make(type(name, bases, {"__annotations__": {}}), name=name, description=doc)
        return self.by_name[name]


def optional(kind: Any) -> Any:
    """`kind` or null."""
    return kind if is_optional(kind) else Optional[kind]  # noqa: UP045


def listed(kind: Any) -> Any:
    """A list of `kind`."""
    return list[kind]


def is_optional(kind: Any) -> bool:
    """Whether an annotation allows None."""
    return NoneType in get_args(kind)


def without_none(kind: Any) -> Any:
    """An annotation without its None: `X | None` → `X`."""
    rest = [part for part in get_args(kind) if part is not NoneType]
    return rest[0] if is_optional(kind) and len(rest) == 1 else kind
