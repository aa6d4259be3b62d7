"""Callers for tests: users and keys, what each sees, and the proof that a refusal changed nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import commands
from app.access.tables import UserId
from app.kernel.outbox import BUFFER
from app.kernel.principal import SYSTEM, Principal, Role
from app.kernel.refusal import Refusal
from app.kernel.tables import Row, Table
from app.kernel.visibility import Visibility, viewer_values

PASSWORD = "correct horse battery staple"
ADMIN = Principal(roles=frozenset({Role.ADMIN}), name="Ada")
OPERATOR = Principal(roles=frozenset({Role.OPERATOR}), name="Otto")

_numbers = count(1)


def customer_caller(customer_id: int) -> Principal:
    """A caller who acts for one customer."""
    return Principal(roles=frozenset({Role.CUSTOMER}), name="Carla", customer_id=customer_id)


def supplier_caller(supplier_id: int) -> Principal:
    """A caller who acts for one supplier."""
    return Principal(roles=frozenset({Role.SUPPLIER}), name="Sven", supplier_id=supplier_id)


def carrier_caller(carrier_id: int) -> Principal:
    """A caller who acts for one carrier."""
    return Principal(roles=frozenset({Role.CARRIER}), name="Kim", carrier_id=carrier_id)


async def user(session: AsyncSession, **details: Any) -> UserId:
    """A user who signs in with PASSWORD: an operator, unless `details` say otherwise."""
    number = next(_numbers)
    given = {"email": f"user-{number}@lading.example", "name": f"User {number}", "password": PASSWORD}
    roles = {"roles": (Role.OPERATOR,)}
    return await commands.create_user(session, commands.CreateUser(**{**given, **roles, **details}), by=SYSTEM)


async def api_key(session: AsyncSession, **details: Any) -> commands.NewApiKey:
    """An API key: an operator's, unless `details` say otherwise."""
    given = {"name": f"Key {next(_numbers)}", "roles": (Role.OPERATOR,)}
    return await commands.create_api_key(session, commands.CreateApiKey(**{**given, **details}), by=SYSTEM)


async def seen(session: AsyncSession, table: type[Row], visibility: Visibility, by: Principal) -> set[int]:
    """The keys of the rows of `table` that `by` sees, as a statement with the rule in it answers."""
    row = table.__table__.alias("seen")
    statement = select(row.c.id).where(visibility.condition(row, by.roles)).params(**viewer_values(by))
    return set(await session.scalars(statement))


def recorded(session: AsyncSession) -> list[tuple[str, dict[str, Any]]]:
    """What the session recorded and did not write yet: the events' names and facts."""
    return [(event["name"], event["facts"]) for event in session.info.get(BUFFER, [])]


async def row_counts(session: AsyncSession) -> dict[str, int]:
    """How many rows each table has."""
    tables = Table.metadata.sorted_tables
    return {table.name: await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


@asynccontextmanager
async def refused(
    session: AsyncSession, refusal: type[Refusal], *, field: str | None = None
) -> AsyncIterator[pytest.ExceptionInfo[Refusal]]:
    """The block is refused with `refusal` about `field`, and neither rows nor events are there that were not before."""
    rows, events = await row_counts(session), recorded(session)
    with pytest.raises(refusal) as caught:
        async with session.begin_nested():
            yield caught
    assert type(caught.value) is refusal
    assert caught.value.field == (tuple(field.split(".")) if field else None)
    assert (await row_counts(session), recorded(session)) == (rows, events)
