"""Loops that go on as long as their process: an exception that nobody foresaw is logged, and ends none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

PAUSE_SECONDS = 1.0
"""So long a loop rests after an exception, which may come again at once."""

log = structlog.get_logger(__name__)


async def for_ever(step: Callable[[], Awaitable[None]], name: str) -> None:
    """Take `step` again and again until cancelled, and after a pause where it raised."""
    while True:
        with outlived(name):
            await step()
            continue
        await asyncio.sleep(PAUSE_SECONDS)


@contextmanager
def outlived(name: str) -> Iterator[None]:
    """Log an exception of the block, and go on after it."""
    try:
        yield
    except Exception:
        log.exception("outlived", name=name)
