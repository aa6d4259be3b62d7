"""Locks between processes: the operating system lets them go, however a process ends."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS = "users.lock"
STARTING = "starting.lock"
KEEPER = "keeper.lock"
STATE = "state.json"
"""No lock: where a keeper says which ports its servers have, while they run."""


@contextmanager
def held(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the lock in the file `path`; waits for whoever holds it against us."""
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


def taken_at_once(file: IO[str]) -> bool:
    """Whether the lock in `file` could be taken for us alone without waiting."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
