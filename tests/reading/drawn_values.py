"""Values drawn at random in their forms: written in their places, or told by variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLInputObjectType

from tests.reading.spelling import Name, literal

if TYPE_CHECKING:
    from tests.reading.operations import Drawing

ABSENT = object()


def drawn_value(drawing: Drawing, kind: str, value: Any, *, surely: bool = False) -> str:
    """A value in its place or told by a variable, which tells another or none unless it is wanted `surely`."""
    if not drawing.maybe(30):
        return written(drawing, kind, value)
    name = f"v{len(drawing.declared)}"
    drawing.declared[name] = ""
    declared, default, given = _told(drawing, kind, value, surely=surely)
    drawing.declared[name] = f"${name}: {declared}{'' if default is ABSENT else f' = {literal(default)}'}"
    if given is not ABSENT:
        drawing.variables[name] = plain(given)
    return f"${name}"


def _told(drawing: Drawing, kind: str, value: Any, *, surely: bool) -> tuple[str, Any, Any]:
    """How a variable tells a value: the type it is declared with, its default, and what is given for it."""
    free = not surely and not kind.endswith("!")
    told, again = single(drawing, kind, value), single(drawing, kind, value)
    form = drawing.pick(("given", "given", "given", "default", "default", "both", "null", "absent"))
    if form == "absent" and free:
        return kind, ABSENT, ABSENT
    if form == "null" and free:
        return kind, told, None
    if form == "both":
        return kind, None if free else again, told
    if form == "default" and value is not None:
        return kind.removesuffix("!") if drawing.maybe(40) else kind, told, ABSENT
    return kind, ABSENT, told


def written(drawing: Drawing, kind: str, value: Any) -> str:
    """A value in its place, some parts of which may be variables."""
    value = single(drawing, kind, value)
    bare = kind.removesuffix("!")
    if isinstance(value, list):
        return f"[{', '.join(drawn_value(drawing, bare[1:-1], item) for item in value)}]"
    if not isinstance(value, dict):
        return literal(value)
    type_ = drawing.naive.schema.type_map[bare.strip("[]!")]
    assert isinstance(type_, GraphQLInputObjectType)
    told = (f"{key}: {drawn_value(drawing, str(type_.fields[key].type), item)}" for key, item in value.items())
    return f"{{{', '.join(told)}}}"


def single(drawing: Drawing, kind: str, value: Any) -> Any:
    """The one item of a list, which may stand for the list itself."""
    alone = kind.startswith("[") and isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list)
    return value[0] if alone and drawing.maybe(40) else value


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.text if isinstance(value, Name) else value
