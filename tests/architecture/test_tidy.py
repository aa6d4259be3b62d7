"""The style of the house, held by reading its source. Each failure says where, and what to write instead."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from app.kernel.limits import Limits
from tests.architecture.sources import NO_DOMAINS, ROOT, Definition, Function, Source, files, house, sources

FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN_MAX = 8
MODULE_LINES_MAX = 400
ARGUMENTS_MAX = 5
ARGUMENTS_BY_PLACE_MAX = 2
NESTING_MAX = 3
DOMAIN_MODULES = {
    "__init__",
    "tables",
    "measures",
    "rules",
    "events",
    "ports",
    "questions",
    "commands",
    "reactions",
}
VAGUE_WORDS = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
VAGUE_ENDINGS = {"manager", "service", "handler", "processor"}
NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)
"""Branches and loops; a `with` holds something open and decides nothing."""
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b|NotImplemented" + r"Error")
MACHINES = {
    "a folder of one machine": re.compile(r"(?<![\w.:/-])/(?:root|home|Users|work|tmp)/[\w.]"),
    "the host of a package registry": re.compile(
        r"\b(?:[\w-]+\.)?(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|(?:deb|security)\.debian\.org)\b"
    ),
    "an address in a private network": re.compile(
        r"(?<![\d.])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}(?![\d.])"
    ),
}
FOREIGN = {Path("requirements/lock"), Path("tests/architecture/test_tidy.py")}
"""What may name such places: the script that strips them from lock files, and this file."""


def complain(found: Iterable[str], instead: str) -> None:
    """Fail with every place that was found, and with what to write instead."""
    told = list(found)
    assert not told, "\n".join((instead, *told))


class TestModules:
    def test_are_short(self) -> None:
        lengths = ((source, len(source.text.splitlines())) for source in sources())
        complain(
            (
                f"{source.path}: {length} lines"
                for source, length in lengths
                if length > MODULE_LINES_MAX and source.path.parts[0] != "migrations"
            ),
            f"A module has at most {MODULE_LINES_MAX} lines: make it a package of the same name, one module a verb.",
        )

    def test_say_what_they_hold(self) -> None:
        complain(
            (str(source.path) for source in sources() if not ast.get_docstring(source.tree)),
            "Begin the module with a sentence that says what it holds.",
        )

    def test_of_a_domain_are_those_that_every_domain_has(self) -> None:
        rooms = {source.path.parts[1]: source for source in house() if len(source.path.parts) > 2}
        domains = {name for name in rooms if name not in NO_DOMAINS and rooms[name].path.parts[0] == "app"}
        complain(
            (
                str(source.path)
                for source in house()
                if len(source.path.parts) > 2
                and source.path.parts[0] == "app"
                and source.path.parts[1] in domains
                and Path(source.path.parts[2]).stem not in DOMAIN_MODULES
            ),
            f"A domain is these modules and no others: {', '.join(sorted(DOMAIN_MODULES))}.",
        )

    def test_have_names_that_say_something(self) -> None:
        complain(
            (str(path) for path in files() if any(is_vague(re.split(r"[_.-]", part.lower())) for part in _parts(path))),
            "Name the module after what it holds, never utils, helpers, common, misc, base, manager, service, handler.",
        )


class TestFunctions:
    def test_are_short(self) -> None:
        complain(
            (
                f"{source.at(function)} {function.name}: {_length(function)} lines"
                for source in sources()
                for function in source.functions()
                if _length(function) > FUNCTION_LINES_MAX and source.path.parts[0] != "migrations"
            ),
            f"A function has at most {FUNCTION_LINES_MAX} lines: give each of its steps a name.",
        )

    def test_are_short_by_the_median(self) -> None:
        median = statistics.median(_length(function) for source in house() for function in source.functions())
        assert median <= FUNCTION_LINES_MEDIAN_MAX, f"Half of all functions have more than {median} lines: split them."

    def test_take_few_arguments(self) -> None:
        complain(
            (
                f"{source.at(function)} {function.name}: {count} arguments"
                for source in house()
                for function in source.functions()
                if (count := _arguments(function)) > ARGUMENTS_MAX and not _is_declarative(source, function)
            ),
            f"A function takes at most {ARGUMENTS_MAX} arguments: gather those that belong together in a dataclass.",
        )

    def test_take_what_may_be_left_out_by_name(self) -> None:
        complain(
            (
                f"{source.at(function)} {function.name}({name}=…)"
                for source in house()
                for function in source.functions()
                for name in _optional_by_place(function)
                if not _is_declarative(source, function)
            ),
            f"What may be left out is given by name after the first {ARGUMENTS_BY_PLACE_MAX} arguments: put `*` first.",
        )

    def test_are_flat(self) -> None:
        complain(
            (
                f"{source.at(function)} {function.name}: {depth} deep"
                for source in sources()
                for function in source.functions()
                if (depth := _depth(function)) > NESTING_MAX
            ),
            f"Nesting goes at most {NESTING_MAX} deep: return early, or name the inner part.",
        )


class TestNames:
    def test_say_something(self) -> None:
        complain(
            (
                f"{source.at(node)} {node.name}"
                for source in sources()
                for node in _definitions(source.tree)
                if is_vague(_split(node.name)) or node.name == "update_status"
            ),
            "Name it after what it is or does, by the business's own verb; vague names are forbidden.",
        )

    def test_that_are_public_have_a_sentence(self) -> None:
        complain(
            (f"{source.at(node)} {node.name}" for source in house() for node in _undocumented(source.tree)),
            "Give every public class, function and method a docstring: one sentence that says what it is for.",
        )


class TestFiles:
    def test_are_finished(self) -> None:
        complain(
            (
                f"{path}:{number} {line.strip()}"
                for path, number, line in _lines(".py", ".toml", ".md", ".yaml", ".mako", ".graphql", "")
                if UNFINISHED.search(line)
            ),
            "Finish it, or file an issue; nothing unfinished is committed.",
        )

    def test_hold_no_stubs(self) -> None:
        complain(
            (
                f"{source.at(function)} {function.name}"
                for source in house()
                for function in source.functions()
                if _is_stub(function)
            ),
            "Write the function, or leave it out; only a Protocol and an overload have no body.",
        )

    def test_name_no_machine_or_registry(self) -> None:
        complain(
            (
                f"{path}:{number} {said}: {line.strip()[:100]}"
                for path, number, line in _lines()
                for said, pattern in MACHINES.items()
                if path not in FOREIGN and pattern.search(line)
            ),
            "A committed file works on every machine: use a relative path, a setting, or a package's plain name.",
        )


class TestLimits:
    def test_are_all_used(self) -> None:
        used = {node.attr for source in house() for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)}
        complain(
            (field.name for field in fields(Limits) if field.name not in used),
            "A limit that nothing obeys is an empty promise: apply it where its loop or request is, or remove it.",
        )


def _lines(*suffixes: str) -> Iterator[tuple[Path, int, str]]:
    """Every line of the files with one of `suffixes`, or of all files."""
    for path in files():
        if path in FOREIGN or (suffixes and path.suffix not in suffixes):
            continue
        text = (ROOT / path).read_bytes().decode(errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            yield path, number, line


def _length(function: Function) -> int:
    """The lines of a function, its docstring among them and its decorators not."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _arguments(function: Function) -> int:
    """How many arguments a caller may give."""
    told = function.args
    return len([*told.posonlyargs, *told.args, *told.kwonlyargs]) - _is_method(function)


