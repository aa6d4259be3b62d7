"""Passwords are hashed and checked in few threads: each takes tens of milliseconds and 64 MiB, by intent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from app.access import rules
from app.kernel.identity import unguessable_token
from app.kernel.limits import in_force
from app.kernel.refusal import Refusal

Answer = TypeVar("Answer")


class TooManySignIns(Refusal):
    """Too many people sign in at this moment; try again shortly."""

    remembered = False


class PasswordThreads:
    """The threads that do the hashing, and the short queue before them."""

    def __init__(self, at_once_max: int, waiting_max: int) -> None:
        self._threads = ThreadPoolExecutor(at_once_max, thread_name_prefix="password")
        self._places = at_once_max + waiting_max
        self._taken = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """What `work` answers, done in a thread; refused where the queue is full."""
        if self._taken >= self._places:
            raise TooManySignIns
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._taken -= 1


@cache
def _threads() -> PasswordThreads:
    """The threads of this process, as many as its limits say when the first password is hashed.

    Whoever waits for them keeps a connection for writing, so all together are to be fewer than its pool has: else
    strangers who sign in again and again would leave none for anybody's mutation.
    """
    limits = in_force()
    return PasswordThreads(limits.password_checks_at_once_max, limits.password_checks_waiting_max)


async def hash_password(password: str) -> str:
    """The hash of `password` that is kept."""
    return await _threads().run(lambda: rules.hashed_password(password))


async def check_password(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one that was hashed; for nobody's hash it takes as long, and is wrong."""
    right = await _threads().run(lambda: rules.is_password(password, password_hash or _nobodys_hash()))
    return right and password_hash is not None


@cache
def _nobodys_hash() -> str:
    """The hash of a password that nobody has."""
    return rules.hashed_password(unguessable_token())
