"""Customers are added and corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.address import Address
from app.kernel.addressed import address_values
from app.kernel.changes import changed, expect_version
from app.kernel.conflicts import flush_or_refuse
from app.kernel.limits import CODE, NAME
from app.kernel.locks import lock_one
from app.kernel.outbox import record
from app.kernel.principal import STAFF, Principal, Role
from app.kernel.refusal import Refusal, VersionConflict, allows, refuses
from app.parties import events
from app.parties.commands.spelling import EMAIL, PHONE, InvalidEmail, require_country, require_email
from app.parties.measures import customer_visibility
from app.parties.tables import Customer, CustomerId, CustomerKind


class UnknownCustomer(Refusal):
    """There is no such customer, or you may not see it."""


class CustomerNumberTaken(Refusal):
    """Another customer has this number; a number is never used twice."""


@dataclass(frozen=True, kw_only=True)
class CreateCustomer:
    """A new customer."""

    number: Annotated[str, "Our number for it, never reused.", CODE]
    name: Annotated[str, "What it is called.", NAME]
    kind: Annotated[CustomerKind, "Whether it is a person or a business."] = CustomerKind.PERSON
    email: Annotated[str | None, "Where messages about its orders go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about a delivery.", PHONE] = None
    address: Annotated[Address | None, "Where it lives or has its seat."] = None


@dataclass(frozen=True, kw_only=True)
class UpdateCustomer:
    """What to correct about a customer; what is absent or null stays as it is."""

    customer_id: Annotated[CustomerId, "The customer to correct."]
    expected_version: Annotated[int | None, "The version that you read; another one is refused."] = None
    name: Annotated[str | None, "What it is called.", NAME] = None
    kind: Annotated[CustomerKind | None, "Whether it is a person or a business."] = None
    email: Annotated[str | None, "Where messages about its orders go.", EMAIL] = None
    phone: Annotated[str | None, "The number to call about a delivery.", PHONE] = None
    address: Annotated[Address | None, "Where it is: the whole address, instead of the one before."] = None


@allows(STAFF)
@refuses(CustomerNumberTaken, InvalidEmail)
async def create_customer(session: AsyncSession, customer: CreateCustomer, *, by: Principal) -> CustomerId:
    """Add a customer."""
    row = Customer(number=customer.number, **_described(customer), **address_values(customer.address))
    session.add(row)
    await flush_or_refuse(session, {"uq_customers_number": CustomerNumberTaken(field="number")})
    record(session, events.CustomerCreated(customer_id=row.id, number=row.number), by=by)
    return CustomerId(row.id)


@allows(STAFF | {Role.CUSTOMER})
@refuses(UnknownCustomer, InvalidEmail, VersionConflict)
async def update_customer(session: AsyncSession, change: UpdateCustomer, *, by: Principal) -> CustomerId:
    """Correct what is said about a customer; orders placed before keep the address they were placed with."""
    row = await lock_one(session, Customer, change.customer_id, by=by, visibility=customer_visibility)
    if row is None:
        raise UnknownCustomer(field="customer_id")
    expect_version(row, change.expected_version)
    names = changed(row, _described(change), whole=address_values(change.address))
    if names:
        await session.flush()
        record(session, events.CustomerUpdated(customer_id=row.id, changed=names), by=by)
    return CustomerId(row.id)


def _described(customer: CreateCustomer | UpdateCustomer) -> dict[str, object]:
    """What is said about a customer, by its columns; refuses what is not written as it should be."""
    require_email(customer.email)
    require_country(customer.address)
    return {"name": customer.name, "kind": customer.kind, "email": customer.email, "phone": customer.phone}
