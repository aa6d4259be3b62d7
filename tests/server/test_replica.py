"""Reading from a real standby: a caller never misses its own writes, and is answered however the standby fares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
from prometheus_client import REGISTRY

from app.kernel.limits import Limits
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.main import Doors
from app.main import opened as opened_doors
from app.server import replica as module
from app.server.database import open_databases, open_replica
from app.server.replica import Replica
from app.server.settings import Settings, read_settings
from app.server.websocket_messages import parse_message
from resolvers.context import GraphQLResponse
from resolvers.reading.trusted import NONE_TRUSTED
from tests import databases
from tests.server import standby as standbys
from tests.server.standby import Standby, run

SECRET = "a secret of 32 different letters"
STRANGER = ANONYMOUS
FRESH = {"server": "replica", "reason": "fresh"}
POSITION = {"server": "primary", "reason": "position"}
LAG = {"server": "primary", "reason": "lag"}
FAULT = {"server": "primary", "reason": "fault"}
WRITER = Principal(roles=frozenset({Role.OPERATOR}), user_id=7)
CREATE = 'mutation { locationCreate(input: {code: "%s", name: "x", kind: WAREHOUSE}) { userErrors { message } } }'
READ = '{ location(code: "%s") { code } }'
WHERE = "SELECT pg_is_in_recovery() AS on_replica, (SELECT max(number) FROM written) AS number"


@pytest.fixture(scope="module")
def primary_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a primary."""
    with standbys.primary(tmp_path_factory.mktemp("primary") / "home") as url:
        asyncio.run(run(url, "CREATE TABLE written AS SELECT 0 AS number"))
        asyncio.run(run(url, "ALTER ROLE lading SET synchronous_commit = on"))
        yield url


@pytest.fixture(scope="module")
def shared_standby(primary_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standby]:
    """A standby of that primary."""
    with standbys.standby(primary_url, tmp_path_factory.mktemp("standby") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def graph_url(primary_url: str) -> str:
    """The primary with the newest schema in it."""
    databases.build(primary_url)
    return primary_url


@pytest.fixture
async def standby(shared_standby: Standby, primary_url: str) -> AsyncIterator[Standby]:
    """The standby, running and caught up, before each test and after it."""
    await shared_standby.catch_up(primary_url)
    yield shared_standby
    if shared_standby.process is None:
        shared_standby.start()
    await shared_standby.resume()


@asynccontextmanager
async def opened(primary_url: str, read_url: str, **limits: int) -> AsyncIterator[Replica]:
    """The replica at `read_url`, as the server opens it."""
    told: dict[str, Any] = {"DATABASE_URL": primary_url, "DATABASE_READ_URL": read_url, "secret": SECRET}
    settings: Settings = read_settings(**told, read_pool=4).model_copy(update={"limits": Limits(**limits)})
    async with open_databases(settings) as databases, open_replica(settings, databases.primary) as replica:
        assert replica is not None
        yield replica


@pytest.fixture
async def replica(primary_url: str, standby: Standby) -> AsyncIterator[Replica]:
    """A replica that answers."""
    async with opened(primary_url, standby.url) as made:
        await on_the_replica(made)
        yield made


async def where(replica: Replica, by: Principal = STRANGER, after: str | None = None) -> tuple[bool, int]:
    """Whether a reading is answered by the standby, and the newest number that it sees."""
    row = await replica.fetchrow(WHERE, [], by=by, after=after)
    return row["on_replica"], row["number"]


async def write(primary_url: str) -> int:
    """Write a number higher than all before it."""
    number = await run(primary_url, "INSERT INTO written SELECT max(number) + 1 FROM written RETURNING number")
    assert isinstance(number, int)
    return number


def told(*, server: str, reason: str) -> float:
    """How many readings were answered so."""
    return REGISTRY.get_sample_value("lading_replica_reads_total", {"server": server, "reason": reason}) or 0


async def on_the_replica(replica: Replica, by: Principal = STRANGER, after: str | None = None) -> int:
    """The newest number that a reading sees once the standby answers it."""
    async with asyncio.timeout(30):
        while not (found := await where(replica, by, after))[0]:
            await asyncio.sleep(0.02)
    return found[1]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Doors]:
    """The doors of a server that takes everybody for the system itself."""

    async def anybody(_: str | None) -> Principal:
        return SYSTEM

    async with opened_doors(settings, NONE_TRUSTED) as doors:
        doors.endpoint.authenticate = anybody
        yield doors


