"""The embedded PostgreSQL: its data made once, its process started by whoever may run it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.server.embedded.process import LOOK_SECONDS, LOOPBACK, STOP_SECONDS_MAX, stopped_at_the_end, wait_until
from app.server.embedded.unprivileged import unprivileged
from app.server.failure import EmbeddedFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.server.embedded.binaries import Binaries

NAME = "lading"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For tests only: a crash of the machine loses everything, and nobody minds."""
WHO_MAY_CONNECT = f"host all all {LOOPBACK}/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL whose data is in `home/postgres`; `fast` gives up all durability."""

    home: Path
    binaries: Binaries
    password: str
    fast: bool

    @property
    def data(self) -> Path:
        """Where its data directory is."""
        return self.home / "postgres"

    @contextmanager
    def running(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """The server, answering on `port`; stopped at the end."""
        options = self._prepare()
        settings = SETTINGS | {"port": str(port)} | (FAST_SETTINGS if self.fast else {})
        arguments = [f"-c{name}={value}" for name, value in settings.items()]
        log = self.home / "postgres.log"
        with log.open("wb") as output:
            command = [str(self.binaries.postgres / "postgres"), "-D", str(self.data), *arguments]
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **options)
        with stopped_at_the_end(process, signal.SIGINT):
            wait_until(lambda: is_ready(self.binaries, port), process, log)
            yield process

    def _prepare(self) -> dict[str, Any]:
        made = (self.data / "PG_VERSION").exists()
        folder = self.data if made else self.home / "initdb"
        if not made:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        options = unprivileged(folder, self.binaries.postgres / "postgres") | {"cwd": "/"}
        if made:
            self._check_version()
            self._clear_stale_pid()
        else:
            self._make(folder, options)
        return options

    def _make(self, folder: Path, options: dict[str, Any]) -> None:
        """Make the data elsewhere and move it into place when it is whole, so that a half-made one never counts."""
        wanted = ["--locale=C.UTF-8", "--encoding=UTF8", "--auth=trust", "--no-instructions", f"--username={NAME}"]
        wanted += ["--no-sync"] if self.fast else []
        self._run(["initdb", "-D", folder, *wanted], "", options)
        statements = f"create database {NAME}\nalter role {NAME} password '{self.password}'\n"
        self._run(["postgres", "--single", "-j", "-D", folder, "postgres"], statements.replace("\n", ";\n\n"), options)
        (folder / "pg_hba.conf").write_text(WHO_MAY_CONNECT)
        folder.rename(self.data)

    def _run(self, command: list[Any], typed: str, options: dict[str, Any]) -> None:
        whole = [self.binaries.postgres / command[0], *command[1:]]
        done = subprocess.run(whole, input=typed.encode(), capture_output=True, check=False, **options)
        if done.returncode != 0 or b"ERROR:" in done.stderr:
            raise EmbeddedFailure(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[-500:]}")

    def _check_version(self) -> None:
        found, ours = int((self.data / "PG_VERSION").read_text()), self.binaries.postgres_major
        if found != ours:
            raise EmbeddedFailure(
                f"{self.data} is of PostgreSQL {found}, but {ours} is installed: "
                f"back it up with PostgreSQL {found} and restore that into a new folder."
            )

    def _clear_stale_pid(self) -> None:
        """Wait for a server that lost its keeper, and forget one that is dead though its number lives on."""
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while (pid := _first_number(pid_file)) and self._is_ours(pid):
            if time.monotonic() > deadline:
                raise EmbeddedFailure(f"Another PostgreSQL (process {pid}) still runs on {self.data}; stop it first.")
            time.sleep(LOOK_SECONDS)
        if Path("/proc/self/cwd").exists():
            pid_file.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self.data)
        except OSError:
            return False


def is_ready(binaries: Binaries, port: int) -> bool:
    """Whether a PostgreSQL takes connections on `port` of the loopback."""
    asked = [str(binaries.postgres / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(port), "-d", NAME]
    return subprocess.run(asked, check=False).returncode == 0


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
