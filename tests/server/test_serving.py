"""The process as an operator sees it: started, asked, watched and stopped."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from app.server.failure import Failure
from app.server.migrating import ROOT, RevisionMismatch, require_head
from app.server.serving import listening_socket, settle
from app.server.settings import PREFIX


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What the `lading` command is told: a fresh database, and nothing of this process's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "LADING_HOME": str(tmp_path)}


@contextmanager
def lading(environment: dict[str, str], *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and the address that it says it serves at; killed at the end if it still runs."""
    command = [sys.executable, "-m", "app", *arguments]
    with subprocess.Popen(command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().rpartition(" ")[2].strip()
            yield process, address
        finally:
            process.kill()


def ask(address: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of the answer, once the server listens."""
    for _ in range(1_800):
        try:
            with urlopen(Request(f"{address}{path}", headers=headers), timeout=5) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except HTTPError as answer:
            return answer.code, answer.read().decode(), dict(answer.headers)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def stopped(process: subprocess.Popen[str]) -> int:
    """The status with which `process` ends when asked to."""
    process.send_signal(signal.SIGTERM)
    return process.wait(20)


class TestServe:
    def test_answers_and_stops_cleanly(self, environment: dict[str, str]):
        with lading(environment, "serve", "--port", "0") as (process, address):
            assert ask(address, "/livez")[:2] == (200, "ok")
            status, body, _ = ask(address, "/readyz")
            assert (status, json.loads(body)) == (
                200,
                {"status": "ready", "database": "ok", "redis": "ok", "log": "ok"},
            )
            assert ask(address, "/livez", **{"X-Request-ID": "mine.1"})[2]["x-request-id"] == "mine.1"
            assert ask(address, "/livez", **{"X-Request-ID": "not mine"})[2]["x-request-id"] != "not mine"
            ask(address, "/made-up")
            assert (
                'lading_http_requests_total{method="GET",path="other",status="404"} 1.0' in ask(address, "/metrics")[1]
            )
            assert stopped(process) == 0

    def test_shares_its_port_and_its_figures_between_processes(self, environment: dict[str, str]):
        with lading(environment, "serve", "--port", "0", "--workers", "2") as (process, address):
            for _ in range(8):
                ask(address, "/livez")
            assert (
                'lading_http_requests_total{method="GET",path="/livez",status="200"} 8.0' in ask(address, "/metrics")[1]
            )
            assert stopped(process) == 0

    def test_says_in_a_line_that_its_port_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(Failure, match=f"^127.0.0.1 port {port} cannot be listened on"):
                listening_socket("127.0.0.1", port)

    def test_refuses_a_schema_that_is_not_its_own(self, empty_database_url: str):
        with pytest.raises(RevisionMismatch, match="has no schema yet"):
            require_head(empty_database_url)


class TestStart:
    def test_imports_nothing_that_only_migrating_needs(self):
        code = "import sys, app.__main__, app.main; sys.exit('alembic' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

    def test_prints_no_schema(self):
        code = "import sys; from schema.root import GRAPH; sys.exit('sdl' in vars(GRAPH))"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


class TestMain:
    def test_tells_what_the_operator_can_mend_in_one_line(self, environment: dict[str, str]):
        told = environment | {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
        command = [sys.executable, "-m", "app", "serve"]
        done = subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("lading: PostgreSQL at 127.0.0.1:1/none cannot be used: ")
        assert done.stderr.count("\n") == 1


class TestSettle:
    def test_keeps_full_collections_small_from_the_first_on(self):
        many, thresholds = [[number] for number in range(600_000)], gc.get_threshold()
        try:
            settle()
            assert len(gc.get_objects()) < len(many) < gc.get_freeze_count()
            before = gc.get_stats()[2]["collections"]
            kept = [[number] for number in range(100_000)]
            assert gc.get_stats()[2]["collections"] > before
            del kept
        finally:
            gc.unfreeze()
            gc.set_threshold(*thresholds)
