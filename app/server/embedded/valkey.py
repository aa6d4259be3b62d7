"""The embedded Valkey, which speaks Redis's protocol."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.server.embedded.process import LOOPBACK, stopped_at_the_end, wait_until
from app.server.embedded.unprivileged import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.server.embedded.binaries import Binaries

DURABLE_SETTINGS = {"appendonly": "yes", "appendfsync": "everysec"}
FAST_SETTINGS = {"appendonly": "no", "databases": "4096"}
"""For tests only: nothing is kept, and each test has a database of its own."""


@dataclass(frozen=True)
class Valkey:
    """One Valkey whose data is in `home/valkey`; `fast` keeps nothing."""

    home: Path
    binaries: Binaries
    password: str
    fast: bool

    @contextmanager
    def running(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """The server, answering on `port`; stopped at the end."""
        data, log = self.home / "valkey", self.home / "valkey.log"
        data.mkdir(mode=0o700, exist_ok=True)
        settings = {"port": port, "bind": LOOPBACK, "dir": f'"{data}"', "save": '""', "requirepass": self.password}
        lines = [f"{name} {value}\n" for name, value in (settings | self._kind()).items()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.binaries.valkey, "-"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509 — the keeper has one thread.
            )
        with stopped_at_the_end(process, signal.SIGTERM):
            if process.stdin:
                process.stdin.write("".join(lines).encode())
                process.stdin.close()
            wait_until(lambda: answers(port, self.password), process, log)
            yield process

    def _kind(self) -> dict[str, str]:
        return FAST_SETTINGS if self.fast else DURABLE_SETTINGS


def answers(port: int, password: str) -> bool:
    """Whether a Valkey with this password answers on `port` of the loopback."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            told = b""
            while not told.endswith(b"+PONG\r\n"):
                piece = connection.recv(100)
                if not piece or piece.startswith(b"-"):
                    return False
                told += piece
    except OSError:
        return False
    return True
