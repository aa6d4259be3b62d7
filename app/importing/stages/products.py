"""Products and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import Price, Product
from app.importing.copying import copy_rows, take_ids
from app.importing.records import Kind, ProductRecord
from app.importing.stages.books import Books, Written


async def write_products(session: AsyncSession, books: Books, records: Sequence[ProductRecord]) -> Written:
    """Add products, each with its price in the run's channel where that is known."""
    taken = zip(await take_ids(session, Product, len(records)), records, strict=True)
    ids = {record.key: key for key, record in taken}
    products = [_product(ids[record.key], record, books) for record in records]
    prices = [
        {
            "product_id": ids[record.key],
            "channel_id": books.channel_id,
            "currency": books.currency,
            "amount": record.price,
            "tax_included": record.tax_included,
        }
        for record in records
        if record.price is not None
    ]
    rows = Counter(products=await copy_rows(session, Product, products), prices=await copy_rows(session, Price, prices))
    return Written(ids, rows)


def _product(key: int, record: ProductRecord, books: Books) -> dict[str, Any]:
    """The row of one product."""
    return {
        "id": key,
        "sku": record.sku,
        "name": record.name,
        "status": record.status,
        "category": record.category,
        "weight_grams": record.weight_grams,
        "length_mm": record.length_mm,
        "width_mm": record.width_mm,
        "height_mm": record.height_mm,
        "supplier_id": books.id_of(Kind.SUPPLIER, record.supplier) if record.supplier else None,
        "external_references": books.references(record),
    }
