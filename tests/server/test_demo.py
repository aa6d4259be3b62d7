"""The demo: an empty database becomes a served graph with people in it, and a second start keeps what there is."""

from __future__ import annotations

import asyncio
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from graphql import parse, validate
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.commands import SignIn, sign_in
from app.access.questions import authenticate, signing
from app.access.tables import User
from app.importing.records import Kind
from app.importing.tables import ImportCheckpoint, ImportRun
from app.kernel.principal import Role
from app.orders.tables import Order
from app.server.demo import (
    CUSTOMER_EMAIL,
    FIRST_QUERY,
    FIRST_SUBSCRIPTION,
    OPERATOR_EMAIL,
    PEOPLE,
    People,
    prepare,
)
from app.server.settings import Settings, read_settings
from schema.root import GRAPH
from tests.graph import GraphClient
from tests.stories.processes import START_SECONDS_MAX, Caller, Process, running, until

QUIET = Console(quiet=True)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings over a fresh database and a home folder of the test's own."""
    return read_settings(home=tmp_path / "home").model_copy(update={"database_url": SecretStr(database_url)})


async def made(settings: Settings) -> People:
    """The people of a demo that is prepared now."""
    people, may_trade = await prepare(settings, console=QUIET)
    assert may_trade
    assert people is not None
    return people


class TestPrepare:
    async def test_fills_an_empty_database(self, settings: Settings, session: AsyncSession, graph: GraphClient) -> None:
        people = await made(settings)
        assert await session.scalar(select(func.count()).select_from(Order)) == 403
        operator = await authenticate(session, f"Bearer {people.api_key}")
        assert operator.roles == {Role.OPERATOR}
        told = await graph.query(FIRST_QUERY.format(customer=people.customer_number), by=operator)
        orders = told["customer"]["orders"]["nodes"]
        shipments = [shipment for order in orders for shipment in order["shipments"]["nodes"]]
        events = [event for shipment in shipments for event in shipment["trackingEvents"]["nodes"]]
        assert {event["isSimulated"] for event in events} == {True, False}

    async def test_lets_its_people_sign_in(self, settings: Settings, session: AsyncSession) -> None:
        people = await made(settings)
        signing.use_key(b"a key of the test's own, long enough for anyone")
        for email, password in (
            (people.admin_email, people.admin_password),
            (OPERATOR_EMAIL, people.operator_password),
            (CUSTOMER_EMAIL, people.customer_password),
        ):
            assert await sign_in(session, SignIn(email=email, password=password), by=await authenticate(session, None))

    async def test_keeps_the_data_the_second_time(self, settings: Settings, session: AsyncSession) -> None:
        first, second = await made(settings), await made(settings)
        assert first == second
        assert await session.scalar(select(func.count()).select_from(Order)) == 403
        assert await session.scalar(select(func.count()).select_from(User)) == 3

    async def test_goes_on_where_a_start_before_was_stopped(self, settings: Settings, session: AsyncSession) -> None:
        await made(settings)
        await session.execute(update(ImportRun).values(finished_at=None))
        await session.execute(delete(ImportCheckpoint).where(ImportCheckpoint.stage == Kind.ORDER))
        run_id = await session.scalar(select(ImportRun.id))
        session.add(ImportCheckpoint(run_id=run_id, stage=Kind.ORDER))
        await session.commit()
        await made(settings)
        assert await session.scalar(select(func.count()).select_from(Order)) == 403
        assert await session.scalar(select(ImportRun.finished_at)) is not None

    async def test_tells_secrets_to_the_owner_alone(self, settings: Settings) -> None:
        people = await made(settings)
        assert stat.S_IMODE((settings.home / PEOPLE).stat().st_mode) == 0o600
        assert people.operator_password not in repr(people)

    async def test_does_not_know_people_of_another_home(self, settings: Settings, tmp_path: Path) -> None:
        await made(settings)
        people, _ = await prepare(settings.model_copy(update={"home": tmp_path / "other"}), console=QUIET)
        assert people is None

    async def test_makes_people_again_in_another_database(
        self, settings: Settings, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        settings.home.mkdir()
        (settings.home / PEOPLE).write_text("{}")
        people = await made(settings)
        async with sessions() as session:
            assert await authenticate(session, f"Bearer {people.api_key}")


class TestGreeting:
    def test_tells_a_subscription_that_the_graph_has(self) -> None:
        assert validate(GRAPH.schema, parse(FIRST_SUBSCRIPTION)) == []


class TestDemo:
    async def test_serves_from_nothing_and_again(
        self, empty_database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
    ) -> None:
        environment = {
            "DATABASE_URL": empty_database_url,
            "REDIS_URL": redis_url,
            "LADING_REDIS_PREFIX": redis_prefix.replace("_", "-"),
            "LADING_HOME": str(tmp_path),
            "LADING_PORT": "0",
            "PATH": "",
        }
        async with demo(environment, rate=20) as process:
            address = await process.address()
            key = await self.require_greeting(process)
            subscription = Caller(address).following(FIRST_SUBSCRIPTION)
            async with subscription as received:
                await until(received, 1)
            assert received[0]["stockLevel"]["product"]["sku"].startswith("DC-")
        async with demo(environment, rate=0) as process:
            caller = Caller(await process.address(), key)
            assert await self.require_greeting(process) == key
            orders = await caller.data("{ orders(last: 1) { nodes { number } } }")
            assert orders["orders"]["nodes"]

    async def require_greeting(self, process: Process) -> str:
        """The API key of the greeting, once all of it was told."""
        key, lines = "", list[str]()
        async with asyncio.timeout(START_SECONDS_MAX):
            while not any("Ctrl-C" in line for line in lines):
                assert process.running.stdout is not None
                lines.append((await process.running.stdout.readline()).decode())
                key = lines[-1].split("Bearer ")[1].split('"')[0] if "Bearer " in lines[-1] else key
        assert any("is the query editor" in line for line in lines)
        return key


@asynccontextmanager
async def demo(environment: dict[str, str], *, rate: int) -> AsyncIterator[Process]:
    """The demo with so many events of trade a second, ended as by Ctrl-C."""
    async with running(environment, "demo", "--rate", str(rate)) as process:
        yield process
        process.running.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await process.running.wait() == 0
