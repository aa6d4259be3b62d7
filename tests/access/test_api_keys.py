"""API keys are made and revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import commands, measures
from app.access.commands import CreateApiKey, RevokeApiKey
from app.access.tables import ApiKey, ApiKeyId, CarrierId
from app.kernel import clock
from app.kernel.principal import ANONYMOUS, Role
from app.kernel.refusal import InvalidInput, Refusal
from tests.factories import access, parties
from tests.factories.access import ADMIN, OPERATOR, recorded, refused, seen


class TestCreateApiKey:
    async def test_tells_the_secret_and_keeps_its_hash(self, session: AsyncSession):
        carrier = await parties.carrier(session)
        request = CreateApiKey(name="Scans", roles=(Role.CARRIER,), carrier_id=CarrierId(carrier))
        made = await commands.create_api_key(session, request, by=ADMIN)
        row = await session.get_one(ApiKey, made.id)
        assert made.secret.startswith(row.prefix)
        assert made.secret not in repr(made)
        assert (row.roles, row.carrier_id, len(row.prefix), len(row.secret_hash)) == (["CARRIER"], carrier, 15, 32)
        facts = {"api_key_id": made.id, "prefix": row.prefix, "roles": ["CARRIER"], "expires_at": None}
        assert recorded(session)[-1] == ("access.api_key_created", facts)

    @pytest.mark.parametrize(
        ("refusal", "field", "details"),
        [
            (commands.RoleNotGrantable, "roles", {"roles": (Role.ANONYMOUS,)}),
            (commands.MissingParty, "supplier_id", {"roles": (Role.SUPPLIER,)}),
            (commands.UnknownParty, "carrier_id", {"carrier_id": CarrierId(404)}),
            (InvalidInput, "expires_at", {"expires_at": clock.now() - timedelta(seconds=1)}),
        ],
    )
    async def test_refuses_what_is_wrong(
        self, session: AsyncSession, refusal: type[Refusal], field: str, details: dict[str, object]
    ):
        async with refused(session, refusal, field=field):
            await access.api_key(session, **details)

    async def test_refuses_roles_that_the_giver_does_not_hold(self, session: AsyncSession):
        async with refused(session, commands.RoleNotGrantable, field="roles"):
            await commands.create_api_key(session, CreateApiKey(name="X", roles=(Role.ADMIN,)), by=OPERATOR)


class TestRevokeApiKey:
    async def test_stops_it_once(self, session: AsyncSession):
        made = await access.api_key(session)
        for _ in range(2):
            await commands.revoke_api_key(session, RevokeApiKey(api_key_id=made.id), by=ADMIN)
        assert (await session.get_one(ApiKey, made.id)).revoked_at is not None
        assert [name for name, _ in recorded(session)].count("access.api_key_revoked") == 1

    async def test_refuses_what_there_is_not_or_is_hidden(self, session: AsyncSession):
        made = await access.api_key(session)
        async with refused(session, commands.UnknownApiKey, field="api_key_id"):
            await commands.revoke_api_key(session, RevokeApiKey(api_key_id=ApiKeyId(404)), by=ADMIN)
        async with refused(session, commands.UnknownApiKey, field="api_key_id"):
            await commands.revoke_api_key(session, RevokeApiKey(api_key_id=made.id), by=OPERATOR)


class TestNoteApiKeyUse:
    async def test_notes_it_once_a_minute_and_leaves_the_version(self, session: AsyncSession):
        made = await access.api_key(session)
        first = clock.now()
        for seconds in (0, 59, 61):
            with clock.stopped_at(first + timedelta(seconds=seconds)):
                await commands.note_api_key_use(session, made.id)
            if seconds == 59:
                row = await session.get_one(ApiKey, made.id, populate_existing=True)
                assert row.last_used_at == first
        row = await session.get_one(ApiKey, made.id, populate_existing=True)
        assert (row.last_used_at, row.version) == (first + timedelta(seconds=61), 1)
        assert row.updated_at <= clock.now()


class TestApiKeyVisibility:
    async def test_shows_keys_to_administrators_alone(self, session: AsyncSession):
        made = await access.api_key(session)
        for by, keys in ((ADMIN, {made.id}), (OPERATOR, set()), (ANONYMOUS, set())):
            assert await seen(session, ApiKey, measures.api_key_visibility, by) == keys
