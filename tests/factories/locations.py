"""Places for tests, made by the command that makes them in earnest."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import SYSTEM
from app.locations import commands
from app.locations.tables import LocationId, LocationKind

_numbers = count(1)


async def location(session: AsyncSession, **details: Any) -> LocationId:
    """A warehouse that sells and fulfils, unless `details` say otherwise."""
    number = next(_numbers)
    given = {"code": f"PLACE-{number}", "name": f"Place {number}", "kind": LocationKind.WAREHOUSE}
    uses = {"sells": True, "fulfils": True}
    return await commands.create_location(session, commands.CreateLocation(**{**given, **uses, **details}), by=SYSTEM)