async def ask(doors: Doors, payload: dict[str, Any]) -> Any:
    """What a socket answers to an operation; nobody remembers that it was the system that wrote."""
    message = parse_message(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode(), Limits())
    assert message.request
    answer = await doors.sockets.answering.answer(message.request, SYSTEM)
    assert isinstance(answer, GraphQLResponse)
    return orjson.loads(answer.body)


async def read_on_the_replica(doors: Doors) -> None:
    """Wait until the standby answers a reading."""
    before = told(**FRESH)
    async with asyncio.timeout(30):
        while told(**FRESH) == before:
            await ask(doors, {"query": READ % "NOWHERE"})


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():
        await asyncio.sleep(0.01)


class TestOwnWrites:
    @pytest.mark.parametrize("commits", ["on", "off"])
    async def test_are_read_by_who_carries_the_position(self, primary_url: str, standby: Standby, commits: str):
        await run(primary_url, f"ALTER ROLE lading SET synchronous_commit = {commits}")
        async with opened(primary_url, standby.url) as replica:
            before = await on_the_replica(replica)
            await standby.pause()
            written = await write(primary_url)
            token = await replica.written(STRANGER)
            assert await where(replica, after=token) == (False, written)
            assert await where(replica) == (True, before)
            await standby.resume()
            assert await on_the_replica(replica, after=token) == written
        await run(primary_url, "ALTER ROLE lading SET synchronous_commit = on")

    async def test_are_read_by_another_process_too(self, replica: Replica, primary_url: str, standby: Standby):
        async with opened(primary_url, standby.url) as other:
            await on_the_replica(other)
            await standby.pause()
            written = await write(primary_url)
            token = await replica.written(WRITER)
            assert await where(other, WRITER, token) == (False, written)

    async def test_are_read_in_the_same_process_without_it(self, replica: Replica, primary_url: str, standby: Standby):
        await standby.pause()
        written = await write(primary_url)
        await replica.written(WRITER)
        assert await where(replica, WRITER) == (False, written)
        assert (await where(replica, Principal(user_id=8)))[0]
        await standby.resume()
        assert await on_the_replica(replica, WRITER) == written

    async def test_are_read_where_the_primary_does_not_tell_its_position(
        self, replica: Replica, primary_url: str, standby: Standby, monkeypatch: pytest.MonkeyPatch
    ):
        await standby.pause()
        written = await write(primary_url)
        with monkeypatch.context() as broken:
            broken.setattr(module, "COMMITTED_SQL", "SELECT 1 / 0")
            token = await replica.written(WRITER)
            await replica.look()
        for _ in ("before the next look", "after it"):
            assert await where(replica, WRITER) == await where(replica, after=token) == (False, written)
            assert (await where(replica))[0]
            await replica.look()
        await standby.resume()
        assert await on_the_replica(replica, WRITER) == written

    async def test_cost_one_question_for_each_connection(
        self, replica: Replica, primary_url: str, monkeypatch: pytest.MonkeyPatch
    ):
        written = await write(primary_url)
        token = await replica.written(STRANGER)
        assert await on_the_replica(replica, after=token) == written
        monkeypatch.setattr(module, "REACHED_SQL", "SELECT 1 / 0")
        assert await where(replica, after=token) == (True, written)
        await write(primary_url)
        assert not (await where(replica, after=await replica.written(STRANGER)))[0]

    async def test_are_counted_by_who_answers(self, replica: Replica, primary_url: str, standby: Standby):
        await standby.pause()
        await write(primary_url)
        token = await replica.written(STRANGER)
        before = [told(**each) for each in (FRESH, POSITION)]
        await where(replica)
        await where(replica, after=token)
        assert [told(**each) for each in (FRESH, POSITION)] == [count + 1 for count in before]

    async def test_are_waited_for_by_nobody(self, replica: Replica, primary_url: str, standby: Standby):
        await standby.pause()
        await write(primary_url)
        token = await replica.written(STRANGER)
        async with asyncio.timeout(2):
            assert {(await where(replica, after=token))[0] for _ in range(20)} == {False}


