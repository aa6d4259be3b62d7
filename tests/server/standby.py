"""A primary and a streaming standby of this test's own, whose replay can be stopped, and which can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from app.server.embedded.binaries import find_binaries
from app.server.embedded.postgres import NAME, Postgres
from app.server.embedded.process import LOOPBACK, free_port
from app.server.embedded.unprivileged import unprivileged

PASSWORD = "password of the tests"
BINARIES = find_binaries()
GIVES_WAY = "max_standby_streaming_delay = 0\n"
"""A statement on the standby is cancelled at once where it is in the way of what is replayed."""


def url_of(port: int) -> str:
    """The address of the one database of the server on `port`."""
    return f"postgresql://{NAME}:{PASSWORD.replace(' ', '%20')}@{LOOPBACK}:{port}/{NAME}"


async def run(url: str, statement: str, *values: object) -> object:
    """The one value of a statement."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()


@dataclass
class Standby:
    """A server that replays what the primary writes."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Its address, whether it runs or not."""
        return url_of(self.port)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = self.running.enter_context(Postgres(self.home, BINARIES, PASSWORD, fast=True).running(self.port))

    def kill(self) -> None:
        """End it as a machine's failure would."""
        assert self.process
        self.process.kill()
        self.stop()

    def stop(self) -> None:
        """End it, if it runs."""
        self.running.close()
        self.process = None

    async def pause(self) -> None:
        """Replay nothing more: it begins to lag."""
        await run(self.url, "select pg_wal_replay_pause()")
        while await run(self.url, "select pg_get_wal_replay_pause_state()") != "paused":
            pass

    async def resume(self) -> None:
        """Go on replaying."""
        await run(self.url, "select pg_wal_replay_resume()")

    async def catch_up(self, primary_url: str) -> None:
        """Wait until it has replayed what the primary has written."""
        wanted = await run(primary_url, "select pg_current_wal_insert_lsn()::text")
        while not await run(self.url, "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn", wanted):
            pass

    def freeze(self, pids: list[int]) -> None:
        """Let the server and its processes `pids` answer nothing, though their connections stay open."""
        assert self.process
        for pid in (self.process.pid, *pids):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self, pids: list[int]) -> None:
        """Let them go on."""
        assert self.process
        for pid in (self.process.pid, *pids):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def primary(home: Path) -> Iterator[str]:
    """The address of a primary that standbys may follow; commits wait for the disk, as in production."""
    home.mkdir()
    port = free_port()
    server = Postgres(home, BINARIES, PASSWORD, fast=True)
    with server.running(port), (server.data / "pg_hba.conf").open("a") as who_may_connect:
        who_may_connect.write(f"host replication all {LOOPBACK}/32 scram-sha-256\n")
    with server.running(port):
        yield url_of(port)


@contextmanager
def standby(primary_url: str, home: Path) -> Iterator[Standby]:
    """A standby of the primary at `primary_url`, made anew and running."""
    home.mkdir(mode=0o700)
    program = BINARIES.postgres / "pg_basebackup"
    command = [
        str(program),
        "-d",
        primary_url,
        "-D",
        str(home / "postgres"),
        "-R",
        "-c",
        "fast",
        "-X",
        "stream",
        "--no-sync",
    ]
    subprocess.run(command, check=True, **unprivileged(home, BINARIES.postgres / "postgres"))
    with (home / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write(GIVES_WAY)
    made = Standby(home, free_port())
    try:
        made.start()
        yield made
    finally:
        made.stop()
