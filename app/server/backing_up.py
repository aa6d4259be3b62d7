"""Backups: one file of the whole database as it was at one moment, and its way back into an empty one.

They are made by PostgreSQL's own programs. What is restored begins a new epoch of the event log, so that no follower
takes a cursor of the lost days for one of the new.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

import asyncpg
from sqlalchemy import make_url

from app.server.database import asyncpg_url, place_of
from app.server.embedded.binaries import postgres_folders
from app.server.failure import Failure
from app.server.relay import begin_epoch

EMPTIED = b"SET lock_timeout = '10s';\nSET client_min_messages = warning;\nDROP SCHEMA public CASCADE;\n"
"""What comes first: the backup makes its schema itself."""
WHOLE = ("--schema=public", "--extension=pg_trgm")
"""What a backup holds: all tables, and the extension that their indexes want."""
HEADER_LINES = 100
UNKNOWN_TO_OLDER = b"SET transaction_timeout"
"""PostgreSQL 17's programs say this to any server, and older ones refuse it."""


def back_up(database_url: str, file: Path) -> int:
    """Write the database at `database_url` to `file`, which appears only when it is whole; answers its bytes."""
    if file.exists():
        raise Failure(f"{file} exists already; name another file.")
    partial = file.with_name(f"{file.name}.partial")
    command = [program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", *WHOLE]
    try:
        _run([*command, f"--file={partial}"], database_url)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def restore(database_url: str, file: Path, *, replace: bool) -> None:
    """Bring what `file` holds into the database at `database_url`, all or nothing; `replace` drops what is there."""
    if not file.is_file():
        raise Failure(f"There is no file {file}.")
    if not replace and asyncio.run(_has_tables(database_url)):
        raise Failure(f"The database at {place_of(database_url)} is not empty; --replace drops what is there.")
    with tempfile.TemporaryFile() as complaints:
        if not _load(file, _environment(database_url), complaints):
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip().splitlines()
            raise Failure(f"Nothing was restored: {reason[0] if reason else 'the programs did not say why'}.")
    asyncio.run(_begin_anew(database_url))


def _load(file: Path, environment: dict[str, str], complaints: IO[bytes]) -> bool:
    """Pour the unpacked `file` into one transaction; where unpacking fails, that is never ended, so nothing remains."""
    unpack = [program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)]
    load = [program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    unpacking = subprocess.Popen(unpack, stdout=subprocess.PIPE, stderr=complaints)
    loading = subprocess.Popen(
        load, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints, env=environment
    )
    with unpacking, loading:
        if unpacking.stdout and loading.stdin:
            with suppress(BrokenPipeError):
                _pour(unpacking.stdout, loading.stdin)
            if unpacking.wait() != 0:
                loading.kill()
                loading.wait()
            with suppress(BrokenPipeError):
                loading.stdin.close()
    return unpacking.returncode == 0 and loading.returncode == 0


def _pour(unpacked: IO[bytes], loading: IO[bytes]) -> None:
    loading.write(EMPTIED)
    for number, line in enumerate(unpacked):
        if number > HEADER_LINES or not line.startswith(UNKNOWN_TO_OLDER):
            loading.write(line)
    loading.flush()


def program(name: str) -> str:
    """The newest of PostgreSQL's programs of that name on this machine: it can read servers older than itself."""
    for folder in postgres_folders():
        if (folder / name).exists():
            return str(folder / name)
    if found := shutil.which(name):
        return found
    raise Failure(f"{name} is needed and was not found: install PostgreSQL's client programs.")


def _environment(database_url: str) -> dict[str, str]:
    """What tells PostgreSQL's programs where to connect; unlike their arguments, others cannot read it."""
    url = make_url(database_url)
    told = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode"),
    }
    return {**os.environ, **{name: str(value) for name, value in told.items() if value is not None}}


def _run(command: list[str], database_url: str) -> None:
    done = subprocess.run(command, env=_environment(database_url), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure((done.stderr.strip().splitlines() or [f"{command[0]} failed."])[0])


async def _has_tables(database_url: str) -> bool:
    connection = await asyncpg.connect(asyncpg_url(database_url))
    try:
        return bool(await connection.fetchval("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1"))
    finally:
        await connection.close()


async def _begin_anew(database_url: str) -> None:
    connection = await asyncpg.connect(asyncpg_url(database_url))
    try:
        async with connection.transaction():
            if await connection.fetchval("SELECT to_regclass('outbox_log')") is not None:
                await begin_epoch(connection)
    finally:
        await connection.close()
