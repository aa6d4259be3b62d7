"""Waits that have a bound, and say what they waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

END_SECONDS_MAX = 60
CANCEL_SECONDS = 1


@asynccontextmanager
async def at_most(seconds: float, what: str) -> AsyncIterator[None]:
    """Let the block take so long; AssertionError that tells `what` it waited for where it takes longer."""
    bound = asyncio.timeout(seconds)
    try:
        async with bound:
            yield
    except TimeoutError:
        if not bound.expired():
            raise
        raise AssertionError(f"waited {seconds} s for {what}") from None


async def ended(what: str, *tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they heed it, and leave aside how they ended.

    Once is not enough: where a session is left whose database is away, its rollback raises an error in the place of
    the cancellation, and a task that tries again after such errors goes on.
    """
    deadline = time.monotonic() + END_SECONDS_MAX
    while open_ones := [task for task in tasks if not task.done()]:
        assert time.monotonic() < deadline, f"waited {END_SECONDS_MAX} s for the end of {what}: {open_ones}"
        for task in open_ones:
            task.cancel()
        await asyncio.wait(open_ones, timeout=CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
