"""Search texts together: one look finds several words, wherever in a row they are.

Each index is made anew while writes to its table wait, about ten seconds for a million orders.
"""

from __future__ import annotations

from functools import reduce

import sqlalchemy as sa
from alembic import op

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


def drop() -> None:
    """Drop the indexes while trade goes on; what was dropped before a failure stays so when it is repeated."""
    with op.get_context().autocommit_block():
        for table in SEARCHED:
            name = f"ix_{table}_search"
            op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)


def upgrade() -> None:
    drop()
    for table, columns in SEARCHED.items():
        texts = [f"coalesce({column}, '')" for column in columns]
        joined = reduce(lambda before, each: f"(({before}) || ' ') || {each}", texts[1:], f"' ' || {texts[0]}")
        whole: sa.ColumnElement[str] = sa.literal_column(f"folded({joined})").label("searched")
        trigrams = {"searched": "gin_trgm_ops"}
        op.create_index(f"ix_{table}_search", table, [whole], postgresql_using="gin", postgresql_ops=trigrams)


def downgrade() -> None:
    drop()
    for table, columns in SEARCHED.items():
        folded: list[sa.ColumnElement[str]] = [
            sa.literal_column(f"folded({column})").label(column) for column in columns
        ]
        trigrams = dict.fromkeys(columns, "gin_trgm_ops")
        op.create_index(f"ix_{table}_search", table, folded, postgresql_using="gin", postgresql_ops=trigrams)
