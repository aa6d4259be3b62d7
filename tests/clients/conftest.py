"""What the tests of clients stand on: Node, and the packages that npm fetched once into a cache of this machine."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = Path.home() / ".cache" / "lading"
CLIENTS = "--clients"
HOW = "real clients are fetched by npm; run `./lading test --fast tests/clients --clients` where there are Node and npm"
FETCH_SECONDS_MAX = 180


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run ask for the real clients."""
    parser.addoption(CLIENTS, action="store_true", help="Try the real GraphQL clients, which npm fetches.")


@pytest.fixture(scope="session")
def clients(request: pytest.FixtureRequest) -> Path:
    """The folder of the clients' scripts beside their packages; the test is skipped where these are not to be had."""
    if not request.config.getoption(CLIENTS, default=False):
        pytest.skip(HOW)
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"there is no Node or npm here; {HOW}")
    wanted = (HERE / "package.json").read_bytes()
    folder = CACHE / f"clients-{hashlib.sha256(wanted).hexdigest()[:16]}"
    if not (folder / "node_modules").exists():
        fetch(folder, wanted)
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


def fetch(folder: Path, wanted: bytes) -> None:
    """Have npm bring the packages; the test is skipped where it cannot, and nothing half-fetched is left."""
    making = folder.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    (making / "package.json").write_bytes(wanted)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    try:
        subprocess.run(command, cwd=making, check=True, capture_output=True, timeout=FETCH_SECONDS_MAX)
    except (subprocess.SubprocessError, OSError) as failed:
        pytest.skip(f"npm could not fetch the clients ({type(failed).__name__}); {HOW}")
    making.rename(folder)
