"""Callers at the door: who a request comes from, and what is noted of it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.datastructures import Headers

import app.main
from app.access.questions import authenticate, callers
from app.access.tables import ApiKey
from app.kernel import clock
from app.kernel.principal import ANONYMOUS, Principal
from app.main import HEADERS_OF_BROWSERS, Callers
from app.server.http_requests import PREFLIGHT_HEADERS, HttpRefusal
from tests.factories import access


async def caller(sessions: async_sessionmaker[AsyncSession], header: str | None) -> Principal:
    """Who a header proves, whether that is known at once or not."""
    found = Callers(sessions).of_header(header)
    return found if isinstance(found, Principal) else await found


class TestCallers:
    async def test_notes_that_a_key_was_used(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions() as session:
            made = await access.api_key(session)
            await session.commit()
        callers.forget()
        header = f"Bearer {made.secret}"
        found = await caller(sessions, header)
        assert found.api_key_id == made.id
        assert Callers(sessions).of_header(header) is found
        async with sessions() as session:
            assert (await session.get_one(ApiKey, made.id)).last_used_at is not None

    async def test_asks_the_database_once_for_all_who_wait(
        self, sessions: async_sessionmaker[AsyncSession], monkeypatch: pytest.MonkeyPatch
    ):
        async with sessions() as session:
            made = await access.api_key(session)
            await session.commit()
        asked = []

        async def counted(session: AsyncSession, authorization: str) -> Principal:
            asked.append(authorization)
            return await authenticate(session, authorization)

        monkeypatch.setattr(app.main, "authenticate", counted)
        callers.forget()
        door = Callers(sessions)
        header = f"Bearer {made.secret}"
        sent = Headers({"authorization": header})
        left, *waiting = [asyncio.ensure_future(door.of_payload({}, sent)) for _ in range(5)]
        await asyncio.sleep(0)
        left.cancel()
        found = await asyncio.gather(*waiting)
        assert [each.api_key_id for each in found] == [made.id] * 4
        assert len(asked) == 1
        callers.forget()
        await door.of_payload({}, sent)
        assert len(asked) == 2

    async def test_asks_again_where_somebody_was_revoked_meanwhile(
        self, sessions: async_sessionmaker[AsyncSession], monkeypatch: pytest.MonkeyPatch
    ):
        async with sessions() as session:
            made = await access.api_key(session)
            await session.commit()

        async def overtaken(session: AsyncSession, authorization: str) -> Principal:
            found = await authenticate(session, authorization)
            async with sessions() as other:
                (await other.get_one(ApiKey, made.id)).revoked_at = clock.now()
                await other.commit()
            callers.forget()
            monkeypatch.setattr(app.main, "authenticate", authenticate)
            return found

        monkeypatch.setattr(app.main, "authenticate", overtaken)
        callers.forget()
        with pytest.raises(HttpRefusal):
            await caller(sessions, f"Bearer {made.secret}")

    async def test_knows_strangers_and_refuses_the_rest(self, sessions: async_sessionmaker[AsyncSession]):
        assert Callers(sessions).of_header(None) is ANONYMOUS
        with pytest.raises(HttpRefusal) as refused:
            await caller(sessions, "Bearer lading_nothing")
        assert refused.value.status == 401
        with pytest.raises(HttpRefusal):
            Callers(sessions).of_header("Basic YTpi")


def test_pages_of_other_origins_may_send_the_header_that_a_query_by_get_needs():
    assert {name.lower().encode() for name in HEADERS_OF_BROWSERS} & set(PREFLIGHT_HEADERS)
