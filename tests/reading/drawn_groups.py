"""Groups of lists, drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schema.grouping import group_type
from schema.nodes import NodeType
from tests.reading.drawn_values import drawn_value
from tests.reading.spelling import Name

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

ZONES = ("UTC", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Kiritimati", "Europe/Lisbon")
LONG = "k" * 70
"""What makes a response key longer than the name of a column may be."""
SIZES = (100, 20, 3, 2, 1, 0)


def group_field(drawing: Drawing, kind: str, name: str) -> Any:
    """The field of a node that the field `name` of the groups `kind` is about, if any."""
    node = drawing.naive.graph.nodes.get(kind.removesuffix("Group"))
    if node is None or node.groups is None or not kind.endswith("Group"):
        return None
    made = group_type(node)
    about = made.keys.get(name) or made.told.get(name)
    return about.field if about else None


def drawn_groups(drawing: Drawing, node: NodeType, depth: int) -> str:
    """The groups of a list of `node`, under a key of their own."""
    kind = group_type(node)
    allowed = [name for name in (*kind.keys, *kind.told) if drawing.may_read(kind.name, name)]
    by = [drawing.pick([name for name in kind.keys if name in allowed]) for _ in drawing.some(3, least=0)]
    given: dict[str, Any] = {"by": [Name(kind.keys[name].option) for name in by]}
    types = {"by": f"[{kind.name}By!]!", "timeZone": "String", "sort": f"{kind.name}Sort", "first": "Int"}
    if drawing.maybe(50):
        given["timeZone"] = drawing.pick(ZONES)
    if drawing.maybe(40):
        sort, about = drawing.pick([each for each in kind.sorts.items() if each[1][0] in (None, "count", *allowed)])
        given["sort"] = Name(sort)
        by.append(str(about[0]))
    if drawing.maybe(50):
        given["first"] = drawing.pick(SIZES)
    for name in by:
        drawing.uses(kind.name, name)
    given |= {key: None for key in types if key not in given and drawing.maybe(4)}
    surely = ("by", "sort")
    told = [f"{key}: {drawn_value(drawing, types[key], value, surely=key in surely)}" for key, value in given.items()]
    key = f"{drawing.fresh()}{LONG if drawing.maybe(10) else ''}"
    call = drawing.directed(f"{key}: groups({', '.join(told)})")
    return f"{call} {drawing.object(kind.name, depth)}"
