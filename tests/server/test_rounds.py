"""Rounds: each of many is looked at once in a while, few at a time."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

from app.server.rounds import AT_ONCE, Rounds


class TestRounds:
    async def test_look_at_each_over_and_over(self):
        seen: Counter[int] = Counter()
        rounds: Rounds[int] = Rounds(lambda one: seen.update([one]), 0.02)
        for one in range(3 * AT_ONCE):
            rounds.add(one)
        await asyncio.sleep(0.2)
        rounds.stop()
        assert set(seen) == set(range(3 * AT_ONCE))
        assert min(seen.values()) >= 2
        assert max(seen.values()) - min(seen.values()) <= 1

    async def test_look_at_few_at_a_time(self):
        seen: list[int] = []
        rounds = Rounds(seen.append, 60)
        for one in range(2 * AT_ONCE):
            rounds.add(one)
        round_ = asyncio.create_task(rounds.once(0))
        steps = [0]
        while not round_.done():
            await asyncio.sleep(0)
            steps.append(len(seen))
        assert max(after - before for before, after in itertools.pairwise(steps)) == AT_ONCE
        rounds.stop()

    async def test_look_at_nothing_that_was_closed_meanwhile(self):
        rounds: Rounds[int]

        def close_the_others(one: int) -> None:
            seen.append(one)
            for other in list(rounds.open):
                rounds.discard(other)

        seen: list[int] = []
        rounds = Rounds(close_the_others, 0.01)
        for one in range(2 * AT_ONCE):
            rounds.add(one)
        await asyncio.sleep(0.05)
        assert len(seen) == 1
        rounds.add(7)
        await asyncio.sleep(0.05)
        assert seen[1:] == [7]

    async def test_end_with_the_last_and_do_not_begin_again_once_stopped(self):
        seen: list[int] = []
        rounds = Rounds(seen.append, 0.01)
        rounds.add(1)
        rounds.discard(1)
        await asyncio.sleep(0.03)
        rounds.stop()
        rounds.add(2)
        await asyncio.sleep(0.03)
        assert seen == []
