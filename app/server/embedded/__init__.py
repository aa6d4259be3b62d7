"""Embedded servers: a real PostgreSQL and a real Valkey without anything installed, their data in one folder.

Any number of processes may use the servers of a folder at once: the first starts them, and they stop when the last
user ends, however it ends. Nobody has to stop anything, and nobody's server is stopped under them.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.kernel.identity import unguessable_token
from app.server.embedded.binaries import find_binaries
from app.server.embedded.locks import KEEPER, STARTING, STATE, USERS, held, taken_at_once
from app.server.embedded.postgres import NAME, is_ready
from app.server.embedded.process import LOOK_SECONDS, LOOPBACK, START_SECONDS_MAX
from app.server.failure import EmbeddedFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EmbeddedFailure", "Servers", "embedded_servers", "is_running"]

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "embedded"


@dataclass(frozen=True)
class Servers:
    """The addresses of a PostgreSQL and a Redis."""

    database_url: str
    redis_url: str


@contextmanager
def embedded_servers(home: Path, *, fast: bool = False) -> Iterator[Servers]:
    """The servers whose data is under `home`, started where they do not run, and ours to use until the end.

    `fast` is for tests: it gives up durability. EmbeddedFailure says why they cannot run.
    """
    with ExitStack() as using:
        try:
            servers = _use(home.resolve() / FOLDER, using, fast=fast)
        except PermissionError as refused:
            advice = "belongs to another user; set LADING_HOME to a folder of yours."
            raise EmbeddedFailure(f"{refused.filename} {advice}") from refused
        yield servers


def _use(folder: Path, using: ExitStack, *, fast: bool) -> Servers:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    using.enter_context(held(folder / USERS, fcntl.LOCK_SH))
    with held(folder / STARTING):
        password = _password(folder)
        return _addresses(_running(folder) or _start(folder, fast=fast), password)


def _addresses(ports: dict[str, int], password: str) -> Servers:
    return Servers(
        database_url=f"postgresql://{NAME}:{password}@{LOOPBACK}:{ports['postgres']}/{NAME}",
        redis_url=f"redis://:{password}@{LOOPBACK}:{ports['valkey']}/0",
    )


def _password(folder: Path) -> str:
    path = folder / "password"
    if not path.exists():
        making = folder / "password.new"
        making.unlink(missing_ok=True)
        making.touch(mode=0o600)
        making.write_text(unguessable_token())
        making.rename(path)
    return path.read_text()


def is_running(home: Path) -> bool:
    """Whether somebody keeps the servers of `home` running."""
    lock = home.resolve() / FOLDER / KEEPER
    if not lock.exists():
        return False
    with lock.open("a") as file:
        return not taken_at_once(file)


def _running(folder: Path) -> dict[str, int] | None:
    """The ports of the servers that a living keeper runs, once they answer; None where no keeper lives."""
    binaries = find_binaries()
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with (folder / KEEPER).open("a") as file:
            if taken_at_once(file):
                return None
        with suppress(OSError, ValueError):
            ports: dict[str, int] = json.loads((folder / STATE).read_text())
            if is_ready(binaries, ports["postgres"]):
                return ports
        time.sleep(LOOK_SECONDS)
    raise EmbeddedFailure(f"The servers of {folder} run but do not answer; see the logs there.")


def _start(folder: Path, *, fast: bool) -> dict[str, int]:
    command = [sys.executable, "-m", "app.server.embedded.keeper", str(folder), "fast" if fast else "durable"]
    with (folder / "keeper.log").open("wb") as log:
        told = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, check=False
        )
    answer: dict[str, Any] = json.loads(told.stdout or '{"error": "the keeper of the embedded servers ended"}')
    if "error" in answer:
        raise EmbeddedFailure(f"{answer['error']}")
    return answer