def _optional_by_place(function: Function) -> list[str]:
    """The arguments that may be left out and yet are given by their place, after the first two."""
    by_place = [*function.args.posonlyargs, *function.args.args]
    optional = by_place[len(by_place) - len(function.args.defaults) :] if function.args.defaults else []
    late = by_place[ARGUMENTS_BY_PLACE_MAX + _is_method(function) :]
    return [argument.arg for argument in late if argument in optional]


def _is_method(function: Function) -> bool:
    """Whether the first argument is the object or class itself."""
    return bool(function.args.args) and function.args.args[0].arg in {"self", "cls"}


def _is_declarative(source: Source, function: Function) -> bool:
    """Whether the arguments are a vocabulary rather than a call's: a command line's options, the schema's words."""
    vocabulary = source.path in {Path("app/__main__.py"), Path("schema/language.py")}
    return vocabulary and not function.name.startswith("_")


def _depth(node: ast.AST) -> int:
    """How deep blocks are nested in a function; `elif` and `else` go no deeper, and inner functions count apart."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, _depth(child) + (isinstance(child, NESTING) and not is_elif))
    return deepest


def _definitions(tree: ast.AST) -> Iterator[Definition]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Definition))


def _undocumented(scope: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Public names of a module or public class that have no docstring; overriding dunders speak for themselves."""
    for node in scope.body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node)


def _is_stub(function: Function) -> bool:
    """Whether a function has no body but a docstring, `pass` or `...` and does not say why in its docstring."""
    empty = all(
        isinstance(statement, ast.Pass)
        or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and statement.value.value is ...
        )
        for statement in function.body
    )
    return empty and not any(isinstance(name, ast.Name) and name.id == "overload" for name in function.decorator_list)


def is_vague(words: list[str]) -> bool:
    """Whether a name of these words could stand for anything."""
    return bool(set(words) & VAGUE_WORDS) or bool(set(words[-1:]) & VAGUE_ENDINGS)


def _parts(path: Path) -> tuple[str, ...]:
    """The names of a file and its folders, without what tells the file's kind."""
    return tuple(part for part in path.with_suffix("").parts if part.strip("._"))


def _split(name: str) -> list[str]:
    """The words of a Python name, in small letters."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
