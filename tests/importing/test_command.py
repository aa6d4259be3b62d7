"""The commands `lading import` and `lading simulate`, as an operator gives them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.importing import olist_set
from tests.stories.processes import ROOT

SECONDS_MAX = 120


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a command over the test's database."""
    told = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "LADING_HOME": str(tmp_path), "COLUMNS": "200"}
    return {**os.environ, **told}


async def given(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """How a command ended, and what it said."""
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "app", *arguments),
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS_MAX):
        told, _ = await command.communicate()
    return command.returncode or 0, told.decode()


class TestImportCommand:
    async def test_shows_what_came_in_and_what_did_not(self, environment: dict[str, str], tmp_path: Path) -> None:
        folder = str(olist_set.write(tmp_path / "set", rotten=True))
        status, told = await given(environment, "import", "olist", folder)
        assert status == 0, told
        assert "the price of item 2 is no number" in told
        status, told = await given(environment, "import", "olist", folder)
        assert (status, "imported before" in told) == (0, True)

    async def test_tells_in_a_line_what_is_wrong(self, environment: dict[str, str], tmp_path: Path) -> None:
        status, told = await given(environment, "import", "olist", str(tmp_path / "nowhere"))
        assert status == 1
        assert told.splitlines()[-1].endswith("is no folder; name the one that holds the files.")


class TestSimulateCommand:
    async def test_plays_on_what_was_imported(self, environment: dict[str, str]) -> None:
        status, told = await given(environment, "simulate", "--events", "5")
        assert (status, "Nothing can be sold here" in told) == (1, True)
        assert (await given(environment, "import", "dataco"))[0] == 0
        status, told = await given(environment, "simulate", "--rate", "1000", "--events", "40", "--seed", "3")
        assert status == 0, told
        assert "orders placed" in told
