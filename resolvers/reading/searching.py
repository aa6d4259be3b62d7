"""The root field `search`: which nodes it searches, for what, and what is selected of each."""

from __future__ import annotations

from typing import Any

from resolvers.reading import texts
from resolvers.reading.selecting import Details, Selecting
from resolvers.reading.shapes import Constant, FoundPart, MorePart, SearchField, Sought
from resolvers.reading.sources import Slot, Symbol
from schema.abstract import PAGE
from schema.nodes import NodeType


class Searching:
    """Plans searches of one operation."""

    def __init__(self, planner: Selecting) -> None:
        self.planner = planner

    def field(self, key: str, details: Details, arguments: dict[str, Symbol]) -> SearchField:
        """One search, over the nodes that it is for and of which the caller sees any rows."""
        planner = self.planner
        nodes = tuple(
            node for node in self._asked(arguments.get("types")) if planner.roles & set(node.visibility.rules)
        )
        first = arguments.get("first")
        return SearchField(
            key=key,
            nodes=nodes,
            sought=self._sought(arguments["text"]),
            size=planner.paging.size("first", first if planner.value(first) is not None else None),
            candidates=planner.limits.search_candidates_max,
            parts=tuple(self._part(part, inner, nodes) for part, inner in planner.selected(PAGE, details).items()),
        )

    def _asked(self, kinds: Symbol | None) -> list[NodeType]:
        """The nodes that a search is for, each once and in their own order."""
        searched, asked = self.planner.graph.searched, self.planner.value(kinds)
        return [node for name, node in searched.items() if asked is None or name in asked]

    def _sought(self, text: Any) -> Sought:
        limits = self.planner.limits
        return Sought(
            text=Slot(text, texts.whole(limits), "text"),
            forms=Slot(text, texts.forms, "text[]"),
            words=tuple(Slot(text, texts.word_if_any(limits, n), "text") for n in range(texts.WORDS_INDEXED)),
            every=Slot(text, texts.every(limits), "text"),
        )

    def _part(self, key: str, details: Details, nodes: tuple[NodeType, ...]) -> FoundPart | MorePart | Constant:
        match details[0].node.name.value:
            case "nodes":
                return FoundPart(key, tuple(self.planner.object(node, details) for node in nodes))
            case "hasMore":
                return MorePart(key)
        return Constant(key, PAGE)
