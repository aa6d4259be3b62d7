"""Root fields drawn at random, each new or one more selection of one that was drawn before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.kernel.identity import encode_id
from schema.answers import Listing
from schema.names import camel
from tests.reading.drawn_abstract import anything, drawn_search
from tests.reading.drawn_lists import drawn_list
from tests.reading.drawn_values import drawn_value
from tests.reading.naive_questions import ABOUT

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

DEPTH = 3
FORMS = ("listing",) * 7 + ("lookup",) * 5 + ("node", "nodes", "search", "again") * 2
RARE = ("typename", "cursor", "question")
STRAY_IDS = ("junk", "", encode_id("Product", 10**9), encode_id("Nothing", 1), encode_id("Order", 1))


@dataclass(frozen=True)
class Root:
    """A root field with its arguments, the response key that it has, and what draws a selection of it."""

    key: str
    call: str
    select: Callable[[], str]


def drawn_roots(drawing: Drawing) -> str:
    """The selection of a whole operation or of a fragment of it."""
    parts = [drawn_root(drawing) for _ in drawing.some(2)]
    if drawing.maybe(10):
        parts.append(drawing.fragment("Query", lambda: drawn_roots(drawing)))
    return f"{{ {' '.join(parts)} }}"


def drawn_root(drawing: Drawing) -> str:
    """One root field."""
    form = drawing.pick(RARE if drawing.maybe(5) else FORMS)
    if form == "typename":
        return "__typename"
    if form == "cursor":
        return drawing.keyed("eventCursor")
    queries = drawing.naive.graph.queries
    if form == "listing":
        name = drawing.pick([name for name in queries if isinstance(queries[name].answer, Listing)])
        return drawn_list(drawing, "Query", name, DEPTH)
    if form == "again" and drawing.roots:
        known = drawing.pick(drawing.roots)
        root = Root(drawing.pick((known.key, drawing.fresh())), known.call, known.select)
    else:
        root = new_root(drawing, form)
        drawing.roots.append(root)
    return f"{drawing.directed(f'{root.key}: {root.call}')} {root.select()}"


def new_root(drawing: Drawing, form: str) -> Root:
    """A root field that answers objects."""
    key, any_node = drawing.fresh(), partial(anything, drawing, "Node", DEPTH)
    if form == "node":
        return Root(key, f"node(id: {drawn_value(drawing, 'ID!', drawn_id(drawing))})", any_node)
    if form == "nodes":
        ids = [drawn_id(drawing) for _ in drawing.some(drawing.pick((3,) * 9 + (20,)), least=0)]
        return Root(key, f"nodes(ids: {drawn_value(drawing, '[ID!]!', ids)})", any_node)
    if form == "search":
        return Root(key, *drawn_search(drawing))
    if form == "question":
        return drawn_question(drawing, key)
    queries = drawing.naive.graph.queries
    name = drawing.pick([name for name in queries if not isinstance(queries[name].answer, Listing)])
    node = queries[name].node
    return Root(key, f"{name}({lookup(drawing, name)})", partial(drawing.object, node, DEPTH))


def drawn_question(drawing: Drawing, key: str) -> Root:
    """A question about an order, which takes the whole operation out of the one statement."""
    drawing.asks = True
    name = drawing.pick(tuple(drawing.naive.graph.questions))
    asked = drawing.naive.graph.questions[name]
    (argument,) = asked.arguments
    told = drawn_value(drawing, "ID!", drawn_id(drawing, ABOUT))
    return Root(key, f"{name}({argument}: {told})", partial(drawing.object, asked.answer, DEPTH))


def lookup(drawing: Drawing, name: str) -> str:
    """The one argument of a lookup, and sometimes another that is null."""
    root = drawing.naive.schema.query_type
    assert root is not None
    arguments, node = root.fields[name].args, drawing.naive.graph.queries[name].node
    key = drawing.pick(tuple(arguments))
    given = drawn_id(drawing, node) if key == "id" else drawing.pick([*keys(drawing, node, key), "nothing"])
    kind = f"{str(arguments[key].type).removesuffix('!')}!"
    others = [f"{other}: null" for other in arguments if other != key and drawing.maybe(10)]
    return ", ".join([f"{key}: {drawn_value(drawing, kind, given)}", *others])


def keys(drawing: Drawing, node: str, key: str) -> list[str]:
    """The natural keys that rows of `node` have under the name `key`."""
    if key == "token":
        return [drawing.cart_token]
    rows = drawing.naive.world.rows[node].values()
    return [found for row in rows for column, found in row.items() if camel(column) == key and found is not None]


def drawn_id(drawing: Drawing, node: str | None = None) -> str:
    """A global id: of a row that is there, seen or not, or of nothing."""
    if drawing.maybe(15):
        return drawing.pick(STRAY_IDS)
    node = node or drawing.pick(tuple(drawing.naive.graph.nodes))
    return encode_id(node, drawing.pick(tuple(drawing.naive.world.rows[node])))
