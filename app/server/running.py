"""Running one asynchronous part of the system as a process, until it is asked to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def run_until_stopped(part: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `part` on an event loop of its own; it gets an event that is set once the process is asked to stop."""

    async def running() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await part(stop)

    uvloop.run(running())
