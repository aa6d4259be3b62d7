"""The keeper: the process that runs the embedded servers of one folder for as long as somebody uses them.

Users hold a shared lock on `users.lock`, which the system lets go however they end. The keeper takes that lock for
itself as soon as nobody holds it and stops the servers while it has it, so a new user waits and starts them anew.
It answers its starter with one line of JSON, the ports or what went wrong, and belongs to no terminal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.server.embedded.binaries import find_binaries
from app.server.embedded.locks import KEEPER, STATE, USERS, held, taken_at_once
from app.server.embedded.postgres import Postgres
from app.server.embedded.process import free_port
from app.server.embedded.valkey import Valkey
from app.server.failure import EmbeddedFailure

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 0.1
PORTS = "ports.json"


def keep(home: Path, answer: Callable[[dict[str, Any]], None], *, fast: bool) -> None:
    """Run the servers of `home`, tell their ports to `answer`, and stop them when nobody uses them or one ends."""
    binaries, password = find_binaries(), (home / "password").read_text()
    with held(home / KEEPER), ExitStack() as running:
        ports = {name: free_port(port) for name, port in _last_ports(home).items()}
        (home / PORTS).write_text(json.dumps(ports))
        processes = [
            running.enter_context(Postgres(home, binaries, password, fast).running(ports["postgres"])),
            running.enter_context(Valkey(home, binaries, password, fast).running(ports["valkey"])),
        ]
        (home / STATE).write_text(json.dumps(ports))
        running.callback((home / STATE).unlink)
        answer(ports)
        with (home / USERS).open("a") as users:
            while all(process.poll() is None for process in processes) and not taken_at_once(users):
                time.sleep(LOOK_SECONDS)
            running.close()


def _last_ports(home: Path) -> dict[str, int]:
    try:
        return dict(json.loads((home / PORTS).read_text()))
    except (OSError, ValueError):
        return {"postgres": 0, "valkey": 0}


def _answer(told: dict[str, Any]) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)


def _end(*_: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Keep the servers of the folder named first; the second word is `fast` for tests."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGTERM, _end)
    home, kind = Path(sys.argv[1]), sys.argv[2]
    try:
        keep(home, _answer, fast=kind == "fast")
    except (EmbeddedFailure, OSError) as failure:
        _answer({"error": str(failure)})
        raise SystemExit(1) from failure


if __name__ == "__main__":
    main()
