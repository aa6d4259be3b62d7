"""A credential becomes a caller, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.access import commands, rules
from app.access.commands.sessions import end_family
from app.access.questions import Callers, Signing, Unauthenticated, authenticate, callers, fallen, recalled, signing
from app.access.tables import ApiKey, User
from app.kernel import clock
from app.kernel.principal import ANONYMOUS, Role
from tests.factories import access, parties
from tests.factories.access import ADMIN, PASSWORD

A_SECOND = timedelta(seconds=1)


def bearer(user_id: int, version: int = 1) -> str:
    """The header of a user with an access token of `version`."""
    return f"Bearer {signing.tokens.signed(rules.AccessClaims(user_id, version), clock.now())}"


class TestAuthenticate:
    async def test_takes_a_request_without_credential_for_a_stranger(self, session: AsyncSession):
        assert await authenticate(session, None) is ANONYMOUS

    async def test_tells_who_a_user_is_from_the_database(self, session: AsyncSession):
        customer = await parties.customer(session)
        key = await access.user(session, name="Ana", roles=(Role.CUSTOMER, Role.OPERATOR), customer_id=customer)
        caller = await authenticate(session, bearer(key))
        assert (caller.user_id, caller.name, caller.customer_id) == (key, "Ana", customer)
        assert caller.roles == {Role.CUSTOMER, Role.OPERATOR}

    async def test_tells_who_a_key_stands_for(self, session: AsyncSession):
        supplier = await parties.supplier(session)
        made = await access.api_key(session, roles=(Role.SUPPLIER,), supplier_id=supplier)
        caller = await authenticate(session, f"bearer  {made.secret} ")
        assert (caller.api_key_id, caller.user_id, caller.supplier_id) == (made.id, None, supplier)
        assert caller.roles == {Role.SUPPLIER}

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "lading_x", "Bearer lading_", "Bearer " + "x" * 9_999],
    )
    async def test_refuses_what_is_malformed(self, session: AsyncSession, header: str):
        with pytest.raises(Unauthenticated):
            await authenticate(session, header)

    async def test_refuses_a_key_with_the_right_beginning_and_a_wrong_end(self, session: AsyncSession):
        made = await access.api_key(session)
        await authenticate(session, f"Bearer {made.secret}")
        with pytest.raises(Unauthenticated):
            await authenticate(session, f"Bearer {made.secret[:-1]}")

    async def test_refuses_users_that_there_are_not_and_tokens_of_another_version(self, session: AsyncSession):
        key = await access.user(session)
        for header in (bearer(404), bearer(key, version=2)):
            with pytest.raises(Unauthenticated):
                await authenticate(session, header)

    async def test_refuses_what_has_expired(self, session: AsyncSession):
        key = await access.user(session)
        made = await access.api_key(session, expires_at=clock.now() + timedelta(minutes=10))
        headers = (bearer(key), f"Bearer {made.secret}")
        with clock.stopped_at(clock.now() + timedelta(minutes=9)):
            for header in headers:
                await authenticate(session, header)
        with clock.stopped_at(clock.now() + timedelta(minutes=16)):
            for header in headers:
                with pytest.raises(Unauthenticated):
                    await authenticate(session, header)

    async def test_refuses_the_revoked_and_the_disabled_within_a_second(self, session: AsyncSession):
        key, made = await access.user(session), await access.api_key(session)
        headers = (bearer(key), f"Bearer {made.secret}")
        for header in headers:
            await authenticate(session, header)
        await commands.disable_user(session, commands.DisableUser(user_id=key), by=ADMIN)
        await commands.revoke_api_key(session, commands.RevokeApiKey(api_key_id=made.id), by=ADMIN)
        with clock.stopped_at(clock.now() + A_SECOND):
            for header in headers:
                with pytest.raises(Unauthenticated):
                    await authenticate(session, header)

    async def test_refuses_a_session_that_has_ended_and_no_other(self, session: AsyncSession):
        key = await access.user(session)
        row = await session.get_one(User, key)
        headers = []
        for _ in range(2):
            tokens = await commands.sign_in(session, commands.SignIn(email=row.email, password=PASSWORD), by=ANONYMOUS)
            headers.append(f"Bearer {tokens.access_token}")
        one, other = [await authenticate(session, header) for header in headers]
        assert one.user_id == other.user_id == key
        assert one.session is not None
        await end_family(session, key, one.session)
        assert await fallen(session, [one, other]) == [one]
        with clock.stopped_at(clock.now() + A_SECOND):
            with pytest.raises(Unauthenticated):
                await authenticate(session, headers[0])
            assert await authenticate(session, headers[1]) == other

    async def test_reads_a_caller_once_a_second(self, session: AsyncSession, engine: AsyncEngine):
        made = await access.api_key(session)
        statements: list[str] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        for _ in range(3):
            await authenticate(session, f"Bearer {made.secret}")
        assert len(statements) == 1

    async def test_sees_new_roles_within_a_second(self, session: AsyncSession):
        key = await access.user(session)
        await authenticate(session, bearer(key))
        await session.execute(update(User).where(User.id == key).values(roles=["ADMIN"]))
        with clock.stopped_at(clock.now() + A_SECOND):
            assert (await authenticate(session, bearer(key))).roles == {Role.ADMIN}

    async def test_tells_when_a_key_ends(self, session: AsyncSession):
        ends_at = clock.now() + timedelta(hours=1)
        made = await access.api_key(session, expires_at=ends_at)
        assert (await authenticate(session, f"Bearer {made.secret}")).ends_at == ends_at

    async def test_refuses_a_key_of_which_only_the_hash_is_known(self, session: AsyncSession):
        made = await access.api_key(session)
        row = await session.get_one(ApiKey, made.id)
        with pytest.raises(Unauthenticated):
            await authenticate(session, f"Bearer {row.prefix}{row.secret_hash.hex()}")


class TestFallen:
    async def test_tells_who_is_no_longer_as_they_were(self, session: AsyncSession):
        operator, customer = await access.user(session), await parties.customer(session)
        buyer = await access.user(session, roles=(Role.CUSTOMER,), customer_id=customer)
        keys = [await access.api_key(session) for _ in range(2)]
        headers = [bearer(operator), bearer(buyer), *(f"Bearer {key.secret}" for key in keys)]
        known = [await authenticate(session, header) for header in headers]
        assert await fallen(session, [*known, ANONYMOUS]) == []
        await session.execute(update(User).where(User.id == operator).values(name="Renamed"))
        assert await fallen(session, known) == []
        await session.execute(update(User).where(User.id == buyer).values(customer_id=await parties.customer(session)))
        await commands.revoke_api_key(session, commands.RevokeApiKey(api_key_id=keys[1].id), by=ADMIN)
        assert await fallen(session, known) == [known[1], known[3]]
        await session.execute(update(User).where(User.id == operator).values(roles=["ADMIN"]))
        await session.execute(update(ApiKey).where(ApiKey.id == keys[0].id).values(roles=["ADMIN"]))
        assert await fallen(session, known) == known


class TestCallers:
    async def test_are_forgotten_when_there_are_too_many(self, session: AsyncSession):
        made = await access.api_key(session)
        await authenticate(session, f"Bearer {made.secret}")
        caller = callers.recall(("key", made.secret[:15]))
        assert caller is not None
        for number in range(10_000):
            callers.remember(("user", number), caller, read_after=callers.forgotten)
        assert callers.recall(("key", made.secret[:15])) is None

    async def test_are_not_remembered_from_before_everyone_was_forgotten(self, session: AsyncSession):
        made = await access.api_key(session)
        await authenticate(session, f"Bearer {made.secret}")
        caller, read_after = callers.recall(("key", made.secret[:15])), callers.forgotten
        assert caller is not None
        callers.forget()
        callers.remember(("key", made.secret[:15]), caller, read_after=read_after)
        assert callers.recall(("key", made.secret[:15])) is None


class TestSigning:
    def test_says_that_it_has_no_key(self):
        with pytest.raises(RuntimeError, match="no signing key"):
            _ = Signing().tokens


class TestRecalled:
    async def test_knows_who_was_asked_for_within_the_last_second(self, session: AsyncSession):
        user, made = await access.user(session), await access.api_key(session)
        for header in (bearer(user), f"Bearer {made.secret}"):
            callers.forget()
            assert recalled(header) is None
            found = await authenticate(session, header)
            assert recalled(header) == found
            with clock.stopped_at(clock.now() + A_SECOND):
                assert recalled(header) is None

    async def test_takes_no_token_and_no_key_after_its_end(self, session: AsyncSession):
        ends_at = clock.now().replace(microsecond=0) + rules.ACCESS_TOKEN_LIFE
        made = await access.api_key(session, expires_at=ends_at)
        user = await access.user(session)
        with clock.stopped_at(ends_at - rules.ACCESS_TOKEN_LIFE):
            token = bearer(user)
        for header in (token, f"Bearer {made.secret}"):
            with clock.stopped_at(ends_at - A_SECOND / 2):
                callers.forget()
                await authenticate(session, header)
                assert recalled(header) == recalled(header) is not None
            with clock.stopped_at(ends_at):
                assert recalled(header) is None

    async def test_takes_nobody_for_somebody_else(self, session: AsyncSession):
        user, made = await access.user(session), await access.api_key(session)
        await authenticate(session, bearer(user))
        await authenticate(session, f"Bearer {made.secret}")
        for header in (bearer(user, version=2), bearer(user + 1), bearer(user)[:-2], f"Bearer {made.secret[:-1]}"):
            assert recalled(header) is None

    async def test_forgets_headers_that_prove_nothing_any_more(self, session: AsyncSession):
        made = await access.api_key(session)
        header, known = f"Bearer {made.secret}", Callers()
        with clock.stopped_at(clock.now()):
            callers.forget()
            await authenticate(session, header)
            caller = callers.recall(("key", made.secret[:15]))
            assert caller is not None
            for number in range(100):
                known.prove(f"{header}{number}", caller, None)
            assert len(known) == 100
        with clock.stopped_at(caller.known_at + A_SECOND):
            assert known.proven(f"{header}99") is None
            assert len(known) == 99
            late = replace(caller, known_at=clock.now())
            for number in range(100, 200):
                known.prove(f"{header}{number}", late, None)
            assert len(known) == 100
            assert known.proven(f"{header}100") == caller.principal

    async def test_keeps_a_bounded_number_of_headers_those_that_came_last(self, session: AsyncSession):
        made = await access.api_key(session)
        await authenticate(session, f"Bearer {made.secret}")
        caller, known = callers.recall(("key", made.secret[:15])), Callers()
        assert caller is not None
        with clock.stopped_at(caller.known_at):
            for number in range(10_100):
                known.prove(str(number), caller, None)
            assert len(known) <= 10_000
            assert known.proven("10099") == caller.principal == known.proven("5000")
            assert known.proven("0") is None