class TestLag:
    async def test_is_bounded_for_all(self, replica: Replica, primary_url: str, standby: Standby):
        await standby.pause()
        written = await write(primary_url)
        assert (await where(replica))[0]
        replica.staleness.lag_seconds_max = 0
        await replica.look()
        assert await where(replica) == (False, written)
        assert replica.state == "lags"
        await standby.resume()
        assert await on_the_replica(replica) == written

    async def test_is_none_at_the_start(self, primary_url: str, standby: Standby):
        await standby.pause()
        written = await write(primary_url)
        async with opened(primary_url, standby.url) as replica:
            assert await where(replica) == (False, written)
            await standby.resume()
            assert await on_the_replica(replica) == written


class TestFaults:
    async def test_of_a_server_that_is_killed_under_readings_are_seen_by_no_reader(
        self, replica: Replica, primary_url: str, standby: Standby
    ):
        answers: list[tuple[bool, int]] = []

        async def read() -> None:
            while True:
                answers.append(await where(replica))

        async with asyncio.timeout(60), asyncio.TaskGroup() as readers:
            tasks = [readers.create_task(read()) for _ in range(4)]
            await until(lambda: any(on_replica for on_replica, _ in answers))
            await asyncio.to_thread(standby.kill)
            await until(lambda: not answers[-1][0])
            assert replica.state == "does not answer"
            await asyncio.to_thread(standby.start)
            await on_the_replica(replica)
            for task in tasks:
                task.cancel()
        assert len({number for _, number in answers}) == 1

    async def test_of_a_server_that_hangs_are_ended_by_a_look(
        self, replica: Replica, standby: Standby, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 0.2)
        await where(replica)
        backends = "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'lading read'"
        pids: Any = await run(standby.url, backends)
        standby.freeze(pids)
        try:
            hanging = asyncio.create_task(where(replica))
            await asyncio.sleep(0)
            await replica.look()
            assert not (await hanging)[0]
        finally:
            standby.thaw(pids)
        await on_the_replica(replica)

    async def test_of_a_statement_in_the_way_of_replay_are_made_up_for(
        self, replica: Replica, primary_url: str, standby: Standby
    ):
        slow = "SELECT pg_is_in_recovery(), pg_sleep(CASE WHEN pg_is_in_recovery() THEN 60 ELSE 0 END) FROM written"
        reading = asyncio.create_task(replica.fetchrow(slow, [], by=STRANGER, after=None))
        sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while not await run(standby.url, sleeping):
            pass
        await run(primary_url, "ALTER TABLE written ADD COLUMN IF NOT EXISTS more int")
        assert (await reading)[0] is False
        assert replica.answers

    async def test_do_not_keep_the_server_from_starting(self, primary_url: str, standby: Standby):
        await asyncio.to_thread(standby.kill)
        async with opened(primary_url, standby.url) as replica:
            assert not (await where(replica))[0]
            await asyncio.to_thread(standby.start)
            await on_the_replica(replica)

    async def test_of_the_statement_itself_are_told(self, replica: Replica):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await replica.fetchrow("SELECT 1 / 0", [], by=STRANGER, after=None)
        assert (await where(replica))[0]


