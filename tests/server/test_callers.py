"""Callers at the door: who a request comes from, and what is noted of it."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access.questions import callers
from app.access.tables import ApiKey
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

    async def test_knows_strangers_and_refuses_the_rest(self, sessions: async_sessionmaker[AsyncSession]):
        assert Callers(sessions).of_header(None) is ANONYMOUS
        with pytest.raises(HttpRefusal) as refused:
            await caller(sessions, "Bearer lading_nothing")
        assert refused.value.status == 401
        with pytest.raises(HttpRefusal):
            Callers(sessions).of_header("Basic YTpi")


def test_pages_of_other_origins_may_send_the_header_that_a_query_by_get_needs():
    assert {name.lower().encode() for name in HEADERS_OF_BROWSERS} & set(PREFLIGHT_HEADERS)
