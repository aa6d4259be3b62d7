"""What is remembered of earlier requests: plans by document and shape, bounded, and safe from floods of new ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    is_leaf_type,
)

from app.kernel.identity import decode_id

Kept = TypeVar("Kept")


class ProvenCache(Generic[Kept]):
    """A cache of two halves: what came once may be pushed out by newcomers, what came twice only by what did too."""

    def __init__(self, size: int) -> None:
        self._newcomers: OrderedDict[Hashable, Kept] = OrderedDict()
        self._proven: OrderedDict[Hashable, Kept] = OrderedDict()
        self._half = max(1, size // 2)

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under `key`; being asked for again proves it."""
        found = self._proven.get(key)
        if found is not None:
            self._proven.move_to_end(key)
            return found
        found = self._newcomers.pop(key, None)
        if found is not None:
            self._keep(self._proven, key, found)
        return found

    def put(self, key: Hashable, value: Kept) -> None:
        """Keep `value` as a newcomer."""
        self._keep(self._newcomers, key, value)

    def __len__(self) -> int:
        return len(self._newcomers) + len(self._proven)

    def _keep(self, half: OrderedDict[Hashable, Kept], key: Hashable, value: Kept) -> None:
        half[key] = value
        if len(half) > self._half:
            half.popitem(last=False)


def shape(values: Mapping[str, Any], types: Mapping[str, GraphQLInputType], sizes: frozenset[str]) -> Hashable:
    """What of the variables a plan depends on: which are there, and of each what chooses SQL rather than is bound.

    Of those in `sizes`, which say how long a page is, that is the value itself.
    """
    return tuple(
        (name, value if name in sizes and isinstance(value, int) else _shape(value, types[name]))
        for name, value in (sorted(values.items()) if len(values) > 1 else values.items())
    )


def _shape(value: Any, kind: GraphQLInputType) -> Hashable:
    """One value's shape: keys of objects, lengths of lists of objects, enums, truth values, and the types of ids."""
    if value is None:
        return None
    if isinstance(kind, GraphQLNonNull):
        return _shape(value, kind.of_type)
    if isinstance(kind, GraphQLInputObjectType):
        return tuple((name, _shape(item, kind.fields[name].type)) for name, item in value.items())
    if isinstance(kind, GraphQLList):
        return _list_shape(value, kind)
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(kind, GraphQLScalarType) and kind.name == "Boolean":
        return bool(value)
    if isinstance(kind, GraphQLScalarType) and kind.name == "ID":
        found = decode_id(value)
        return found.type_name if found else False
    return ...


def _list_shape(value: list[Any], kind: GraphQLList[Any]) -> Hashable:
    """A list of plain scalars is one parameter; of all else each item has its shape."""
    inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else kind.of_type
    plain = is_leaf_type(inner) and not (isinstance(inner, GraphQLEnumType) and inner.name.endswith("Sort"))
    if plain and getattr(inner, "name", "") != "ID":
        return ...
    return tuple(_shape(item, kind.of_type) for item in value)
