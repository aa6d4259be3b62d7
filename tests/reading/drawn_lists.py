"""Lists drawn at random: their arguments, and what is selected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schema.answers import Listing, Many
from tests.reading.drawn_filters import drawn_filter
from tests.reading.drawn_groups import drawn_groups
from tests.reading.drawn_values import drawn_value
from tests.reading.naive import Found
from tests.reading.spelling import Name

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

TYPES = {"first": "Int", "last": "Int", "after": "String", "before": "String"}


def drawn_list(drawing: Drawing, owner: str, name: str, depth: int, *, prefix: str = "") -> str:
    """A list: without arguments, with new ones, or once more under a key that it has."""
    graph = drawing.naive.graph
    node = graph.queries[name].node if owner == "Query" else str(graph.nodes[owner].fields[name].target)
    known = drawing.calls.setdefault((owner, name), [])
    form = drawing.pick(("plain", "new", "new", "again"))
    if form == "plain":
        call = f"{prefix}{name}: {name}"
    elif form == "again" and known:
        call = drawing.pick(known)
    else:
        call = f"{drawing.fresh()}: {name}{arguments(drawing, owner, name, node)}"
        known.append(call)
    return f"{drawing.directed(call)} {drawn_parts(drawing, node, max(0, depth))}"


def drawn_parts(drawing: Drawing, node: str, depth: int) -> str:
    """What is selected of a connection, in parts within fragments."""
    parts = [drawn_part(drawing, node, depth) for _ in drawing.some(3)]
    if drawing.maybe(10):
        parts.append(drawing.fragment(f"{node}Connection", lambda: drawn_parts(drawing, node, max(0, depth - 1))))
    return f"{{ {' '.join(parts)} }}"


def drawn_part(drawing: Drawing, node: str, depth: int) -> str:
    """One part of a connection."""
    form = drawing.pick(("nodes", "nodes", "edges", "pageInfo", "totalCount", "__typename", "groups"))
    if form == "groups":
        declared = drawing.naive.graph.nodes[node]
        return drawn_groups(drawing, declared, depth) if declared.groups else "__typename"
    if form == "nodes":
        return f"{drawing.keyed('nodes')} {drawing.object(node, depth)}"
    if form == "edges":
        edge = drawing.pick((["cursor"], ["node"], ["cursor", "node"], ["__typename", "node", "cursor"]))
        inner = [f"{drawing.keyed(part)} {drawing.object(node, depth) if part == 'node' else ''}" for part in edge]
        return f"{drawing.keyed('edges')} {{ {' '.join(inner)} }}"
    if form == "pageInfo":
        return f"{drawing.keyed('pageInfo')} {drawing.object('PageInfo', 0)}"
    return drawing.keyed(form)


def arguments(drawing: Drawing, owner: str, name: str, node: str) -> str:
    """The arguments of a list."""
    given: dict[str, Any] = {}
    graph = drawing.naive.graph
    answer = graph.queries[name].answer if owner == "Query" else graph.nodes[owner].fields[name].answer
    assert isinstance(answer, Listing | Many)
    if drawing.maybe(50) and (sorts := drawn_sorts(drawing, node)) is not None:
        given["sort"] = sorts
    if drawing.maybe(60):
        given[drawing.pick(("first", "last"))] = drawing.pick((2, 1, 3, 0, 20))
    for side in ("after", "before"):
        if drawing.maybe(30):
            given[side] = drawn_cursor(drawing, node, given.get("sort"), answer.order_by)
    if drawing.maybe(50):
        given["where"] = drawn_filter(drawing, graph.nodes[node], 2)
    given |= {key: None for key in (*TYPES, "where") if key not in given and drawing.maybe(4)}
    types = {**TYPES, "where": f"{node}Filter", "sort": f"[{node}Sort!]"}
    told = [f"{key}: {drawn_value(drawing, types[key], value, surely=key == 'sort')}" for key, value in given.items()]
    return f"({', '.join(told)})" if told else ""


def drawn_sorts(drawing: Drawing, node: str) -> list[Name] | None:
    """An order of a list, in which a column may be named twice; None where it has none to offer."""
    offered = {sort: by.field for sort, by in drawing.naive.graph.nodes[node].sorts.items()}
    allowed = [sort for sort, field in offered.items() if drawing.may_read(node, field)]
    if not allowed:
        return None
    sorts = [drawing.pick(allowed) for _ in drawing.some(4, least=0)]
    for sort in sorts:
        drawing.uses(node, offered[sort])
    return [Name(sort) for sort in sorts]


def drawn_cursor(drawing: Drawing, node: str, sort: list[Name] | None, otherwise: str) -> str | None:
    """The cursor of some row of a list's table in the list's order."""
    rows = tuple(drawing.naive.world.rows[node])
    order = drawing.naive.order_of(node, [name.text for name in sort or ()], otherwise)
    return drawing.naive.cursor(order, Found(node, drawing.pick(rows))) if rows else None
