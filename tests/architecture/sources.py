"""What the tests of the house look at: the files of the project, and the Python among them as syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("app", "resolvers", "schema")
"""The roots of the code itself; `tests`, `migrations` and `bench` serve it."""
NO_DOMAINS = {"kernel", "server", "gateways", "importing", "simulation"}
"""The rooms of `app` that are no domain: what all share, the process, and what feeds data in."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """One file of Python, by its path from the root."""

    path: Path

    @cached_property
    def text(self) -> str:
        """What the file says."""
        return (ROOT / self.path).read_text()

    @cached_property
    def tree(self) -> ast.Module:
        """What the file means."""
        return ast.parse(self.text)

    @property
    def is_house(self) -> bool:
        """Whether it is code that serves, rather than a test or a migration."""
        return self.path.parts[0] in HOUSE

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Where a node is, as editors open it."""
        return f"{self.path}:{node.lineno}"


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed or would be, by its path from the root."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(Path(name) for name in told.split("\0") if name and (ROOT / name).is_file()))


@cache
def sources() -> tuple[Source, ...]:
    """Every file of Python."""
    return tuple(Source(path) for path in files() if path.suffix == ".py")


@cache
def house() -> tuple[Source, ...]:
    """The Python that serves."""
    return tuple(source for source in sources() if source.is_house)
