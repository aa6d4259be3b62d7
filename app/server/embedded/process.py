"""One embedded server's process: a free port, waiting until it answers, and its end."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.server.failure import EmbeddedFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOOPBACK = "127.0.0.1"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
LOOK_SECONDS = 0.02


def free_port(wanted: int = 0) -> int:
    """A free port of the loopback: the `wanted` one where it is free, so that an address outlives a restart."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedFailure("There is no free port on the loopback.")


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server `process` answers; EmbeddedFailure with the end of its `log` where it does not."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip()[-500:]
            raise EmbeddedFailure(f"{log.stem} did not start; the end of {log}: {last}")
        time.sleep(LOOK_SECONDS)


@contextmanager
def stopped_at_the_end(process: subprocess.Popen[bytes], with_signal: int) -> Iterator[None]:
    """Stop `process` at the end, by `with_signal` first and by force where it does not heed."""
    try:
        yield
    finally:
        process.send_signal(with_signal)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
