"""What every test may ask for: real servers, a fresh database, sessions on it, and a Redis of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from itertools import count

import asyncpg
import pytest
import redis.asyncio
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.server.database import driver_url, reading_pool, sessions_of
from app.server.embedded import Servers
from tests import databases
from tests.graph import GraphClient

RUN = "LADING_TEST_RUN"
OPERATIONS = 1_000
"""So many random operations are the same ones each time; more, by `--operations`, are new ones."""
_numbers = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The flags of the suite."""
    parser.addoption(
        "--refresh-golden", action="store_true", help="Write the golden readings anew; review the difference."
    )
    parser.addoption(
        "--operations", type=int, default=OPERATIONS, help="How many random operations readings are compared by."
    )
    parser.addoption(
        "--callers", type=int, help="How many kinds of callers ask each of them, in turn; by default every kind does."
    )
    parser.addoption("--seed", help="What random operations are drawn from; by default those of the run are new ones.")


def pytest_configure(config: pytest.Config) -> None:
    """Name the run by the process that began it; its workers inherit the name."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = f"{os.getpid()}_{secrets.token_hex(3)}"


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this process among those of the run."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def run() -> str:
    """The name of this run, which its databases carry."""
    return os.environ[RUN]


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest, run: str) -> str:
    """What random operations are drawn from: the usual ones are the same in each run."""
    usual = "usual" if request.config.getoption("--operations") == OPERATIONS else run
    return str(request.config.getoption("--seed") or usual)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The PostgreSQL and the Redis of the suite."""
    with databases.test_servers() as found:
        yield found


@pytest.fixture(scope="session")
def template(servers: Servers, run: str) -> Iterator[str]:
    """The name of the database that holds the newest schema and no rows."""
    with databases.run_template(servers.database_url, run) as name:
        yield name


@pytest.fixture(scope="session")
async def administrator(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """A connection that makes and drops databases."""
    connection = await asyncpg.connect(servers.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def empty_database_url(
    servers: Servers, administrator: asyncpg.Connection, run: str, worker: str
) -> AsyncIterator[str]:
    """The address of a database with nothing in it, dropped afterwards."""
    name = f"{databases.PREFIX}_{run}_{worker}_{next(_numbers)}"
    await administrator.execute(f'CREATE DATABASE "{name}"')
    yield databases.renamed(servers.database_url, name)
    await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def database_url(
    servers: Servers, administrator: asyncpg.Connection, template: str, run: str, worker: str
) -> AsyncIterator[str]:
    """The address (`postgresql://…`) of a fresh database with the newest schema, dropped afterwards."""
    name = f"{databases.PREFIX}_{run}_{worker}_{next(_numbers)}"
    await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield databases.renamed(servers.database_url, name)
    await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on the fresh database; each session of it has a connection of its own."""
    made = create_async_engine(driver_url(database_url), poolclass=NullPool)
    yield made
    await made.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Makes sessions on the fresh database, for tests in which several act at once."""
    return sessions_of(engine)


@pytest.fixture
async def session(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """One session on the fresh database; what it leaves uncommitted is rolled back."""
    async with sessions() as made:
        yield made


@pytest.fixture
async def graph(database_url: str, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[GraphClient]:
    """A client of the graph over the fresh database."""
    async with reading_pool(database_url, pool=4) as pool:
        yield GraphClient(pool, sessions)


@pytest.fixture
async def redis_url(servers: Servers) -> AsyncIterator[str]:
    """The address of a Redis: with embedded servers a database of its own, else the one that REDIS_URL names."""
    if "REDIS_URL" in os.environ:
        yield servers.redis_url
        return
    async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
        number = await client.incr("last_database") % databases.REDIS_DATABASES_MAX + 1
    url = f"{servers.redis_url.rpartition('/')[0]}/{number}"
    yield url
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.flushdb()


@pytest.fixture
def redis_prefix(run: str, worker: str) -> str:
    """What the names of this test's keys and channels begin with: Redis's channels know no databases."""
    return f"{databases.PREFIX}:{run}:{worker}:{next(_numbers)}"
