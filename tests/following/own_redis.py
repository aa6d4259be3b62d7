"""A Redis of a test's own, for it to stop and start."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from app.server.embedded.binaries import find_binaries


class OwnRedis:
    """A Redis that a test may stop and start."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.socket = directory / "own.sock"
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        options = ["--port", str(self.port), "--save", "", "--unixsocket", str(self.socket)]
        self._process = subprocess.Popen([str(find_binaries().valkey), *options], stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """Kill it, without a word to those who are connected."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