class TestDoors:
    @pytest.fixture
    async def doors(self, graph_url: str, standby: Standby, redis_url: str, redis_prefix: str) -> AsyncIterator[Doors]:
        """A server's doors, which let us in."""
        given: dict[str, Any] = {"DATABASE_URL": graph_url, "DATABASE_READ_URL": standby.url, "REDIS_URL": redis_url}
        async with serving(read_settings(**given, secret=SECRET, redis_prefix=redis_prefix)) as made:
            await read_on_the_replica(made)
            yield made

    async def test_of_http_tell_positions_and_take_them(self, doors: Doors, standby: Standby):
        transport = httpx2.ASGITransport(doors.endpoint)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await standby.pause()
            answer = await client.post("/graphql", json={"query": CREATE % "HTTP"})
            token = answer.headers["lading-position"]
            assert answer.json()["data"]["locationCreate"]["userErrors"] == []
            assert answer.json()["extensions"] == {"position": token}
            read = {"query": READ % "HTTP"}
            found, missing = {"data": {"location": {"code": "HTTP"}}}, {"location": None}
            assert (await client.post("/graphql", json=read, headers={"Lading-Position": token})).json() == found
            assert (await client.post("/graphql", json=read | {"extensions": {"position": token}})).json() == found
            unplanned = {"query": "{ __schema { __typename } " + read["query"][1:]}
            answer = await client.post("/graphql", json=unplanned, headers={"Lading-Position": token})
            assert answer.json()["data"]["location"] == found["data"]["location"]
            for bad in ("", "made up", 7, ("A" if token[0] != "A" else "B") + token[1:]):
                answer = await client.post("/graphql", json=read | {"extensions": {"position": bad}})
                assert answer.json()["data"] == missing
                assert "lading-position" not in answer.headers

    async def test_of_sockets_tell_positions_and_take_them(self, doors: Doors, standby: Standby):
        await standby.pause()
        answer = await ask(doors, {"query": CREATE % "SOCKET"})
        token = answer["extensions"]["position"]
        read = {"query": READ % "SOCKET"}
        assert (await ask(doors, read | {"extensions": {"position": token}}))["data"] == {
            "location": {"code": "SOCKET"}
        }
        assert (await ask(doors, read))["data"] == {"location": None}

    async def test_read_the_position_in_the_log_on_the_primary(self, doors: Doors, standby: Standby):
        await standby.pause()
        before = [told(**each) for each in (FRESH, POSITION, LAG, FAULT)]
        await ask(doors, {"query": "{ eventCursor }"})
        assert [told(**each) for each in (FRESH, POSITION, LAG, FAULT)] == before

    async def test_tell_how_the_replica_is(self, doors: Doors, standby: Standby):
        request: Any = None
        assert b'"replica":"ok"' in bytes((await doors.ready(request)).body)
        await asyncio.to_thread(standby.kill)
        async with asyncio.timeout(20):
            while b'"replica":"does not answer"' not in bytes((await doors.ready(request)).body):
                await ask(doors, {"query": READ % "NOWHERE"})


class TestOtherServers:
    async def test_of_another_cluster_are_not_read(self, primary_url: str, database_url: str):
        async with opened(database_url, primary_url) as replica:
            row = await replica.fetchrow("SELECT current_database() AS name", [], by=STRANGER, after=None)
            assert row["name"] != "lading"
            assert replica.state == "does not answer"

    async def test_that_are_the_primary_itself_are_read(self, primary_url: str):
        async with opened(primary_url, primary_url) as replica:
            before = told(**FRESH)
            written = await write(primary_url)
            token = await replica.written(STRANGER)
            assert await where(replica, after=token) == (False, written)
            assert told(**FRESH) == before + 1

    async def test_that_were_promoted_beside_the_primary_are_not_read(self, primary_url: str, tmp_path: Path):
        with standbys.standby(primary_url, tmp_path / "home") as stray:
            async with opened(primary_url, stray.url) as replica:
                await on_the_replica(replica)
                await run(stray.url, "SELECT pg_promote()")
                await run(stray.url, "INSERT INTO written VALUES (1000000)")
                written = await write(primary_url)
                token = await replica.written(STRANGER)
                before = told(**POSITION) + told(**LAG)
                assert await where(replica, after=token) == (False, written)
                assert told(**POSITION) + told(**LAG) == before + 1
