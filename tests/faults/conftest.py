"""What the tests of faults stand on: a Redis of their own, and in the long form a PostgreSQL too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.server.database import sessions_of, writing_engine
from tests import databases
from tests.faults.own_postgres import OwnPostgres
from tests.following.own_redis import OwnRedis

FAULTS = "--faults"
ONLY = "--only-faults"
HOW = "the long form takes minutes; run `./lading test --fast tests/faults --faults SECONDS`"
CONNECTIONS = 12


@dataclass(frozen=True)
class Ground:
    """What a world is built on, and the seed of what happens in it."""

    database_url: str
    sessions: async_sessionmaker[AsyncSession]
    redis: OwnRedis
    folder: Path
    seed: int
    postgres: OwnPostgres | None = None
    """The PostgreSQL, where it is the test's own and may be ended."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run ask for the long form, and for what happens in it."""
    parser.addoption(FAULTS, type=int, help="Have faults happen for so many seconds, at random by `--seed`.")
    parser.addoption(ONLY, help="Have these faults happen in each round, by their names with commas, and no others.")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of this test's own, running."""
    made = OwnRedis(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def ground(
    database_url: str, sessions: async_sessionmaker[AsyncSession], own_redis: OwnRedis, tmp_path: Path
) -> Ground:
    """The suite's PostgreSQL, and what happens each time."""
    return Ground(database_url, sessions, own_redis, tmp_path, seed=1)


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> int:
    """How long the long form is to go on; without it the test is skipped."""
    asked = request.config.getoption(FAULTS, None)
    if asked is None:
        pytest.skip(HOW)
    return int(asked)


@pytest.fixture
async def own_ground(
    request: pytest.FixtureRequest, seconds: int, own_redis: OwnRedis, tmp_path: Path, run: str
) -> AsyncIterator[Ground]:
    """A PostgreSQL of the test's own, and what happens by a seed that `--seed` may choose."""
    postgres = OwnPostgres(tmp_path / "home")
    postgres.start()
    try:
        await asyncio.to_thread(databases.build, postgres.url)
        engine = writing_engine(postgres.url, pool=CONNECTIONS)
        seed = int(request.config.getoption("--seed") or int(run.rpartition("_")[2], 16))
        yield Ground(postgres.url, sessions_of(engine), own_redis, tmp_path, seed, postgres)
        await engine.dispose()
    finally:
        postgres.stop()
