"""A PostgreSQL of a test's own, for it to restart and to crash. Commits wait for the disk, as in production."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

from app.server.embedded.binaries import find_binaries
from app.server.embedded.postgres import Postgres
from app.server.embedded.process import STOP_SECONDS_MAX, free_port
from tests.server.standby import PASSWORD, url_of


class OwnPostgres:
    """A PostgreSQL that a test may end in any way, and start again."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.port = free_port()
        self.url = url_of(self.port)
        self._server = Postgres(home, find_binaries(), PASSWORD, fast=False)
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._one = threading.Lock()
        """A start that was given up goes on in its thread; the end of the test waits for it."""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._one:
            self._process = self._running.enter_context(self._server.running(self.port))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: at once but in order, or by SIGQUIT as a crash would, to be recovered at the next start."""
        with self._one:
            if self._process is not None:
                self._process.send_signal(how)
                self._process.wait(STOP_SECONDS_MAX)
                self._running.close()
                self._process = None
