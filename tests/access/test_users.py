"""Users are added, given other roles, and disabled."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.access import commands, measures, rules
from app.access.commands import CreateUser, DisableUser, GrantUser
from app.access.tables import CarrierId, CustomerId, RefreshToken, User, UserId
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, Principal, Role
from app.kernel.refusal import VersionConflict
from tests.factories import access, parties
from tests.factories.access import ADMIN, OPERATOR, PASSWORD, recorded, refused, seen


def person(**details: object) -> CreateUser:
    """A request for an operator, unless `details` say otherwise."""
    given = {"email": "otto@lading.example", "name": "Otto", "password": PASSWORD, "roles": (Role.OPERATOR,)}
    return CreateUser(**{**given, **details})  # type: ignore[arg-type]  # The test says what it gives.


class TestCreateUser:
    async def test_keeps_a_hash_and_the_email_in_small_letters(self, session: AsyncSession):
        customer = await parties.customer(session)
        request = person(email="Ana@Example.ORG", roles=(Role.CUSTOMER,), customer_id=customer)
        key = await commands.create_user(session, request, by=ADMIN)
        row = await session.get_one(User, key)
        assert (row.email, row.roles, row.customer_id) == ("ana@example.org", ["CUSTOMER"], customer)
        assert rules.is_password(PASSWORD, row.password_hash)
        assert recorded(session)[-1] == ("access.user_created", {"user_id": key, "roles": ["CUSTOMER"]})

    def test_does_not_print_the_password(self):
        assert PASSWORD not in repr(person())

    @pytest.mark.parametrize(
        ("refusal", "field", "details"),
        [
            (commands.EmailTaken, "email", {"email": "TAKEN@lading.example"}),
            (commands.InvalidEmail, "email", {"email": "taken"}),
            (commands.RoleNotGrantable, "roles", {"roles": (Role.ANONYMOUS,)}),
            (commands.MissingParty, "customer_id", {"roles": (Role.CUSTOMER,)}),
            (commands.MissingParty, "carrier_id", {"roles": (Role.CARRIER,), "customer_id": CustomerId(1)}),
            (commands.UnknownParty, "customer_id", {"customer_id": CustomerId(404)}),
        ],
    )
    async def test_refuses_what_is_taken_or_wrong(
        self, session: AsyncSession, refusal: type[commands.EmailTaken], field: str, details: dict[str, object]
    ):
        await access.user(session, email="taken@lading.example")
        async with refused(session, refusal, field=field):
            await commands.create_user(session, person(**details), by=ADMIN)

    async def test_refuses_roles_that_the_giver_does_not_hold(self, session: AsyncSession):
        async with refused(session, commands.RoleNotGrantable, field="roles"):
            await commands.create_user(session, person(roles=(Role.ADMIN,)), by=OPERATOR)

    def test_is_for_administrators(self):
        for command in (
            commands.create_user,
            commands.disable_user,
            commands.create_api_key,
            commands.revoke_api_key,
        ):
            assert vars(command)["allowed"] == {Role.ADMIN}

    @pytest.mark.parametrize("roles", [[], ["ANONYMOUS"], ["CUSTOMER"], ["CEO"]])
    async def test_is_held_by_the_table_too(self, session: AsyncSession, roles: list[str]):
        session.add(User(email="x@lading.example", name="X", password_hash="x", roles=roles))
        with pytest.raises(IntegrityError):
            await session.flush()


class TestDisableUser:
    async def test_ends_every_session(self, session: AsyncSession):
        key = await access.user(session, email="otto@lading.example")
        credentials = commands.SignIn(email="otto@lading.example", password=PASSWORD)
        await commands.sign_in(session, credentials, by=ANONYMOUS)
        await commands.disable_user(session, DisableUser(user_id=key, expected_version=1), by=ADMIN)
        row = await session.get_one(User, key)
        assert (row.disabled_at is not None, row.token_version) == (True, 2)
        assert all((await session.scalars(select(RefreshToken.revoked_at))).all())
        assert recorded(session)[-1] == ("access.user_disabled", {"user_id": key})

    async def test_changes_nothing_the_second_time(self, session: AsyncSession):
        key = await access.user(session)
        await commands.disable_user(session, DisableUser(user_id=key), by=ADMIN)
        before = recorded(session)
        await commands.disable_user(session, DisableUser(user_id=key), by=ADMIN)
        assert recorded(session) == before

    async def test_refuses_what_there_is_not_is_hidden_or_past(self, session: AsyncSession):
        key = await access.user(session)
        async with refused(session, commands.UnknownUser, field="user_id"):
            await commands.disable_user(session, DisableUser(user_id=UserId(404)), by=ADMIN)
        async with refused(session, commands.UnknownUser, field="user_id"):
            await commands.disable_user(session, DisableUser(user_id=key), by=OPERATOR)
        async with refused(session, VersionConflict, field="expected_version"):
            await commands.disable_user(session, DisableUser(user_id=key, expected_version=7), by=ADMIN)

    async def test_refuses_the_last_administrator(self, session: AsyncSession):
        key = await access.user(session, roles=(Role.ADMIN,))
        async with refused(session, commands.LastAdmin, field="user_id"):
            await commands.disable_user(session, DisableUser(user_id=key), by=ADMIN)

    async def test_leaves_one_of_two_administrators_who_disable_each_other(
        self, sessions: async_sessionmaker[AsyncSession]
    ):
        async with sessions.begin() as session:
            keys = [await access.user(session, roles=(Role.ADMIN,)) for _ in range(2)]
            await write_outbox(session)

        async def disable(key: UserId) -> None:
            async with sessions.begin() as session:
                await commands.disable_user(session, DisableUser(user_id=key), by=ADMIN)

        outcomes = await asyncio.gather(*map(disable, keys), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes if outcome] == [commands.LastAdmin]


class TestGrantUser:
    async def test_gives_what_is_named_and_takes_the_rest(self, session: AsyncSession):
        customer, carrier = await parties.customer(session), await parties.carrier(session)
        key = await access.user(session, roles=(Role.OPERATOR, Role.CUSTOMER), customer_id=customer)
        given = GrantUser(user_id=key, roles=(Role.CARRIER,), carrier_id=CarrierId(carrier), expected_version=1)
        await commands.grant_user(session, given, by=ADMIN)
        row = await session.get_one(User, key)
        assert (row.roles, row.customer_id, row.carrier_id, row.version) == (["CARRIER"], None, carrier, 2)
        rights = {"roles": ["CARRIER"], "customer_id": None, "supplier_id": None, "carrier_id": carrier}
        assert recorded(session)[-1] == ("access.user_granted", {"user_id": key, **rights})

    async def test_says_nothing_where_nothing_changes(self, session: AsyncSession):
        key = await access.user(session)
        before = len(recorded(session))
        await commands.grant_user(session, GrantUser(user_id=key, roles=(Role.OPERATOR,)), by=ADMIN)
        assert len(recorded(session)) == before

    @pytest.mark.parametrize(
        ("refusal", "field", "details"),
        [
            (commands.UnknownUser, "user_id", {"user_id": UserId(404)}),
            (commands.RoleNotGrantable, "roles", {"roles": (Role.ANONYMOUS,)}),
            (commands.MissingParty, "supplier_id", {"roles": (Role.SUPPLIER,)}),
            (commands.UnknownParty, "customer_id", {"customer_id": CustomerId(404)}),
            (VersionConflict, "expected_version", {"expected_version": 7}),
        ],
    )
    async def test_refuses_what_is_wrong(
        self, session: AsyncSession, refusal: type[commands.UnknownUser], field: str, details: dict[str, object]
    ):
        given = {"user_id": await access.user(session), "roles": (Role.OPERATOR,), **details}
        async with refused(session, refusal, field=field):
            await commands.grant_user(session, GrantUser(**given), by=ADMIN)  # type: ignore[arg-type]

    async def test_refuses_to_take_the_last_administrators_role(self, session: AsyncSession):
        key = await access.user(session, roles=(Role.ADMIN,))
        async with refused(session, commands.LastAdmin, field="user_id"):
            await commands.grant_user(session, GrantUser(user_id=key, roles=(Role.OPERATOR,)), by=ADMIN)
        await access.user(session, roles=(Role.ADMIN,))
        await commands.grant_user(session, GrantUser(user_id=key, roles=(Role.OPERATOR,)), by=ADMIN)
        assert (await session.get_one(User, key)).roles == ["OPERATOR"]


class TestEnsureFirstAdmin:
    async def test_makes_one_who_can_sign_in_and_never_a_second(self, session: AsyncSession):
        first = await commands.ensure_first_admin(session)
        assert first is not None
        signed_in = await commands.sign_in(
            session, commands.SignIn(email=first.email, password=first.password), by=ANONYMOUS
        )
        assert (await session.get_one(User, signed_in.id)).roles == ["ADMIN"]
        assert await commands.ensure_first_admin(session) is None

    async def test_makes_one_when_two_processes_start_at_once(self, sessions: async_sessionmaker[AsyncSession]):
        async def start() -> commands.FirstAdmin | None:
            async with sessions.begin() as session:
                first = await commands.ensure_first_admin(session)
                await write_outbox(session)
                return first

        assert len([first for first in await asyncio.gather(start(), start()) if first]) == 1


class TestUserVisibility:
    async def test_shows_users_to_themselves_and_administrators(self, session: AsyncSession):
        one, two = await access.user(session), await access.user(session)
        assert await seen(session, User, measures.user_visibility, ADMIN) == {one, two}
        assert await seen(session, User, measures.user_visibility, ANONYMOUS) == set()
        for role in (Role.OPERATOR, Role.CUSTOMER, Role.SUPPLIER, Role.CARRIER):
            by = Principal(roles=frozenset({role}), user_id=one)
            assert await seen(session, User, measures.user_visibility, by) == {one}
