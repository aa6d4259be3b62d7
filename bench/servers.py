"""The servers that are measured, each a process of its own on this machine, over the same database."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.kernel.identity import unguessable_token
from app.server.embedded.unprivileged import die_with_parent
from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.settings import Settings
from app.server.supervising import environment_here, stop
from bench.asked import Bodies, Read, Walk
from bench.node import Program, ready

HOST = "127.0.0.1"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
CONNECTIONS = 10
"""Connections to PostgreSQL that each server may use."""
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
SILENCED = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}


@dataclass
class Server:
    """One running server: how it is asked, and the requests that each read is made of there."""

    name: str
    title: str
    port: int
    process: subprocess.Popen[bytes]
    headers: dict[str, str]
    bodies: dict[str, list[str]]

    def answer(self, body: str) -> bytes:
        """The answer to one request; Failure where it is none."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("POST", "/graphql", body.encode(), self.headers)
            response = connection.getresponse()
            told = response.read()
        finally:
            connection.close()
        if response.status != 200 or b'"errors"' in told:
            raise Failure(f"{self.title} answered {response.status}: {told[:600].decode(errors='replace')}")
        return told

    def data(self, document: str, variables: dict[str, Any]) -> Any:
        """The data of one answer."""
        return json.loads(self.answer(json.dumps({"query": document, "variables": variables})))["data"]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A started server, once it listens, and stopped afterwards."""
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _listens(server.port):
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{server.title} could not be started; its log is beside the database of the benchmarks.")
            time.sleep(0.1)
        yield server
    finally:
        stop([server.process], STOP_SECONDS_MAX)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def start(command: list[str], job: dict[str, Any], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A process that gets `job` on its input and whose output goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as told:
        process = subprocess.Popen(  # noqa: S603
            command,
            preexec_fn=die_with_parent,  # noqa: PLW1509 — nothing here has threads when servers are started.
            cwd=ROOT,
            env={**environment_here(), **environment},
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=told,
        )
    assert process.stdin is not None  # noqa: S101
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    return process


def start_ours(
    settings: Settings, database_url: str, key: str, *, module: str | None = None, **environment: str
) -> Server:
    """This server as it is run in production: one process, all its log lines, and a caller with an API key.

    With `module` that is run in the place of `lading serve`, which it does itself.
    """
    port = free_port()
    whole = {**_production(settings, database_url), "LADING_PORT": str(port), "LADING_WORKERS": "1", **environment}
    command = [sys.executable, "-P", "-m", *([module] if module else ["app", "serve"])]
    process = start(command, {}, settings.home / "logs" / "lading.log", **whole)
    return Server("lading", "Lading", port, process, {**JSON, "Authorization": f"Bearer {key}"}, {})


@contextmanager
def relaying(settings: Settings, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A relay as it is run in production, stopped afterwards."""
    command, log = [sys.executable, "-P", "-m", "app", "relay"], settings.home / "logs" / "relay.log"
    process = start(command, {}, log, **_production(settings, database_url))
    try:
        yield process
    finally:
        stop([process], STOP_SECONDS_MAX)


def _production(settings: Settings, database_url: str) -> dict[str, str]:
    """What every process of this server is told."""
    return {
        "LADING_MODE": "production",
        "DATABASE_URL": database_url,
        "REDIS_URL": settings.woken_by,
        "LADING_SECRET": unguessable_token(),
        "LADING_READ_POOL": str(CONNECTIONS),
    }


def start_module(name: str, title: str, settings: Settings, job: dict[str, Any]) -> Server:
    """One of the servers of this folder."""
    port = free_port()
    whole = {"port": port, "connections": CONNECTIONS, **job}
    command = [sys.executable, "-P", "-m", f"bench.{name}"]
    return Server(name, title, port, start(command, whole, settings.home / "logs" / f"{name}.log"), dict(JSON), {})


def start_node(name: str, program: Program, settings: Settings, address: str) -> Server:
    """A program on Node over the database or Redis at `address`; Absent where there is none."""
    node, script = ready(program, settings.home)
    port = free_port()
    command = [str(node), str(script), address, str(port), str(CONNECTIONS)]
    process = start(command, {}, settings.home / "logs" / f"{name}.log", **SILENCED)
    return Server(name, program.title, port, process, dict(JSON), {})


def bodies_of(server: Server, reads: Sequence[Read], variables: dict[str, list[dict[str, Any]]]) -> Bodies:
    """What each read asks of `server`, which makes the cursors of its pages itself; other `variables` come from SQL."""
    return {read.name: list(_bodies(server, read, variables)) for read in reads}


def _bodies(server: Server, read: Read, variables: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    document = read.document(server.name)
    if isinstance(read.source, Walk):
        told: Iterable[dict[str, Any]] = ({"after": cursor} for cursor in cursors(server, read.source))
    else:
        told = variables[read.name]
    yield from ({"query": document, "variables": values} for values in told)


def cursors(server: Server, walk: Walk) -> Iterator[str | None]:
    """The cursors of the first pages of a list; none for the first of all."""
    theirs = server.name == "postgraphile"
    document, root = (walk.theirs, walk.their_root) if theirs else (walk.ours, walk.root)
    cursor: str | None = None
    for _ in range(walk.pages):
        yield cursor
        cursor = server.data(document, {"after": cursor})[root]["pageInfo"]["endCursor"]
        if cursor is None:
            return
