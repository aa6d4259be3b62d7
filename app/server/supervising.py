"""Running several processes as one: a dead one is started again, and all of them stop together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from app.server.embedded.unprivileged import die_with_parent
from app.server.failure import Failure
from app.server.migrating import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS = 0.2
EARLY_SECONDS = 5
"""A process that ends by itself this soon after its start cannot run at all, and is not started again."""
PAUSE_SECONDS = 1

log = structlog.get_logger("lading.supervisor")


@dataclass(frozen=True)
class Program:
    """One process to keep running: arguments of the `lading` command, and what its environment adds to ours."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> Running:
        """Start it; it ends when we do."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app", *self.arguments],
            env={**environment_here(), **self.environment},
            preexec_fn=die_with_parent,  # noqa: PLW1509 — a supervisor has one thread.
        )
        return Running(self, process, time.monotonic())


@dataclass
class Running:
    """A started program."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float

    def checked(self) -> Running:
        """Itself while it runs, else the same program started again; Failure where it cannot run."""
        status = self.process.poll()
        if status is None:
            return self
        if status > 0 and time.monotonic() - self.started_at < EARLY_SECONDS:
            raise Failure(f"{self.program.name} ended at its start with status {status}.")
        log.error("process ended", name=self.program.name, status=status)
        time.sleep(PAUSE_SECONDS)
        return self.program.start()


def environment_here() -> dict[str, str]:
    """Our environment, in which `python -m app` finds this code from any folder."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def supervise(
    programs: Sequence[Program], *, stop_seconds: float, each_look: Callable[[], None] = lambda: None
) -> None:
    """Keep `programs` running until we are asked to stop; each may take `stop_seconds` to end.

    `each_look` is called every time that they are looked at.
    """
    with stop_asked() as asked:
        running = [program.start() for program in programs]
        try:
            while not asked:
                time.sleep(LOOK_SECONDS)
                running = [one if asked else one.checked() for one in running]
                each_look()
        finally:
            stop([one.process for one in running], stop_seconds)


@contextmanager
def stop_asked() -> Iterator[list[int]]:
    """A list that has the signal in it once we are asked to stop."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda got, _: asked.append(got)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def stop(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Ask `processes` to end, and end by force what has not after `seconds`."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
