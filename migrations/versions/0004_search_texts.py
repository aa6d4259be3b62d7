"""Search texts: names and numbers are found by trigrams of their folded form."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.server.indexing import build_index, concurrently, drop_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TRIGRAMS = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'Text search needs the extension pg_trgm, and this role may not create it in this database.'
            USING HINT = 'Let its owner or a superuser run CREATE EXTENSION pg_trgm in it, then migrate again.';
    WHEN undefined_file OR feature_not_supported THEN
        RAISE EXCEPTION 'Text search needs the extension pg_trgm, and this PostgreSQL does not have it.'
            USING HINT = 'Install PostgreSQL''s contrib modules on its server, then migrate again.';
END $$"""
FOLDED = r"""
CREATE OR REPLACE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(
        pg_catalog.normalize(value, 'NFKD'), '[\u0300-\u036f]', '', 'g') COLLATE pg_catalog."default")
$$"""
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
    op.execute(TRIGRAMS)
    op.execute(FOLDED)
    with concurrently():
        for table, columns in SEARCHED.items():
            folded: list[Any] = [sa.literal_column(f"folded({column})").label(column) for column in columns]
            trigrams = dict.fromkeys(columns, "gin_trgm_ops")
            build_index(f"ix_{table}_search", table, folded, postgresql_using="gin", postgresql_ops=trigrams)


def downgrade() -> None:
    with concurrently():
        for table in SEARCHED:
            drop_index(f"ix_{table}_search", table)
    op.execute("DROP FUNCTION folded(text)")
