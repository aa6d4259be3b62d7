"""Conflicts: what the database itself forbids, told as the refusal it means.

A unique or foreign key decides a race that a look beforehand cannot, so commands ask the constraint and not the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

    from app.kernel.refusal import Refusal


async def flush_or_refuse(session: AsyncSession, refusals: Mapping[str, Refusal]) -> None:
    """Write what is pending; where that breaks a constraint named in `refusals`, refuse so.

    The transaction is over then, as it is after any refusal, and the caller rolls it back.
    """
    try:
        await session.flush()
    except IntegrityError as broken:
        refusal = refusals.get(constraint_name(broken) or "")
        if refusal is None:
            raise
        raise refusal from broken


def constraint_name(broken: IntegrityError) -> str | None:
    """The name of the constraint that was broken, as the driver tells it."""
    return getattr(getattr(broken.orig, "__cause__", None), "constraint_name", None)
