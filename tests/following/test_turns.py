"""Turns: nobody who follows much holds up others, and nothing that is handed on holds up the loop."""

from __future__ import annotations

import asyncio
import time

from resolvers.following.turns import Slots, Turns


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Readers:
    """Readings under way and done, by their callers, which end when the test says so."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.reading: list[str] = []
        self._go: dict[str, list[asyncio.Event]] = {}

    def read(self, caller: str) -> asyncio.Task[None]:
        """Begin a reading."""
        go = asyncio.Event()

        async def reading() -> None:
            async with self.slots.taken(caller):
                self.reading.append(caller)
                self._go.setdefault(caller, []).append(go)
                await go.wait()
                self.reading.remove(caller)

        return asyncio.create_task(reading())

    async def end(self, caller: str) -> None:
        """End the first reading of a caller that is under way."""
        self._go[caller].pop(0).set()
        await settle()


class TestSlots:
    async def test_leave_half_to_others(self):
        readers = Readers(Slots(4))
        tasks = [readers.read("many") for _ in range(10)]
        await settle()
        assert readers.reading == ["many"] * 2
        tasks += [readers.read("one"), readers.read("other"), readers.read("third")]
        await settle()
        assert sorted(readers.reading) == ["many", "many", "one", "other"]
        await readers.end("many")
        assert sorted(readers.reading) == ["many", "one", "other", "third"]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def test_go_round_among_those_who_wait(self):
        readers = Readers(Slots(1))
        tasks = [readers.read(caller) for caller in ("a", "a", "a", "b", "b", "c")]
        order = []
        for _ in tasks:
            await settle()
            order += readers.reading
            await readers.end(readers.reading[0])
        assert order == ["a", "a", "b", "c", "a", "b"]
        await asyncio.wait(tasks)

    async def test_are_free_again_after_those_who_gave_up(self):
        readers = Readers(Slots(2))
        first, second, third = readers.read("a"), readers.read("a"), readers.read("a")
        await settle()
        assert readers.reading == ["a"]
        second.cancel()
        await settle()
        await readers.end("a")
        assert readers.reading == ["a"]
        third.cancel()
        await asyncio.wait([first, second, third])
        tasks = [readers.read("a"), readers.read("b")]
        await settle()
        assert readers.reading[-2:] == ["a", "b"]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def test_are_given_back_by_whom_they_are_given_to_too_late(self):
        slots = Slots(1)
        held = asyncio.Event()

        async def hold() -> None:
            async with slots.taken("a"):
                await held.wait()
            waiting.cancel()

        async def wait() -> None:
            async with slots.taken("b"):
                raise AssertionError("it was cancelled before")

        holding, waiting = asyncio.create_task(hold()), asyncio.create_task(wait())
        await settle()
        held.set()
        await asyncio.wait([holding, waiting])
        assert waiting.cancelled()
        async with asyncio.timeout(1), slots.taken("c"):
            pass


class TestTurns:
    async def test_let_others_of_the_loop_in_between(self):
        turns, steps = Turns(0.002), 0

        async def others() -> None:
            nonlocal steps
            while True:
                await asyncio.sleep(0)
                steps += 1

        async def work() -> None:
            until = time.monotonic() + 0.05
            while time.monotonic() < until:
                await turns.given()

        counting = asyncio.create_task(others())
        await asyncio.gather(*(work() for _ in range(20)))
        counting.cancel()
        assert steps > 3

    async def test_give_each_of_many_its_time(self):
        turns, done = Turns(0.001), [0] * 5

        async def work(number: int) -> None:
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                await turns.given()
                done[number] += 1

        await asyncio.gather(*(work(number) for number in range(5)))
        assert min(done) > 0
