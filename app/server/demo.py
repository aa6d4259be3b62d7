"""The demo: from nothing to a served graph with orders in it, people who may sign in, and trade going on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import orjson
from rich.console import Console
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.commands import CreateApiKey, CreateUser, create_api_key, create_user, ensure_first_admin
from app.access.tables import ApiKey, CustomerId, User
from app.importing.dataco import DataCo
from app.importing.run import Import
from app.importing.showing import progress
from app.importing.tables import ImportRun
from app.kernel.identity import token_hash, unguessable_token
from app.kernel.outbox import write_outbox
from app.kernel.principal import SYSTEM, Role
from app.orders.tables import Order, OrderStatus
from app.parties.tables import Customer
from app.server import page, upgrading
from app.server.failure import Failure
from app.server.filling import opened
from app.server.serving import address_of, listening_socket
from app.server.settings import Settings
from app.server.supervising import Program, supervise
from app.simulation.clerk import Clerk
from app.simulation.goods import NothingToTrade, find_goods

ADMIN_KEPT = "as it was before; its password was told when it was made"
OPERATOR_EMAIL, CUSTOMER_EMAIL = "operator@lading.example", "customer@lading.example"
KEY_NAME = "Demo"
PEOPLE = "demo.json"
"""The file in the home folder that keeps what the demo told, so that it can be told again; the owner alone reads it."""
READY_SECONDS_MAX = 0.2

FIRST_QUERY = """\
query FromTheCustomerToTheDoor {{
  customer(number: "{customer}") {{
    name
    orders(first: 3) {{
      nodes {{
        number
        status
        total {{ amount currency }}
        lines {{ nodes {{ quantity product {{ sku name available }} }} }}
        shipments {{ nodes {{ number status trackingEvents {{ nodes {{ status occurredAt isSimulated }} }} }} }}
        returns {{ nodes {{ number status }} }}
      }}
    }}
  }}
}}"""
FIRST_SUBSCRIPTION = """\
subscription WatchTheStock {
  stockLevelChanged {
    cursor
    stockLevel {
      available
      product { sku name }
      location { name }
    }
  }
}"""


@dataclass(frozen=True, kw_only=True)
class People:
    """Who may sign in to the demo, and by what."""

    admin_email: str
    admin_password: str = field(repr=False)
    operator_password: str = field(repr=False)
    customer_password: str = field(repr=False)
    api_key: str = field(repr=False)
    customer_number: str


def run_demo(settings: Settings, *, rate: float, console: Console) -> None:
    """Bring the database to its schema, fill it where it is empty, and serve it until stopped."""
    upgrading.upgrade(settings.written_to)
    people, may_trade = asyncio.run(prepare(settings, console=console))
    _fetch_page(settings, console)
    with listening_socket(settings.host, settings.port) as free:
        address, port = address_of(free), free.getsockname()[1]
    if rate and not may_trade:
        console.print("Nothing can be sold, so no trade is played.")
    greeting = Greeting(address, lambda: _greet(console, address, people))
    programs = _programs(settings, port, rate if may_trade else 0)
    supervise(programs, stop_seconds=settings.stop_seconds + 5, each_look=greeting.look)


async def prepare(settings: Settings, *, console: Console) -> tuple[People | None, bool]:
    """Fill an empty database and make its people; answers them, where they are known, and whether trade can go on."""
    async with opened(settings) as sessions:
        if await _wants_orders(sessions):
            with progress(console) as watch:
                await Import(sessions, DataCo(), watch=watch).run()
        people = await known_people(sessions, settings.home) or await make_people(sessions, settings.home)
        try:
            await find_goods(Clerk(sessions))
        except NothingToTrade:
            return people, False
        return people, True


async def _wants_orders(sessions: async_sessionmaker[AsyncSession]) -> bool:
    """Whether there are no orders yet, or a start before was stopped while the demo's came in."""
    begun = select(ImportRun.id).where(ImportRun.source == DataCo.name, ImportRun.finished_at.is_(None))
    async with sessions() as session:
        if await session.scalar(select(Order.id).limit(1)) is None:
            return True
        return await session.scalar(begun) is not None


