"""What a document may hold: counted before validation and planning, whose cost grows faster than the document does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)

from app.kernel.limits import Limits
from resolvers.errors import RequestError, over_limit

CONNECTION_WORDS = frozenset({"edges", "node", "nodes", "pageInfo"})
"""Fields that add no depth: they are how a list is written, not an object in an object."""


class Cyclic(Exception):
    """A fragment spreads itself, so nothing of the document can be counted."""


def over(document: DocumentNode, limits: Limits) -> RequestError | None:
    """The refusal of a document that is over a bound; Cyclic where a fragment spreads itself."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    measured = Measured({node.name.value: node for node in fragments})
    for node in operations:
        if refused := _over(node, measured.selections(node.selection_set), limits):
            return refused
    # Validation goes through what no operation spreads too, and through what another of its name hides.
    roots = [node.selection_set for node in (*operations, *(each for each in fragments if not measured.spread(each)))]
    fields = sum(measured.selections(root)["fields"] for root in roots)
    if fields > (limit := limits.fields_max):
        return over_limit("TOO_MANY_FIELDS", "Too many fields are selected", found=fields, limit=limit)
    # Only now, for this walks every field as often as its fragment is spread.
    pairs = sum(measured.pairs([root]) for root in roots)
    if pairs > (limit := limits.repeated_fields_max):
        what = "Too many fields are selected again and again: counted as pairs of one name"
        return over_limit("TOO_MANY_REPEATED_FIELDS", what, found=pairs, limit=limit)
    return None


def _over(node: OperationDefinitionNode, counts: Mapping[str, int], limits: Limits) -> RequestError | None:
    """The refusal of an operation that is over a bound of its own."""
    roots = limits.mutations_max if node.operation is OperationType.MUTATION else limits.root_fields_max
    told = (
        ("TOO_DEEP", "The selection is nested too deep", counts["depth"], limits.depth_max),
        ("TOO_MANY_ALIASES", "Too many fields have aliases", counts["aliases"], limits.aliases_max),
        ("TOO_MANY_DIRECTIVES", "Too many directives are used", counts["directives"], limits.directives_max),
        ("TOO_MANY_ROOT_FIELDS", "Too many fields stand at the root", counts["roots"], roots),
    )
    refusals = (over_limit(code, what, found=found, limit=limit) for code, what, found, limit in told if found > limit)
    return next(refusals, None)


class Measured:
    """Counts what selections hold, each fragment once, so that fragments in fragments cannot make counting slow."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        """Count by `fragments`, which selections may spread."""
        self.fragments = fragments
        self._known: dict[str, Counter[str] | None] = {}

    def selections(self, selections: SelectionSetNode | None) -> Counter[str]:
        """The depth, fields, aliases, directives and root fields of one selection set, with all within."""
        total: Counter[str] = Counter()
        for node in selections.selections if selections else ():
            found = self._selection(node)
            depth = max(total["depth"], found["depth"])
            total.update(found)
            total["depth"] = depth
        return total

    def fragment(self, name: str) -> Counter[str]:
        """What a fragment holds; Cyclic where that is itself. One that there is not holds nothing: validation tells."""
        if name not in self._known:
            self._known[name] = None
            fragment = self.fragments.get(name)
            self._known[name] = self.selections(fragment.selection_set if fragment else None)
        found = self._known[name]
        if found is None:
            raise Cyclic
        return found

    def spread(self, fragment: FragmentDefinitionNode) -> bool:
        """Whether what was counted so far spreads a fragment."""
        name = fragment.name.value
        return name in self._known and self.fragments[name] is fragment

    def pairs(self, merged: Iterable[SelectionSetNode]) -> int:
        """How many pairs of fields have one name where selection sets are `merged` into one, there and within.

        Validation compares each such pair (GraphQL, section 5.3.2: Field Selection Merging).
        """
        named: defaultdict[str, list[FieldNode]] = defaultdict(list)
        for node in self._fields(merged):
            named[(node.alias or node.name).value].append(node)
        total = 0
        for nodes in named.values():
            within = [node.selection_set for node in nodes if node.selection_set]
            total += len(nodes) * (len(nodes) - 1) // 2 + (self.pairs(within) if within else 0)
        return total

    def _selection(self, node: SelectionNode) -> Counter[str]:
        counts: Counter[str] = Counter(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            inner = self.selections(node.selection_set)
            adds = bool(node.selection_set) and node.name.value not in CONNECTION_WORDS
            depth = 0 if node.name.value.startswith("__") else inner["depth"] + adds
            counts.update(aliases=inner["aliases"] + bool(node.alias), directives=inner["directives"])
            counts.update(depth=depth, fields=1 + inner["fields"], roots=1)
            return counts
        if isinstance(node, FragmentSpreadNode):
            counts.update(self.fragment(node.name.value))
        elif isinstance(node, InlineFragmentNode):
            counts.update(self.selections(node.selection_set))
        return counts

    def _fields(self, merged: Iterable[SelectionSetNode]) -> Iterable[FieldNode]:
        """The fields of selection sets that are merged, those of each fragment once."""
        left = [node for each in merged for node in each.selections]
        spread: set[str] = set()
        while left:
            node = left.pop()
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                left += node.selection_set.selections
            elif isinstance(node, FragmentSpreadNode) and (name := node.name.value) not in spread:
                spread.add(name)
                left += self.fragments[name].selection_set.selections if name in self.fragments else ()
