"""The whole check of the code: style, types and the tests, which also hold the house's rules and its imports."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.supervising import environment_here

PROCESSES = 2
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Step:
    """One check: what Python is to run, as its own arguments."""

    name: str
    arguments: Sequence[str]


def steps(pytest_arguments: Sequence[str], *, fast: bool) -> list[Step]:
    """The checks in the order of their speed; `fast` leaves all but the tests."""
    tests = Step("tests", ("-m", "pytest", "-n", str(PROCESSES), *pytest_arguments))
    if fast:
        return [tests]
    contracts = "importlinter" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return [
        Step("style", ("-m", "ruff", "check", ".")),
        Step("format", ("-m", "ruff", "format", "--check", ".")),
        *([Step("imports", ("-c", LINT_IMPORTS))] if contracts else []),
        Step("types", ("-m", "mypy", ".")),
        tests,
    ]


def check(pytest_arguments: Sequence[str], *, fast: bool, tell: Callable[[str], None]) -> None:
    """Run all checks and tell of each; Failure names those that did not pass."""
    if importlib.util.find_spec("pytest") is None:
        raise Failure("The tests need more packages: run them by `./lading test`, which installs these.")
    failed = [step.name for step in steps(pytest_arguments, fast=fast) if not _passes(step, tell)]
    if failed:
        raise Failure(f"Not passed: {', '.join(failed)}.")


def _passes(step: Step, tell: Callable[[str], None]) -> bool:
    tell(f"── {step.name}")
    began = time.monotonic()
    done = subprocess.run([sys.executable, *step.arguments], cwd=ROOT, env=environment_here(), check=False)
    tell(f"   {step.name} {'passed' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.1f} s")
    return done.returncode == 0
