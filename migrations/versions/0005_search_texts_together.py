"""Search texts together: one look finds several words, wherever in a row they are."""

from __future__ import annotations

from functools import reduce
from typing import Any

import sqlalchemy as sa

from app.server.indexing import build_index, concurrently

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SEARCHED = {
    "carriers": ("code", "scac", "name"),
    "customers": ("number", "name", "email"),
    "fulfilments": ("number",),
    "locations": ("code", "name"),
    "orders": ("number", "customer_name", "customer_email"),
    "parcels": ("number",),
    "products": ("sku", "gtin", "name"),
    "returns": ("number",),
    "shipments": ("number", "tracking_number"),
    "suppliers": ("code", "name", "email"),
}


def upgrade() -> None:
    with concurrently():
        for table, columns in SEARCHED.items():
            texts = [f"coalesce({column}, '')" for column in columns]
            joined = reduce(lambda before, each: f"(({before}) || ' ') || {each}", texts[1:], f"' ' || {texts[0]}")
            whole: Any = sa.literal_column(f"folded({joined})").label("searched")
            trigrams = {"searched": "gin_trgm_ops"}
            build_index(f"ix_{table}_search", table, [whole], postgresql_using="gin", postgresql_ops=trigrams)


def downgrade() -> None:
    with concurrently():
        for table, columns in SEARCHED.items():
            folded: list[Any] = [sa.literal_column(f"folded({column})").label(column) for column in columns]
            trigrams = dict.fromkeys(columns, "gin_trgm_ops")
            build_index(f"ix_{table}_search", table, folded, postgresql_using="gin", postgresql_ops=trigrams)
