"""Locking rows for a change: always in the order of the floors, then by key, so that commands never deadlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from app.kernel.visibility import Visibility, viewer_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncSession

    from app.kernel.principal import Principal
    from app.kernel.tables import Row

    AnyRow = TypeVar("AnyRow", bound=Row)


async def lock(
    session: AsyncSession,
    row_type: type[AnyRow],
    keys: Iterable[int],
    *,
    by: Principal | None = None,
    visibility: Visibility | None = None,
) -> dict[int, AnyRow]:
    """The rows of `row_type` with `keys`, locked for change until the transaction ends, by key.

    With `visibility`, only those that the caller `by` may see: a row that is hidden is as absent as one that never was.
    The lock is FOR NO KEY UPDATE, which lets others insert children meanwhile.
    """
    statement = select(row_type).where(row_type.id.in_(sorted(set(keys)))).order_by(row_type.id)
    if by is not None and visibility is not None:
        table = row_type.__table__
        statement = statement.where(visibility.condition(table, by.roles)).params(**viewer_values(by))
    statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {row.id: row for row in await session.scalars(statement)}


async def lock_one(
    session: AsyncSession,
    row_type: type[AnyRow],
    key: int,
    *,
    by: Principal | None = None,
    visibility: Visibility | None = None,
) -> AnyRow | None:
    """The row `key` of `row_type`, locked, or None where there is none that the caller may see."""
    return (await lock(session, row_type, [key], by=by, visibility=visibility)).get(key)
