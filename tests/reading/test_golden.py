"""Golden readings: for each of the main reads, the statement it becomes and what it answers over the filled shop.

`--refresh-golden` writes both anew, for the difference to be reviewed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.server.explaining import Asked, explained
from schema.root import GRAPH
from tests.reading.conftest import UNBOUNDED, FilledShop

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in FOLDER.glob("*.graphql"))
CALLER = "# as: "


def asked(name: str, filled: FilledShop) -> Asked:
    """The golden reading `name`: its document, its variables, and its caller, whom its first line names."""
    document = (FOLDER / f"{name}.graphql").read_text()
    given = FOLDER / f"{name}.variables.json"
    variables = orjson.loads(given.read_bytes()) if given.exists() else {}
    first, _, _ = document.partition("\n")
    return Asked(document, variables, filled.shop.callers[first.removeprefix(CALLER)])


def statement(reading: Asked) -> str:
    """The statement of a reading with its cost and parameters, as it is reviewed."""
    told = explained(GRAPH, reading, UNBOUNDED)
    head = [f"cost {told.cost}", *told.parameters]
    return "".join(f"{line}\n" for line in (*(f"-- {each}" for each in head), told.sql))


async def answer(reading: Asked, filled: FilledShop) -> str:
    """What a reading answers, in one statement, as it is reviewed."""
    filled.graph.pool.statements.clear()
    found: dict[str, Any] = await filled.graph.response(reading.document, dict(reading.variables), by=reading.principal)
    assert len(filled.graph.pool.statements) == 1
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def compare(name: str, text: str, *, refresh: bool) -> None:
    """Compare `text` with the golden file `name`, or write it."""
    path = FOLDER / name
    if refresh:
        path.write_text(text)
    assert path.exists(), f"{name} is missing: write it by --refresh-golden."
    assert path.read_text() == text, f"{name} differs: if that is meant, --refresh-golden and review the difference."


class TestGoldenReadings:
    @pytest.mark.parametrize("name", NAMES)
    async def test_become_their_statement_and_answer(
        self, name: str, filled: FilledShop, request: pytest.FixtureRequest
    ):
        refresh = bool(request.config.getoption("--refresh-golden"))
        reading = asked(name, filled)
        compare(f"{name}.sql", statement(reading), refresh=refresh)
        compare(f"{name}.json", await answer(reading, filled), refresh=refresh)

    def test_are_all_asked(self):
        files = {path.name.split(".")[0] for path in FOLDER.iterdir()}
        assert files == set(NAMES)
