"""The doctor: what runs here, in which versions, what is wrong with it and what to do about that."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import asyncpg
from redis.exceptions import RedisError

from app.kernel.limits import DEFAULTS
from app.server.database import asyncpg_url, place_of
from app.server.doctor_log import log_findings, webhook_findings
from app.server.embedded import is_running
from app.server.failure import Failure
from app.server.migrating import head, mismatch, revision_by
from app.server.replica import FLUSHED_SQL, REACHED_SQL
from app.server.settings import Settings, complete
from app.server.wakeup.addresses import Kind, read_address
from app.server.wakeup.servers import Servers

POSTGRES_OLDEST = 150_000
REDIS_OLDEST = 7
DISK_BYTES_MIN = 1024**3
PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "sqlalchemy", "asyncpg", "redis")
UNREACHABLE = (OSError, TimeoutError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` is set where it is wrong, or worth a word."""

    what: str
    found: str
    wrong: bool = False
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, cheapest first; embedded servers are started for the look where they do not run."""
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("Packages", ", ".join(f"{name} {_installed(name)}" for name in PACKAGES))
    yield Finding("Mode", f"{settings.mode.value}, data in {settings.home.resolve()}")
    yield _disk(settings)
    try:
        yield from _servers(settings)
    except Failure as failure:
        yield Finding("Embedded servers", "do not run", wrong=True, advice=str(failure))
    yield _interface(settings)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _disk(settings: Settings) -> Finding:
    place = next(path for path in (settings.home.resolve(), *settings.home.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free
    told = f"{free / 1024**3:.1f} GiB free"
    return Finding("Disk", told, wrong=free < DISK_BYTES_MIN, advice="Make room." if free < DISK_BYTES_MIN else "")


def _servers(settings: Settings) -> Iterator[Finding]:
    if not (settings.database_url and settings.redis_url):
        found = "running" if is_running(settings.home) else "not running before this look"
        yield Finding("Embedded servers", found, advice="They start with their first user and stop with their last.")
    with complete(settings) as whole:
        findings = asyncio.run(_connected(whole))
    yield from findings


async def _connected(settings: Settings) -> list[Finding]:
    checks = [
        _reached("PostgreSQL", settings.written_to, _postgres),
        _reached("Log of events", settings.written_to, _log),
        _reached("Redis", settings.woken_by, _redis),
    ]
    if settings.database_read_url:
        checks.append(_reached("PostgreSQL to read from", settings.read_from, _postgres))
        checks.append(_reached("Replica", settings.read_from, partial(_replica, settings.written_to)))
    return [finding for findings in await asyncio.gather(*checks) for finding in findings]


async def _reached(what: str, url: str, look: Callable[[str, str], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look(what, url)
    except UNREACHABLE as failure:
        return [
            Finding(what, "does not answer", wrong=True, advice=f"{_place(url)}: {failure or type(failure).__name__}")
        ]


async def _postgres(what: str, url: str) -> list[Finding]:
    connection = await asyncpg.connect(asyncpg_url(url), timeout=5)
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        name = await connection.fetchval("SHOW server_version")
        revision = await revision_by(connection.fetchval)
    finally:
        await connection.close()
    old = number < POSTGRES_OLDEST
    wrong = mismatch(revision, head())
    return [
        Finding(
            what, f"{name} at {place_of(url)}", wrong=old, advice="Lading needs PostgreSQL 15 or newer." if old else ""
        ),
        Finding(
            f"Schema of {what}", revision or "none", wrong=bool(wrong), advice=wrong or "this is what the code needs"
        ),
    ]


async def _replica(primary_url: str, what: str, url: str) -> list[Finding]:
    """Whether the server to read from replays what the primary writes, and how much it lacks."""
    primary, replica = await _asked(primary_url, FLUSHED_SQL), await _asked(url, REACHED_SQL)
    if replica["system_identifier"] != primary["system_identifier"]:
        advice = "DATABASE_READ_URL is to name a replica of DATABASE_URL's server; nothing is read from this one."
        return [Finding(what, f"of another cluster at {place_of(url)}", wrong=True, advice=advice)]
    behind = max(0, primary["lsn"] - replica["lsn"])
    advice = "" if replica["replays"] else "It replays nothing: it is the primary itself, or was promoted."
    return [Finding(what, f"{behind} bytes behind at {place_of(url)}", advice=advice)]


async def _asked(url: str, statement: str) -> asyncpg.Record:
    """What a server answers about its log, and which cluster it is of."""
    connection = await asyncpg.connect(asyncpg_url(url), timeout=5)
    try:
        return await connection.fetchrow(f"SELECT * FROM ({statement}) AS log, pg_control_system()")  # noqa: S608
    finally:
        await connection.close()


async def _log(_: str, url: str) -> list[Finding]:
    connection = await asyncpg.connect(asyncpg_url(url), timeout=5)
    try:
        if await revision_by(connection.fetchval) != head():
            return []
        told = [*await log_findings(connection), *await webhook_findings(connection)]
    finally:
        await connection.close()
    return [Finding(what, found, wrong=bool(advice), advice=advice) for what, found, advice in told]


async def _redis(what: str, url: str) -> list[Finding]:
    address = read_address(url)
    servers = Servers(address, DEFAULTS)
    try:
        async with servers.telling() as client:
            told = await client.info("server")
            state = (await client.cluster("INFO"))["cluster_state"] if address.kind is Kind.CLUSTER else ""
    finally:
        await servers.close()
    name = f"Valkey {told['valkey_version']}" if "valkey_version" in told else f"Redis {told['redis_version']}"
    old = int(str(told["redis_version"]).split(".")[0]) < REDIS_OLDEST
    return [
        Finding(
            what,
            f"{name} at {address.place}{f', a cluster whose state is {state}' if state else ''}",
            wrong=old,
            advice="Lading needs Redis 7 or newer." if old else "",
        )
    ]


def _place(url: str) -> str:
    """Where a server of either kind is."""
    return place_of(url) if url.startswith("postgres") else read_address(url).place


def _interface(settings: Settings) -> Finding:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    address = f"http://{host}:{settings.port}/readyz"
    try:
        with urlopen(address, timeout=3):
            return Finding("Interface", f"ready at {address}")
    except HTTPError as failure:
        return Finding("Interface", f"not ready at {address}", wrong=True, advice=failure.read().decode())
    except URLError:
        return Finding("Interface", f"nothing at {address}", advice="`lading serve` starts it.")
    except (OSError, TimeoutError) as failure:
        return Finding("Interface", f"no answer at {address}", wrong=True, advice=str(failure))
