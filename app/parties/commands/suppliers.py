"""Suppliers are added and corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.addressed import address_values
from app.kernel.changes import changed, expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, NAME, Between
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal
from app.kernel.refusal import Refusal, VersionConflict, allows, refuses
from app.parties import events
from app.parties.commands.spelling import EMAIL, PHONE, InvalidEmail, require_country, require_email
from app.parties.measures import supplier_visibility
from app.parties.tables import Supplier, SupplierId

LEAD_TIME_DAYS = Between(0, 3_650)


class UnknownSupplier(Refusal):
    """There is no such supplier, or you may not see it."""


class SupplierCodeTaken(Refusal):
    """Another supplier has this code; a code is never used twice."""


@dataclass(frozen=True, kw_only=True)
class CreateSupplier:
    """A new supplier."""

    code: Annotated[str, "Its short name, never reused.", CODE]
    name: Annotated[str, "What it is called.", NAME]
    email: Annotated[str | None, "Where orders to it go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about an order.", PHONE] = None
    address: Annotated[Address | None, "Where it has its seat."] = None
    lead_time_days: Annotated[int | None, "Days from our order until its goods are here.", LEAD_TIME_DAYS] = None


@dataclass(frozen=True, kw_only=True)
class UpdateSupplier:
    """What to correct about a supplier; what is absent or null stays as it is."""

    supplier_id: Annotated[SupplierId, "The supplier to correct."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None
    name: Annotated[str | None, "What it is called.", NAME] = None
    email: Annotated[str | None, "Where orders to it go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about an order.", PHONE] = None
    address: Annotated[Address | None, "Where it is: the whole address, instead of the one before."] = None
    lead_time_days: Annotated[int | None, "Days from our order until its goods are here.", LEAD_TIME_DAYS] = None


@allows(STAFF)
@refuses(SupplierCodeTaken, InvalidEmail)
async def create_supplier(session: AsyncSession, supplier: CreateSupplier, *, by: Principal) -> SupplierId:
    """Add a supplier."""
    row = Supplier(code=supplier.code, **_described(supplier), **address_values(supplier.address))
    session.add(row)
    await flush_or_refuse(session, {"uq_suppliers_code": SupplierCodeTaken(field="code")})
    record(session, events.SupplierCreated(supplier_id=row.id, code=row.code), by=by)
    return SupplierId(row.id)


@allows(STAFF)
@refuses(UnknownSupplier, InvalidEmail, VersionConflict)
async def update_supplier(session: AsyncSession, change: UpdateSupplier, *, by: Principal) -> SupplierId:
    """Correct what is said about a supplier."""
    row = await lock_one(session, Supplier, change.supplier_id, by=by, visibility=supplier_visibility)
    if row is None:
        raise UnknownSupplier(field="supplier_id")
    expect_version(row, change.expected_version)
    names = changed(row, _described(change), whole=address_values(change.address))
    if names:
        await session.flush()
        record(session, events.SupplierUpdated(supplier_id=row.id, changed=names), by=by)
    return SupplierId(row.id)


def _described(supplier: CreateSupplier | UpdateSupplier) -> dict[str, object]:
    """What is said about a supplier, by its columns; refuses what is not written as it should be."""
    require_email(supplier.email)
    require_country(supplier.address)
    return {
        "name": supplier.name,
        "email": supplier.email,
        "phone": supplier.phone,
        "lead_time_days": supplier.lead_time_days,
    }
