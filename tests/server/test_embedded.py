"""Embedded servers: shared by whoever comes, gone with the last user, their data kept."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from app.server.embedded import EmbeddedFailure, embedded_servers, unprivileged
from app.server.embedded.binaries import find_binaries
from app.server.embedded.postgres import Postgres
from app.server.embedded.process import free_port

USER = """
import sys
from pathlib import Path
from app.server.embedded import embedded_servers
with embedded_servers(Path(sys.argv[1]), fast=True) as servers:
    print(servers.database_url, flush=True)
    sys.stdin.read()
"""


def user_of(home: Path) -> subprocess.Popen[str]:
    """A process that uses the servers of `home` until its input ends; the first line it says is their address."""
    command = [sys.executable, "-c", USER, str(home)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def leave(*users: subprocess.Popen[str]) -> None:
    """Let `users` end."""
    for user in users:
        user.communicate()


def postmaster(home: Path) -> int:
    """The process of the PostgreSQL that runs on `home`."""
    return int((home / "embedded" / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def ends(pid: int) -> bool:
    """Whether the process `pid` ends soon."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def ask(database_url: str, statement: str) -> object:
    """What PostgreSQL answers to `statement`."""

    async def asked() -> object:
        connection = await asyncpg.connect(database_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(asked())


class TestEmbeddedServers:
    def test_are_shared_by_processes_that_race(self, tmp_path: Path):
        users = [user_of(tmp_path) for _ in range(5)]
        addresses = {user.stdout.readline() for user in users if user.stdout}
        pid = postmaster(tmp_path)
        leave(*users)
        assert len(addresses) == 1
        assert ends(pid)

    def test_stay_while_somebody_uses_them_and_end_with_a_killed_last_user(self, tmp_path: Path):
        first, second = user_of(tmp_path), user_of(tmp_path)
        for user in (first, second):
            assert user.stdout
            address = user.stdout.readline().strip()
        pid = postmaster(tmp_path)
        leave(first)
        time.sleep(0.5)
        assert ask(address, "SELECT 1") == 1
        second.send_signal(signal.SIGKILL)
        leave(second)
        assert ends(pid)

    def test_keep_data_and_address_over_a_restart(self, tmp_path: Path):
        with embedded_servers(tmp_path) as servers:
            ask(servers.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with embedded_servers(tmp_path) as again:
            assert ask(again.database_url, "SELECT answer FROM kept") == 42
        assert again == servers

    def test_start_though_the_number_of_a_dead_server_belongs_to_another_process(self, tmp_path: Path):
        with embedded_servers(tmp_path, fast=True):
            pid = postmaster(tmp_path)
        assert ends(pid)
        (tmp_path / "embedded" / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
        with embedded_servers(tmp_path, fast=True) as servers:
            assert ask(servers.database_url, "SELECT 1") == 1

    def test_end_when_their_keeper_is_killed_and_start_anew(self, tmp_path: Path):
        with embedded_servers(tmp_path) as servers:
            keeper = int(Path(f"/proc/{postmaster(tmp_path)}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(keeper, signal.SIGKILL)
            assert ends(keeper)
            with embedded_servers(tmp_path) as again:
                assert ask(again.database_url, "SELECT 1") == 1
        assert servers.database_url.startswith("postgresql://")

    def test_refuse_data_of_another_major_version(self, tmp_path: Path):
        data = tmp_path / "embedded" / "postgres"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("9\n")
        with pytest.raises(EmbeddedFailure, match="is of PostgreSQL 9, but"), embedded_servers(tmp_path):
            pass

    def test_ask_for_a_password(self, tmp_path: Path):
        with embedded_servers(tmp_path, fast=True) as servers:
            stranger = servers.database_url.replace("postgresql://lading:", "postgresql://lading:not")
            with pytest.raises(asyncpg.InvalidPasswordError):
                ask(stranger, "SELECT 1")
        ports = json.loads((tmp_path / "embedded" / "ports.json").read_text())
        assert set(ports) == {"postgres", "valkey"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to leave root behind")
class TestPostgresOfRoot:
    def test_runs_as_a_stranger_where_no_user_namespace_may_be_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(unprivileged, "namespaces_allowed", lambda: False)
        server = Postgres(tmp_path, find_binaries(), "password", fast=True)
        with server.running(free_port()) as process:
            assert Path(f"/proc/{process.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert process.returncode == 0

    def test_goes_on_as_the_stranger_on_what_was_given_to_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        server = Postgres(tmp_path, find_binaries(), "password", fast=True)
        monkeypatch.setattr(unprivileged, "namespaces_allowed", lambda: False)
        with server.running(free_port()):
            pass
        monkeypatch.setattr(unprivileged, "namespaces_allowed", lambda: True)
        with server.running(free_port()) as process:
            assert Path(f"/proc/{process.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
