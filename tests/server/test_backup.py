"""The operator's way: a backup of real stock, restored elsewhere, whose ledger is checked and told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventory.tables import StockLevel
from app.kernel.outbox import write_outbox
from app.server.migrating import ROOT
from app.server.settings import PREFIX
from tests.factories.inventory import stocked


@pytest.fixture
def told(redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What the command is told by its environment, the database apart."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {"REDIS_URL": redis_url, "LADING_HOME": str(tmp_path)}


def lading(*arguments: str, told: dict[str, str], **more: str) -> tuple[int, str]:
    """How the command ended in the environment `told` and `more`, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env={**told, **more},
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def stock(session: AsyncSession) -> None:
    """Two products with stock in two places."""
    await stocked(session, 5)
    await stocked(session, 7)
    await write_outbox(session)
    await session.commit()


@pytest.mark.usefixtures("stock")
class TestRestore:
    async def test_tells_that_the_ledger_balances(
        self, told: dict[str, str], tmp_path: Path, database_url: str, empty_database_url: str
    ) -> None:
        file = str(tmp_path / "lading.backup")
        assert lading("backup", file, told=told, DATABASE_URL=database_url)[0] == 0
        status, said = lading("restore", file, told=told, DATABASE_URL=empty_database_url)
        assert (status, said.splitlines()) == (0, ["Restored.", "The stock ledger balances."])

    async def test_tells_levels_that_the_ledger_does_not_explain(
        self, told: dict[str, str], tmp_path: Path, database_url: str, session: AsyncSession
    ) -> None:
        await session.execute(update(StockLevel).where(StockLevel.on_hand == 5).values(on_hand=6))
        await session.commit()
        file = str(tmp_path / "lading.backup")
        lading("backup", file, told=told, DATABASE_URL=database_url)
        status, said = lading("restore", file, "--replace", told=told, DATABASE_URL=database_url)
        assert status == 1
        assert "on_hand=6, moved=5" in said
        assert "does not explain these stock levels" in said
