"""What tests of importing may ask for: the whole real set, where the run was told its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = "--data"
HOW = "the whole Olist set is not committed; run `./lading test --fast tests/importing --data FOLDER` where you have it"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be told where the whole Olist set is."""
    parser.addoption(DATA, help="The folder of the whole Olist order set, to import it and check every figure.")


@pytest.fixture
def whole_set(request: pytest.FixtureRequest) -> Path:
    """The folder of the whole Olist set; without it the test is skipped."""
    folder = request.config.getoption(DATA, None)
    if folder is None:
        pytest.skip(HOW)
    return Path(folder)
