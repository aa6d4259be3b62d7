"""COPY: rows go into tables in bulk, inside the transaction of a session, under ids that were taken before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import clock
from app.kernel.tables import Row, Table

Values = Mapping[str, Any]


async def take_ids(session: AsyncSession, table: type[Row], count: int) -> list[int]:
    """As many new keys of `table`, which nobody else will get."""
    taken = "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
    return list(await session.scalars(text(taken), {"table": table.__tablename__, "count": count}))


async def copy_rows(session: AsyncSession, table: type[Table], rows: Sequence[Values]) -> int:
    """Add `rows`, which all name the same columns; answers how many there were."""
    if not rows:
        return 0
    stamps = {"created_at": clock.now(), "updated_at": clock.now()} if issubclass(table, Row) else {}
    columns = [*rows[0], *stamps]
    records = [(*(_copied(value) for value in row.values()), *stamps.values()) for row in rows]
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table.__tablename__, records=records, columns=columns)
    return len(records)


def _copied(value: Any) -> Any:
    """A value as asyncpg copies it."""
    match value:
        case Enum():
            return value.value
        case list() | dict():
            return orjson.dumps(value).decode()
        case _:
            return value
