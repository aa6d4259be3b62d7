"""People sign in and refresh their tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access import commands, rules
from app.access.commands import RefreshToken, SignedIn, SignIn
from app.access.commands.passwords import PasswordThreads
from app.access.questions import authenticate, signing
from app.access.tables import RefreshToken as IssuedToken
from app.kernel import clock
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS
from tests.factories import access
from tests.factories.access import ADMIN, PASSWORD, recorded, refused

EMAIL = "otto@lading.example"


async def signed_in(session: AsyncSession, email: str = EMAIL) -> SignedIn:
    """A session of the user with `email`."""
    return await commands.sign_in(session, SignIn(email=email, password=PASSWORD), by=ANONYMOUS)


async def refreshed(session: AsyncSession, token: str) -> SignedIn:
    """The session prolonged."""
    return await commands.refresh_token(session, RefreshToken(refresh_token=token), by=ANONYMOUS)


class TestSignIn:
    async def test_gives_tokens_by_email_in_any_letters(self, session: AsyncSession):
        key = await access.user(session, email=EMAIL)
        tokens = await signed_in(session, " OTTO@Lading.example")
        assert tokens.id == key
        name, facts = recorded(session)[-1]
        assert (name, facts["user_id"]) == ("access.user_signed_in", key)
        claims = signing.tokens.claims(tokens.access_token, clock.now())
        assert claims == rules.AccessClaims(key, 1, facts["family"])

    async def test_keeps_no_token(self, session: AsyncSession):
        await access.user(session, email=EMAIL)
        tokens = await signed_in(session)
        kept = (await session.scalars(select(IssuedToken))).one()
        assert tokens.refresh_token.encode() not in kept.token_hash
        assert tokens.refresh_token not in repr(tokens)
        assert tokens.access_token not in repr(tokens)

    async def test_refuses_wrong_unknown_and_disabled_in_the_same_words(self, session: AsyncSession):
        await access.user(session, email=EMAIL)
        gone = await access.user(session, email="gone@lading.example")
        await commands.disable_user(session, commands.DisableUser(user_id=gone), by=ADMIN)
        messages = set()
        for email, password in (
            (EMAIL, "wrong"),
            ("nobody@lading.example", PASSWORD),
            ("gone@lading.example", PASSWORD),
        ):
            async with refused(session, commands.WrongCredentials) as caught:
                await commands.sign_in(session, SignIn(email=email, password=password), by=ANONYMOUS)
            messages.add(caught.value.message)
        assert len(messages) == 1

    async def test_hashes_for_an_unknown_email_too(self, session: AsyncSession, monkeypatch: pytest.MonkeyPatch):
        checked: list[str] = []

        def is_password(_: str, password_hash: str) -> bool:
            checked.append(password_hash)
            return True

        monkeypatch.setattr(rules, "is_password", is_password)
        async with refused(session, commands.WrongCredentials):
            await signed_in(session, "nobody@lading.example")
        assert checked[0].startswith("$argon2id$")

    async def test_refuses_more_at_once_than_fit(self):
        threads = PasswordThreads(at_once_max=1, waiting_max=1)
        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait() -> None:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

        busy = [asyncio.create_task(threads.run(wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(commands.TooManySignIns):
            await threads.run(wait)
        release.set()
        await asyncio.gather(*busy)
        await threads.run(wait)


class TestRefreshToken:
    async def test_gives_new_tokens_once(self, session: AsyncSession):
        key = await access.user(session, email=EMAIL)
        first = await signed_in(session)
        second = await refreshed(session, first.refresh_token)
        assert (second.id, second.refresh_token != first.refresh_token) == (key, True)
        assert (await authenticate(session, f"Bearer {second.access_token}")).user_id == key
        assert recorded(session)[-1][0] == "access.token_refreshed"
        await refreshed(session, second.refresh_token)

    async def test_ends_the_session_when_one_is_used_twice(self, session: AsyncSession):
        await access.user(session, email=EMAIL)
        other, first = await signed_in(session), await signed_in(session)
        second = await refreshed(session, first.refresh_token)
        async with refused(session, commands.RefreshTokenReused, field="refresh_token") as caught:
            await refreshed(session, first.refresh_token)
        assert caught.value.aftermath is not None
        await caught.value.aftermath(session)
        assert recorded(session)[-1][0] == "access.token_family_revoked"
        async with refused(session, commands.InvalidRefreshToken, field="refresh_token"):
            await refreshed(session, second.refresh_token)
        await refreshed(session, other.refresh_token)
        told = recorded(session)
        await caught.value.aftermath(session)
        assert recorded(session) == told

    async def test_refuses_unknown_expired_and_of_the_disabled(self, session: AsyncSession):
        user = await access.user(session, email=EMAIL)
        tokens = await signed_in(session)
        async with refused(session, commands.InvalidRefreshToken, field="refresh_token"):
            await refreshed(session, "unknown")
        with clock.stopped_at(clock.now() + rules.REFRESH_TOKEN_LIFE + timedelta(seconds=1)):
            async with refused(session, commands.InvalidRefreshToken, field="refresh_token"):
                await refreshed(session, tokens.refresh_token)
        await commands.disable_user(session, commands.DisableUser(user_id=user), by=ADMIN)
        async with refused(session, commands.InvalidRefreshToken, field="refresh_token"):
            await refreshed(session, tokens.refresh_token)

    async def test_gives_tokens_to_one_of_two_at_once(self, sessions: async_sessionmaker[AsyncSession]):
        async with sessions.begin() as session:
            await access.user(session, email=EMAIL)
            tokens = await signed_in(session)
            await write_outbox(session)

        async def refresh() -> SignedIn:
            async with sessions.begin() as session:
                return await refreshed(session, tokens.refresh_token)

        outcomes = await asyncio.gather(refresh(), refresh(), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {SignedIn, commands.RefreshTokenReused}
