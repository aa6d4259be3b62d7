"""Suppliers, the places they ship from, and customers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.importing.copying import copy_rows, take_ids
from app.importing.records import CustomerRecord, Kind, LocationRecord, SupplierRecord
from app.importing.stages.books import Books, Written, address_columns
from app.locations.rules import path_of
from app.locations.tables import Location
from app.parties.tables import Customer, Supplier


async def write_suppliers(session: AsyncSession, books: Books, records: Sequence[SupplierRecord]) -> Written:
    """Add suppliers."""
    ids = await take_ids(session, Supplier, len(records))
    rows = [
        {
            "id": key,
            "code": record.code,
            "name": record.name,
            "external_references": books.references(record),
            **address_columns(record.address),
        }
        for key, record in zip(ids, records, strict=True)
    ]
    written = Counter(suppliers=await copy_rows(session, Supplier, rows))
    return Written({record.key: key for key, record in zip(ids, records, strict=True)}, written)


async def write_locations(session: AsyncSession, books: Books, records: Sequence[LocationRecord]) -> Written:
    """Add sites that sell and fulfil."""
    ids = await take_ids(session, Location, len(records))
    rows = [
        {
            "id": key,
            "code": record.code,
            "name": record.name,
            "kind": record.kind,
            "path": path_of(record.code),
            "time_zone": record.time_zone,
            "supplier_id": books.id_of(Kind.SUPPLIER, record.supplier) if record.supplier else None,
            "sells": True,
            "fulfils": True,
            "external_references": books.references(record),
            **address_columns(record.address),
        }
        for key, record in zip(ids, records, strict=True)
    ]
    written = Counter(locations=await copy_rows(session, Location, rows))
    return Written({record.key: key for key, record in zip(ids, records, strict=True)}, written)


async def write_customers(session: AsyncSession, books: Books, records: Sequence[CustomerRecord]) -> Written:
    """Add customers."""
    ids = await take_ids(session, Customer, len(records))
    rows = [
        {
            "id": key,
            "number": record.number,
            "name": record.name,
            "kind": record.kind,
            "external_references": books.references(record),
            **address_columns(record.address),
        }
        for key, record in zip(ids, records, strict=True)
    ]
    written = Counter(customers=await copy_rows(session, Customer, rows))
    return Written({record.key: key for key, record in zip(ids, records, strict=True)}, written)
