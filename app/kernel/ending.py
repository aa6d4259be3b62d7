"""Work that is not left in the middle, though nobody may want it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def to_its_end(running: Coroutine[Any, Any, Answer]) -> Answer:
    """What `running` answers. Who is cancelled meanwhile is gone only when it has ended.

    It may be a mutation; and of a statement that is left PostgreSQL knows nothing, so whoever bounds how much runs at
    once has to count it until then.
    """
    task = asyncio.create_task(running)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
