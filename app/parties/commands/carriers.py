"""Carriers are added and corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.changes import changed, expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, NAME, Length
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, VersionConflict, allows, refuses
from app.parties import events, rules
from app.parties.commands.spelling import EMAIL, PHONE, InvalidEmail, require_email
from app.parties.measures import carrier_visibility
from app.parties.tables import Carrier, CarrierId

SCAC = Length(2, 4)
URL = Length(10, 500)


class UnknownCarrier(Refusal):
    """There is no such carrier."""


class CarrierCodeTaken(Refusal):
    """Another carrier has this code; a code is never used twice."""


class ScacTaken(Refusal):
    """Another carrier has this Standard Carrier Alpha Code."""


class InvalidScac(Refusal):
    """A Standard Carrier Alpha Code is two to four capital letters."""


class InvalidTrackingUrl(Refusal):
    """A tracking page is a web address that says `{tracking_number}` where the number goes."""


@dataclass(frozen=True, kw_only=True)
class CreateCarrier:
    """A new carrier."""

    code: Annotated[str, "Its short name, never reused.", CODE]
    name: Annotated[str, "What it is called.", NAME]
    scac: Annotated[str | None, "Its Standard Carrier Alpha Code, where it has one.", SCAC] = None
    email: Annotated[str | None, "Where questions about a shipment go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about a shipment.", PHONE] = None
    tracking_url_template: Annotated[
        str | None, "The address of its tracking page, with `{tracking_number}` where the number goes.", URL
    ] = None


@dataclass(frozen=True, kw_only=True)
class UpdateCarrier:
    """What to correct about a carrier; what is absent or null stays as it is."""

    carrier_id: Annotated[CarrierId, "The carrier to correct."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None
    name: Annotated[str | None, "What it is called.", NAME] = None
    scac: Annotated[str | None, "Its Standard Carrier Alpha Code, where it has one.", SCAC] = None
    email: Annotated[str | None, "Where questions about a shipment go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about a shipment.", PHONE] = None
    tracking_url_template: Annotated[
        str | None, "The address of its tracking page, with `{tracking_number}` where the number goes.", URL
    ] = None


@allows(STAFF)
@refuses(CarrierCodeTaken, ScacTaken, InvalidEmail, InvalidScac, InvalidTrackingUrl)
async def create_carrier(session: AsyncSession, carrier: CreateCarrier, *, by: Principal) -> CarrierId:
    """Add a carrier."""
    row = Carrier(code=carrier.code, **_described(carrier))
    session.add(row)
    await flush_or_refuse(session, _conflicts())
    record(session, events.CarrierCreated(carrier_id=row.id, code=row.code), by=by)
    return CarrierId(row.id)


@allows(STAFF)
@refuses(UnknownCarrier, ScacTaken, InvalidEmail, InvalidScac, InvalidTrackingUrl, VersionConflict)
async def update_carrier(session: AsyncSession, change: UpdateCarrier, *, by: Principal) -> CarrierId:
    """Correct what is said about a carrier."""
    row = await lock_one(session, Carrier, change.carrier_id, by=by, visibility=carrier_visibility)
    if row is None:
        raise UnknownCarrier(field="carrier_id")
    expect_version(row, change.expected_version)
    names = changed(row, _described(change))
    if names:
        await flush_or_refuse(session, _conflicts())
        record(session, events.CarrierUpdated(carrier_id=row.id, changed=names), by=by)
    return CarrierId(row.id)


def _described(carrier: CreateCarrier | UpdateCarrier) -> dict[str, object]:
    """What is said about a carrier, by its columns; refuses what is not written as it should be."""
    require_email(carrier.email)
    if carrier.scac is not None and not rules.is_scac(carrier.scac):
        raise InvalidScac(field="scac")
    template = carrier.tracking_url_template
    if template is not None and not rules.is_tracking_url_template(template):
        raise InvalidTrackingUrl(field="tracking_url_template")
    return {
        "name": carrier.name,
        "scac": carrier.scac,
        "email": carrier.email,
        "phone": carrier.phone,
        "tracking_url_template": template,
    }


def _conflicts() -> dict[str, Refusal]:
    """What the table's own constraints mean."""
    return {"uq_carriers_code": CarrierCodeTaken(field="code"), "uq_carriers_scac": ScacTaken(field="scac")}
