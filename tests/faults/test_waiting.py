"""Waits of the faults end: what goes on after a cancellation is cancelled again, and a bound tells what it is for."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults import waiting
from tests.faults.waiting import at_most, ended

LONG = 30


async def heedless(times: int) -> None:
    """Go on after so many cancellations, as by an error of a rollback that comes in their place."""
    while True:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


class TestEnded:
    async def test_a_task_that_goes_on_is_cancelled_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "CANCEL_SECONDS", 0.01)
        task = asyncio.create_task(heedless(3))
        await asyncio.sleep(0)
        await ended("a task", task)
        assert task.cancelled()

    async def test_a_task_that_never_ends_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "CANCEL_SECONDS", 0.01)
        monkeypatch.setattr(waiting, "END_SECONDS_MAX", 0.05)
        task = asyncio.create_task(heedless(1_000))
        await asyncio.sleep(0)
        with pytest.raises(AssertionError, match="for the end of a stubborn task"):
            await ended("a stubborn task", task)
        monkeypatch.setattr(waiting, "END_SECONDS_MAX", LONG)
        monkeypatch.setattr(waiting, "CANCEL_SECONDS", 0)
        await ended("a stubborn task", task)


class TestAtMost:
    async def test_says_what_it_waited_for(self) -> None:
        with pytest.raises(AssertionError, match=r"waited 0.01 s for a sign"):
            async with at_most(0.01, "a sign"):
                await asyncio.sleep(LONG)

    async def test_leaves_other_timeouts_alone(self) -> None:
        with pytest.raises(TimeoutError, match="another"):
            async with at_most(LONG, "a sign"):
                raise TimeoutError("another")