async def known_people(sessions: async_sessionmaker[AsyncSession], home: Path) -> People | None:
    """The people that the home folder remembers, where they are those of this database."""
    try:
        people = People(**orjson.loads((home / PEOPLE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    async with sessions() as session:
        kept = select(ApiKey.id).where(ApiKey.secret_hash == token_hash(people.api_key), ApiKey.revoked_at.is_(None))
        return people if await session.scalar(kept) is not None else None


async def make_people(sessions: async_sessionmaker[AsyncSession], home: Path) -> People | None:
    """Make the demo's people, with passwords that are remembered first; None where they were made before."""
    async with sessions() as session:
        if await session.scalar(select(User.id).where(User.email.in_([OPERATOR_EMAIL, CUSTOMER_EMAIL])).limit(1)):
            return None
        admin = await ensure_first_admin(session)
        customer_id, number = await _busiest_customer(session)
        operator, customer = unguessable_token(), unguessable_token()
        users = [CreateUser(email=OPERATOR_EMAIL, name="Demo operator", password=operator, roles=(Role.OPERATOR,))]
        if customer_id is not None:
            users.append(
                CreateUser(
                    email=CUSTOMER_EMAIL,
                    name="Demo customer",
                    password=customer,
                    roles=(Role.CUSTOMER,),
                    customer_id=customer_id,
                )
            )
        for user in users:
            await create_user(session, user, by=SYSTEM)
        key = await create_api_key(session, CreateApiKey(name=KEY_NAME, roles=(Role.OPERATOR,)), by=SYSTEM)
        people = People(
            admin_email=admin.email if admin else "",
            admin_password=admin.password if admin else ADMIN_KEPT,
            operator_password=operator,
            customer_password=customer,
            api_key=key.secret,
            customer_number=number,
        )
        _remember(people, home / PEOPLE)
        await write_outbox(session)
        await session.commit()
    return people


async def _busiest_customer(session: AsyncSession) -> tuple[CustomerId | None, str]:
    """The customer with the most delivered orders, and its number."""
    busiest = (
        select(Customer.id, Customer.number)
        .join(Order, Order.customer_id == Customer.id)
        .where(Order.status == OrderStatus.DELIVERED)
        .group_by(Customer.id)
        .order_by(func.count().desc(), Customer.id)
        .limit(1)
    )
    found = (await session.execute(busiest)).one_or_none()
    return (CustomerId(found.id), found.number) if found else (None, "")


def _remember(people: People, path: Path) -> None:
    """Write down what is told, for the owner of the home folder alone, before it is true in the database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(asdict(people)))


def _fetch_page(settings: Settings, console: Console) -> None:
    """Bring the query editor's packages where npm is there, so that it works without a network."""
    try:
        page.fetch_assets(settings.home)
    except Failure as failure:
        console.print(f"{failure} The query editor is taken from a CDN.", style="dim")


def _programs(settings: Settings, port: int, rate: float) -> Sequence[Program]:
    """What runs: the interface, the relay, the worker and, at a rate, the simulation, all on the same servers."""
    shared: Mapping[str, str] = {
        "DATABASE_URL": settings.written_to,
        "REDIS_URL": settings.woken_by,
        "LADING_SECRET": settings.signed_with,
        "LADING_HOME": str(settings.home),
        "LADING_HOST": settings.host,
        "LADING_PORT": str(port),
        "LADING_LOG_LEVEL": settings.log_level.value,
    }
    commands = {"interface": ["serve"], "relay": ["relay"], "worker": ["worker"]}
    if rate:
        commands["simulation"] = ["simulate", "--quiet", "--rate", str(rate)]
    return [Program(name, arguments, shared) for name, arguments in commands.items()]


@dataclass
class Greeting:
    """Greets once, as soon as the interface is ready."""

    address: str
    greet: Callable[[], None]
    is_done: bool = False

    def look(self) -> None:
        """Greet if the interface is ready and nobody was greeted yet."""
        if self.is_done:
            return
        try:
            with urlopen(f"{self.address}/readyz", timeout=READY_SECONDS_MAX):  # noqa: S310 — the address is ours.
                self.is_done = True
        except (URLError, OSError):
            return
        self.greet()


def _greet(console: Console, address: str, people: People | None) -> None:
    """Tell where the graph is, who may use it, and what to try first."""
    tell = console.out
    tell(f"\nLading is ready: {address}/graphql in a browser is the query editor.")
    if people is None:
        tell("Its people were made before, and their passwords were told then.")
    else:
        for line in _credentials(people):
            tell(line)
        tell("\nA first query, with the API key:\n")
        tell(FIRST_QUERY.format(customer=people.customer_number))
    tell("\nA first subscription, which anybody may follow:\n")
    tell(FIRST_SUBSCRIPTION)
    tell("\nCtrl-C stops everything; the data stays for the next time.")


def _credentials(people: People) -> Sequence[str]:
    """Who may sign in and by what, as lines."""
    admin = f"{people.admin_email}  {people.admin_password}" if people.admin_email else people.admin_password
    customer = f"{CUSTOMER_EMAIL}  {people.customer_password}" if people.customer_number else "none; nobody bought"
    return (
        f"  administrator  {admin}",
        f"  operator       {OPERATOR_EMAIL}  {people.operator_password}",
        f"  customer       {customer}",
        f'  API key        {{"Authorization": "Bearer {people.api_key}"}} as the header of a request',
    )
