"""One measurement: a round of load on one server, and the time that processors spent on it, from /proc."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from app.server.migrating import ROOT
from app.server.supervising import environment_here
from bench.load import GRACE_SECONDS, Figures, Job
from bench.servers import Server

TICKS = os.sysconf("SC_CLK_TCK")
BACKENDS = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Bounds:
    """How hard and how long one round asks."""

    connections: int
    seconds: float
    requests_max: int


@dataclass(frozen=True)
class Sample:
    """What one round showed; times are milliseconds, and processor time is for one request."""

    per_second: float
    p50: float
    p99: float
    server_cpu: float
    postgres_cpu: float | None
    answer_bytes: int
    failures: int

    @property
    def cpu(self) -> float:
        """The processor time for one request, in the server and, where that is known, in PostgreSQL."""
        return self.server_cpu + (self.postgres_cpu or 0.0)


def processor_seconds(pids: Iterable[int]) -> float:
    """The processor time that living processes have spent so far."""
    return sum(_spent(pid) for pid in pids)


def family_seconds(pids: Iterable[int]) -> float:
    """The processor time of living processes and of what their parent has outlived, such as parallel workers."""
    living = list(pids)
    parents = {_fields(pid)[1] for pid in living if _fields(pid)}
    return processor_seconds(living) + sum(_outlived(int(parent)) for parent in parents)


def _spent(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _outlived(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[13]) + int(fields[14])) / TICKS if fields else 0.0


def _fields(pid: int) -> list[str]:
    """What /proc tells of a process, from its state on; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def is_local(pids: Iterable[int]) -> bool:
    """Whether PostgreSQL's processes are of this machine, so that /proc knows them."""
    commands = [Path(f"/proc/{pid}/cmdline") for pid in pids]
    return bool(commands) and all(path.exists() and b"postgres" in path.read_bytes() for path in commands)


def ask(job: Job) -> Figures:
    """Let the load generator do a job."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.load"],
        input=json.dumps(asdict(job)).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment_here(),
        check=True,
        timeout=job.seconds + GRACE_SECONDS + 30,
    )
    return Figures(**json.loads(done.stdout))


async def measure(server: Server, read: str, bounds: Bounds, watching: asyncpg.Connection) -> Sample:
    """One round of `read` on `server`; `watching` is a connection to the database, for its processes."""
    job = Job(
        server.port,
        "/graphql",
        server.headers,
        server.bodies[read],
        bounds.connections,
        bounds.seconds,
        bounds.requests_max,
    )
    backends = [row["pid"] for row in await watching.fetch(BACKENDS)]
    local = is_local(backends)
    ours, theirs = processor_seconds([server.process.pid]), family_seconds(backends)
    told = ask(job)
    ours = processor_seconds([server.process.pid]) - ours
    backends = [row["pid"] for row in await watching.fetch(BACKENDS)]
    theirs = family_seconds(backends) - theirs
    each = 1_000 / max(1, told.requests)
    return Sample(
        told.requests / told.seconds,
        told.p50_ms,
        told.p99_ms,
        ours * each,
        theirs * each if local else None,
        told.answer_bytes,
        told.failures,
    )


def median_of(samples: list[Sample]) -> Sample:
    """The median of rounds, figure by figure; failures are added up."""
    postgres = [sample.postgres_cpu for sample in samples if sample.postgres_cpu is not None]
    return Sample(
        statistics.median(sample.per_second for sample in samples),
        statistics.median(sample.p50 for sample in samples),
        statistics.median(sample.p99 for sample in samples),
        statistics.median(sample.server_cpu for sample in samples),
        statistics.median(postgres) if postgres else None,
        samples[0].answer_bytes,
        sum(sample.failures for sample in samples),
    )
