"""Lending connections: never more than there may be, never one to two, and never one that is not well."""

import asyncio

import asyncpg
import pytest

from app.server.lending import Lender


@pytest.fixture
async def lender(database_url: str):
    async def connect():
        made.append(await asyncpg.connect(database_url))
        return made[-1]

    made: list[asyncpg.Connection] = []
    lender = Lender(connect, 2)
    yield lender
    await lender.close()
    assert all(connection.is_closed() for connection in made)
    assert len(made) <= 4


async def own_pid(lender: Lender) -> int:
    """The process of a connection that was borrowed for a moment."""
    return int(await lender.fetchval("select pg_backend_pid()"))


class TestLender:
    async def test_lends_the_connection_that_came_back_last(self, lender: Lender):
        assert await own_pid(lender) == await own_pid(lender)

    async def test_lends_each_connection_to_one_at_a_time_and_lets_more_wait(self, lender: Lender):
        async with lender.acquire() as one, lender.acquire() as other:
            assert one is not other
            waiting = asyncio.create_task(own_pid(lender))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            pids = {await each.fetchval("select pg_backend_pid()") for each in (one, other)}
        assert await waiting in pids

    async def test_lets_nobody_overtake_who_waits(self, lender: Lender):
        turns: list[int] = []

        async def borrow(number: int):
            for _ in range(2):
                async with lender.acquire():
                    turns.append(number)

        async with lender.acquire():
            async with lender.acquire():
                borrowing = [asyncio.create_task(borrow(number)) for number in range(3)]
                await asyncio.sleep(0)
            await asyncio.gather(*borrowing)
        assert turns == [0, 1, 2, 0, 1, 2]

    async def test_passes_on_what_came_to_one_who_no_longer_waits(self, lender: Lender):
        async with lender.acquire(), lender.acquire() as other:
            gone, next_one = asyncio.create_task(own_pid(lender)), asyncio.create_task(own_pid(lender))
            await asyncio.sleep(0)
            pid = await other.fetchval("select pg_backend_pid()")
            lender.give_back(other, None)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert await asyncio.wait_for(next_one, 5) == pid
            assert await lender.take() is other

    async def test_lends_no_connection_whose_server_went_away_under_it(self, lender: Lender):
        with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
            await lender.fetchrow("select pg_terminate_backend(pg_backend_pid())")
        assert await own_pid(lender) > 0

    async def test_keeps_a_connection_whose_statement_failed(self, lender: Lender):
        pid = await own_pid(lender)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await lender.fetch("select 1 / 0")
        assert await own_pid(lender) == pid

    async def test_ends_a_connection_whose_borrower_was_stopped(self, lender: Lender):
        pid = await own_pid(lender)
        sleeping = asyncio.create_task(lender.fetch("select pg_sleep(30)"))
        await asyncio.sleep(0.05)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await own_pid(lender) != pid

    @pytest.mark.parametrize("ask", [Lender.fetch, Lender.fetchrow])
    async def test_stops_a_statement_that_nobody_waits_for_before_its_place_is_free(
        self, lender: Lender, database_url: str, ask
    ):
        statement = f"select pg_sleep(30) /* {ask.__name__} */"
        leaving = [asyncio.create_task(ask(lender, statement)) for _ in range(2)]
        await asyncio.sleep(0.1)
        for each in leaving:
            each.cancel()
        await asyncio.wait(leaving)
        assert await own_pid(lender) > 0
        await lender.close()
        looking = await asyncpg.connect(database_url)
        running = "select count(*) from pg_stat_activity where query = $1 and state = 'active'"
        assert await looking.fetchval(running, statement) == 0
        await looking.close()

    async def test_opens_another_for_one_that_the_server_ended(self, lender: Lender):
        pid = await own_pid(lender)
        async with lender.acquire() as _, lender.acquire() as other:
            await other.fetchval("select pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
        assert len({await own_pid(lender), await own_pid(lender)} - {pid}) == 1

    async def test_gives_the_place_of_a_connection_that_cannot_be_made_to_the_next(self, database_url: str):
        tries: list[int] = []

        async def connect():
            tries.append(1)
            if len(tries) <= 3:
                raise OSError("nobody listens")
            return await asyncpg.connect(database_url)

        lender = Lender(connect, 1)
        for _ in range(3):
            with pytest.raises(OSError, match="nobody"):
                await lender.open_first()
        assert await own_pid(lender) > 0
        await lender.close()

    async def test_closes_what_comes_back_late(self, lender: Lender):
        async with lender.acquire() as connection:
            await lender.close()
        assert connection.is_closed()
