"""The locks: whole, hashed, and free of any index's address."""

import re
import tomllib

import pytest

from app.server.migrating import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ]+( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def name_of(requirement: str) -> str:
    """The name of the package that `requirement` asks for, as locks write it."""
    return re.split(r"[\[<>=!~;@ ]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
    def test_hold_pinned_packages_and_hashes_and_nothing_else(self, lock):
        strange = [line for line in lock.read_text().splitlines() if not (PINNED.match(line) or HASH.match(line))]
        assert strange == []

    def test_hold_whatever_the_project_asks_for(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        asked = {
            "core": project["project"]["dependencies"],
            "embedded": project["project"]["optional-dependencies"]["embedded"],
            "dev": project["dependency-groups"]["dev"],
        }
        for name, requirements in asked.items():
            locked = {name_of(line) for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()}
            assert {name_of(requirement) for requirement in requirements} - locked == set(), "run requirements/lock"
