"""Carriers are added and corrected."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import ANONYMOUS
from app.kernel.refusal import VersionConflict
from app.parties import commands, measures, rules
from app.parties.commands import CreateCarrier, UpdateCarrier
from app.parties.tables import Carrier, CarrierId
from tests.factories import parties
from tests.factories.access import OPERATOR, carrier_caller, recorded, refused, seen

TRACKING = "https://track.example/{tracking_number}"


class TestCreateCarrier:
    async def test_adds_one(self, session: AsyncSession):
        request = CreateCarrier(code="CORREIOS", name="Correios", scac="CORR", tracking_url_template=TRACKING)
        key = await commands.create_carrier(session, request, by=OPERATOR)
        row = await session.get_one(Carrier, key)
        assert (row.code, row.scac, row.tracking_url_template) == ("CORREIOS", "CORR", TRACKING)
        assert recorded(session)[-1] == ("parties.carrier_created", {"carrier_id": key, "code": "CORREIOS"})

    @pytest.mark.parametrize(
        ("refusal", "field", "value"),
        [
            (commands.CarrierCodeTaken, "code", "TAKEN"),
            (commands.ScacTaken, "scac", "TKN"),
            (commands.InvalidScac, "scac", "tkn"),
            (commands.InvalidEmail, "email", "nobody"),
            (commands.InvalidTrackingUrl, "tracking_url_template", "https://track.example/"),
        ],
    )
    async def test_refuses_what_is_taken_or_misspelt(
        self, session: AsyncSession, refusal: type[commands.InvalidScac], field: str, value: str
    ):
        await parties.carrier(session, code="TAKEN", scac="TKN")
        async with refused(session, refusal, field=field):
            request = CreateCarrier(**{"code": "NEW", "name": "New", field: value})
            await commands.create_carrier(session, request, by=OPERATOR)


class TestUpdateCarrier:
    async def test_corrects_what_is_given(self, session: AsyncSession):
        key = await parties.carrier(session)
        await commands.update_carrier(session, UpdateCarrier(carrier_id=key, scac="NEWC"), by=OPERATOR)
        assert (await session.get_one(Carrier, key)).scac == "NEWC"
        assert recorded(session)[-1] == ("parties.carrier_updated", {"carrier_id": key, "changed": ["scac"]})

    async def test_refuses_what_there_is_not_is_taken_or_past(self, session: AsyncSession):
        await parties.carrier(session, scac="TKN")
        key = await parties.carrier(session)
        async with refused(session, commands.UnknownCarrier, field="carrier_id"):
            await commands.update_carrier(session, UpdateCarrier(carrier_id=CarrierId(404)), by=OPERATOR)
        async with refused(session, commands.ScacTaken, field="scac"):
            await commands.update_carrier(session, UpdateCarrier(carrier_id=key, scac="TKN"), by=OPERATOR)
        async with refused(session, VersionConflict, field="expected_version"):
            await commands.update_carrier(session, UpdateCarrier(carrier_id=key, expected_version=2), by=OPERATOR)


class TestTrackingUrlTemplate:
    @pytest.mark.parametrize(
        "text", ["ftp://x.example/{tracking_number}", "javascript:{tracking_number}", "http://[{tracking_number}", "/"]
    )
    def test_is_a_web_address(self, text: str):
        assert not rules.is_tracking_url_template(text)


class TestCarrierVisibility:
    async def test_shows_every_carrier_to_everyone(self, session: AsyncSession):
        key = await parties.carrier(session)
        for by in (ANONYMOUS, carrier_caller(key + 1)):
            assert await seen(session, Carrier, measures.carrier_visibility, by) == {key}
