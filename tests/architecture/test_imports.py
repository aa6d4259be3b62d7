"""Who may import whom: the contracts of `pyproject.toml`, and that they know every domain."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest

from app.server.supervising import environment_here
from tests.architecture.sources import NO_DOMAINS, ROOT, house

LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_logo=True, no_cache=True))"


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    """The contracts by their ids."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in told}


@pytest.fixture(scope="module")
def domains() -> set[str]:
    """The domains that there are: every folder of `app` with tables that is no room of another kind."""
    found = {source.path.parts[1] for source in house() if source.path.match("app/*/tables.py")}
    return {f"app.{name}" for name in found - NO_DOMAINS}


class TestImports:
    def test_keep_the_contracts(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", LINT], cwd=ROOT, env=environment_here(), capture_output=True, text=True, check=False
        )
        advice = "A lower floor records an event and a higher one reacts; a new module is named in its contract."
        assert done.returncode == 0, f"{advice}\n{done.stdout}{done.stderr}"


class TestContracts:
    def test_know_every_domain(self, contracts: dict[str, Any], domains: set[str]) -> None:
        assert set(contracts["domains"]["containers"]) == domains, "Name the domain in the contract `domains`."
        assert set(contracts["business"]["source_modules"]) == {*domains, "app.kernel"}, (
            "Name the domain in the contract `business`."
        )
