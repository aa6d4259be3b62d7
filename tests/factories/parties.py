"""Customers, suppliers and carriers for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import SYSTEM
from app.parties import commands
from app.parties.tables import CarrierId, CustomerId, SupplierId

_numbers = count(1)


async def customer(session: AsyncSession, **details: Any) -> CustomerId:
    """A customer with a number of its own."""
    number = next(_numbers)
    given = {"number": f"C-{number}", "name": f"Customer {number}"}
    return await commands.create_customer(session, commands.CreateCustomer(**{**given, **details}), by=SYSTEM)


async def supplier(session: AsyncSession, **details: Any) -> SupplierId:
    """A supplier with a code of its own."""
    number = next(_numbers)
    given = {"code": f"SUPPLIER-{number}", "name": f"Supplier {number}"}
    return await commands.create_supplier(session, commands.CreateSupplier(**{**given, **details}), by=SYSTEM)


async def carrier(session: AsyncSession, **details: Any) -> CarrierId:
    """A carrier with a code of its own."""
    number = next(_numbers)
    given = {"code": f"CARRIER-{number}", "name": f"Carrier {number}"}
    return await commands.create_carrier(session, commands.CreateCarrier(**{**given, **details}), by=SYSTEM)
