"""Everything from order to door: the tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.outbox import TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carriers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("scac", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("tracking_url_template", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("scac ~ '^[A-Z]{2,4}$'", name=op.f("ck_carriers_scac_is_a_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carriers")),
        sa.UniqueConstraint("code", name=op.f("uq_carriers_code")),
        sa.UniqueConstraint("scac", name=op.f("uq_carriers_scac")),
    )
    op.create_index(op.f("ix_carriers_created_at_id"), "carriers", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_carriers_name_id"), "carriers", ["name", "id"], unique=False)
    op.create_table(
        "channels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sells", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_channels_currency_is_a_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("code", name=op.f("uq_channels_code")),
    )
    op.create_index(op.f("ix_channels_created_at_id"), "channels", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_channels_name_id"), "channels", ["name", "id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("PERSON", "BUSINESS", name="customerkind", native_enum=False, create_constraint=True, length=40),
            server_default="PERSON",
            nullable=False,
        ),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("line1", sa.Text(), nullable=True),
        sa.Column("line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("number", name=op.f("uq_customers_number")),
    )
    op.create_index(op.f("ix_customers_created_at_id"), "customers", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_customers_email_id"), "customers", ["email", "id"], unique=False)
    op.create_index(op.f("ix_customers_name_id"), "customers", ["name", "id"], unique=False)
    op.create_table(
        "failed_reactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_reactions")),
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("mutation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_requests")),
        sa.UniqueConstraint("caller", "mutation", "key", name=op.f("uq_idempotent_requests_caller_mutation_key")),
    )
    op.create_index(op.f("ix_idempotent_requests_recorded_at"), "idempotent_requests", ["recorded_at"], unique=False)
    op.create_table(
        "log_readers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_log_readers")),
    )
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("keys", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
    )
    op.create_index(op.f("ix_outbox_events_transaction_id_id"), "outbox_events", ["transaction_id", "id"], unique=False)
    op.create_table(
        "outbox_log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned_position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled_event_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("covered", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_outbox_log_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_log")),
    )
    op.create_table(
        "outbox_positions",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("positioned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox_positions")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_positions_event_id")),
    )
    op.create_table(
        "suppliers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("lead_time_days", sa.Integer(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("line1", sa.Text(), nullable=True),
        sa.Column("line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("lead_time_days >= 0", name=op.f("ck_suppliers_lead_time_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("code", name=op.f("uq_suppliers_code")),
    )
    op.create_index(op.f("ix_suppliers_created_at_id"), "suppliers", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_suppliers_name_id"), "suppliers", ["name", "id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint(
            "cardinality(roles) > 0 AND roles <@ ARRAY['ADMIN', 'OPERATOR', 'CUSTOMER', 'SUPPLIER', 'CARRIER']",
            name=op.f("ck_api_keys_roles_exist"),
        ),
        sa.CheckConstraint(
            "carrier_id IS NOT NULL OR NOT (roles @> ARRAY['CARRIER'])", name=op.f("ck_api_keys_carrier_named")
        ),
        sa.CheckConstraint(
            "customer_id IS NOT NULL OR NOT (roles @> ARRAY['CUSTOMER'])", name=op.f("ck_api_keys_customer_named")
        ),
        sa.CheckConstraint(
            "supplier_id IS NOT NULL OR NOT (roles @> ARRAY['SUPPLIER'])", name=op.f("ck_api_keys_supplier_named")
        ),
        sa.ForeignKeyConstraint(["carrier_id"], ["carriers.id"], name=op.f("fk_api_keys_carrier_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_api_keys_customer_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_api_keys_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_index(op.f("ix_api_keys_carrier_id"), "api_keys", ["carrier_id"], unique=False)
    op.create_index(op.f("ix_api_keys_created_at_id"), "api_keys", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_api_keys_customer_id"), "api_keys", ["customer_id"], unique=False)
    op.create_index(op.f("ix_api_keys_name_id"), "api_keys", ["name", "id"], unique=False)
    op.create_index(op.f("ix_api_keys_supplier_id"), "api_keys", ["supplier_id"], unique=False)
    op.create_table(
        "locations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "WAREHOUSE",
                "DISTRIBUTION_CENTRE",
                "STORE",
                "PLANT",
                "SUPPLIER",
                "THIRD_PARTY",
                "IN_TRANSIT",
                "VIRTUAL",
                "ZONE",
                "AISLE",
                "BIN",
                name="locationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("sells", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("fulfils", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="100", nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("line1", sa.Text(), nullable=True),
        sa.Column("line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("code ~ '^[^/[:space:]]+$'", name=op.f("ck_locations_code_fits_a_path")),
        sa.CheckConstraint(
            "right(path, char_length(code) + 2) = '/' || code || '/'", name=op.f("ck_locations_path_ends_with_code")
        ),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name=op.f("ck_locations_on_earth")
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_locations_not_inside_itself")),
        sa.ForeignKeyConstraint(["parent_id"], ["locations.id"], name=op.f("fk_locations_parent_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_locations_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
        sa.UniqueConstraint("code", name=op.f("uq_locations_code")),
        sa.UniqueConstraint("path", name=op.f("uq_locations_path")),
    )
    op.create_index(op.f("ix_locations_created_at_id"), "locations", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_locations_name_id"), "locations", ["name", "id"], unique=False)
    op.create_index(op.f("ix_locations_parent_id"), "locations", ["parent_id"], unique=False)
    op.create_index(op.f("ix_locations_priority_id"), "locations", ["priority", "id"], unique=False)
    op.create_index(op.f("ix_locations_supplier_id"), "locations", ["supplier_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(collation="C"),
            sa.Computed("'O-'::text || (id + 10000000)::text", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "CART",
                "PLACED",
                "PARTIALLY_ALLOCATED",
                "ALLOCATED",
                "PARTIALLY_SHIPPED",
                "SHIPPED",
                "DELIVERED",
                "CANCELLED",
                "ABANDONED",
                name="orderstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "payment_status",
            sa.Enum(
                "PENDING",
                "AUTHORISED",
                "PAID",
                "REFUNDED",
                name="paymentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="PENDING",
            nullable=False,
        ),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("cart_token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("subtotal_amount", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column("shipping_amount", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column("total_amount", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("estimated_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipping_recipient", sa.Text(), nullable=True),
        sa.Column("shipping_line1", sa.Text(), nullable=True),
        sa.Column("shipping_line2", sa.Text(), nullable=True),
        sa.Column("shipping_city", sa.Text(), nullable=True),
        sa.Column("shipping_region", sa.Text(), nullable=True),
        sa.Column("shipping_postal_code", sa.Text(), nullable=True),
        sa.Column("shipping_country_code", sa.Text(), nullable=True),
        sa.Column("shipping_latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("shipping_longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_orders_currency_code")),
        sa.CheckConstraint(
            "status IN ('CART', 'ABANDONED') OR placed_at IS NOT NULL", name=op.f("ck_orders_placed_at_known")
        ),
        sa.CheckConstraint("shipping_amount >= 0", name=op.f("ck_orders_shipping_not_negative")),
        sa.CheckConstraint("subtotal_amount >= 0", name=op.f("ck_orders_subtotal_not_negative")),
        sa.CheckConstraint("tax_amount >= 0", name=op.f("ck_orders_tax_not_negative")),
        sa.CheckConstraint(
            "total_amount = subtotal_amount + shipping_amount + tax_amount", name=op.f("ck_orders_total_adds_up")
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_orders_channel_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("cart_token_hash", name=op.f("uq_orders_cart_token_hash")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index(op.f("ix_orders_channel_id"), "orders", ["channel_id"], unique=False)
    op.create_index(op.f("ix_orders_created_at_id"), "orders", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_orders_customer_id_id"), "orders", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_orders_estimated_delivery_at_id"), "orders", ["estimated_delivery_at", "id"], unique=False)
    op.create_index(
        "ix_orders_expires_at_cart",
        "orders",
        ["expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'CART'"),
    )
    op.create_index(op.f("ix_orders_placed_at_id"), "orders", ["placed_at", "id"], unique=False)
    op.create_index(op.f("ix_orders_status_id"), "orders", ["status", "id"], unique=False)
    op.create_index(op.f("ix_orders_total_amount_id"), "orders", ["total_amount", "id"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(collation="C"), nullable=True),
        sa.Column("category", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "DRAFT",
                "PUBLISHED",
                "ARCHIVED",
                name="productstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="DRAFT",
            nullable=False,
        ),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("gtin ~ '^([0-9]{8}|[0-9]{12,14})$'", name=op.f("ck_products_gtin_is_digits")),
        sa.CheckConstraint("length_mm > 0 AND width_mm > 0 AND height_mm > 0", name=op.f("ck_products_size_positive")),
        sa.CheckConstraint("weight_grams > 0", name=op.f("ck_products_weight_positive")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_products_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("gtin", name=op.f("uq_products_gtin")),
        sa.UniqueConstraint("sku", name=op.f("uq_products_sku")),
    )
    op.create_index(op.f("ix_products_category_id"), "products", ["category", "id"], unique=False)
    op.create_index(op.f("ix_products_created_at_id"), "products", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_products_name_id"), "products", ["name", "id"], unique=False)
    op.create_index(op.f("ix_products_supplier_id"), "products", ["supplier_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint(
            "cardinality(roles) > 0 AND roles <@ ARRAY['ADMIN', 'OPERATOR', 'CUSTOMER', 'SUPPLIER', 'CARRIER']",
            name=op.f("ck_users_roles_exist"),
        ),
        sa.CheckConstraint(
            "carrier_id IS NOT NULL OR NOT (roles @> ARRAY['CARRIER'])", name=op.f("ck_users_carrier_named")
        ),
        sa.CheckConstraint(
            "customer_id IS NOT NULL OR NOT (roles @> ARRAY['CUSTOMER'])", name=op.f("ck_users_customer_named")
        ),
        sa.CheckConstraint(
            "supplier_id IS NOT NULL OR NOT (roles @> ARRAY['SUPPLIER'])", name=op.f("ck_users_supplier_named")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_in_small_letters")),
        sa.ForeignKeyConstraint(["carrier_id"], ["carriers.id"], name=op.f("fk_users_carrier_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_users_customer_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_users_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_index(op.f("ix_users_carrier_id"), "users", ["carrier_id"], unique=False)
    op.create_index(op.f("ix_users_created_at_id"), "users", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_users_customer_id"), "users", ["customer_id"], unique=False)
    op.create_index(op.f("ix_users_name_id"), "users", ["name", "id"], unique=False)
    op.create_index(op.f("ix_users_supplier_id"), "users", ["supplier_id"], unique=False)
    op.create_table(
        "fulfilments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(collation="C"),
            sa.Computed("'F-'::text || (id + 10000000)::text", persisted=True),
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ALLOCATED",
                "PICKING",
                "PICKED",
                "PACKED",
                "SHIPPED",
                "CANCELLED",
                name="fulfilmentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_fulfilments_customer_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_fulfilments_location_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fulfilments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfilments")),
        sa.UniqueConstraint("number", name=op.f("uq_fulfilments_number")),
    )
    op.create_index("ix_fulfilments_created_at_id", "fulfilments", ["created_at", "id"], unique=False)
    op.create_index("ix_fulfilments_customer_id_id", "fulfilments", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_fulfilments_location_id_status_id", "fulfilments", ["location_id", "status", "id"], unique=False
    )
    op.create_index(op.f("ix_fulfilments_order_id"), "fulfilments", ["order_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("quantity_allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity_shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity_returned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity_cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unit_price_amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column(
            "total_amount",
            sa.Numeric(precision=18, scale=4),
            sa.Computed("unit_price_amount * quantity::numeric", persisted=True),
            nullable=False,
        ),
        sa.Column("freight_amount", sa.Numeric(precision=18, scale=4), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_order_lines_currency_code")),
        sa.CheckConstraint("freight_amount >= 0", name=op.f("ck_order_lines_freight_not_negative")),
        sa.CheckConstraint("position > 0", name=op.f("ck_order_lines_position_positive")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.CheckConstraint(
            "quantity_allocated + quantity_cancelled <= quantity", name=op.f("ck_order_lines_allocated_within_ordered")
        ),
        sa.CheckConstraint("quantity_cancelled >= 0", name=op.f("ck_order_lines_cancelled_not_negative")),
        sa.CheckConstraint(
            "quantity_returned <= quantity_shipped", name=op.f("ck_order_lines_returned_within_shipped")
        ),
        sa.CheckConstraint("quantity_returned >= 0", name=op.f("ck_order_lines_returned_not_negative")),
        sa.CheckConstraint(
            "quantity_shipped <= quantity_allocated", name=op.f("ck_order_lines_shipped_within_allocated")
        ),
        sa.CheckConstraint("unit_price_amount >= 0", name=op.f("ck_order_lines_unit_price_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_lines_order_id_position")),
    )
    op.create_index(op.f("ix_order_lines_product_id_id"), "order_lines", ["product_id", "id"], unique=False)
    op.create_table(
        "prices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("tax_included", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_prices_currency_is_a_code")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_prices_amount_not_negative")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_prices_channel_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_prices_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint(
            "product_id", "channel_id", "currency", name=op.f("uq_prices_product_id_channel_id_currency")
        ),
    )
    op.create_index(op.f("ix_prices_channel_id"), "prices", ["channel_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    op.create_index(op.f("ix_refresh_tokens_expires_at"), "refresh_tokens", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"], unique=False)
    op.create_table(
        "returns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(collation="C"),
            sa.Computed("'RMA-'::text || (id + 10000000)::text", persisted=True),
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "REQUESTED",
                "APPROVED",
                "REJECTED",
                "RECEIVED",
                "DISPOSED",
                "REFUNDED",
                "CLOSED",
                name="returnstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "CHANGED_MIND",
                "WRONG_SIZE",
                "NOT_AS_DESCRIBED",
                "WRONG_ITEM",
                "DAMAGED",
                "DEFECTIVE",
                "ARRIVED_LATE",
                "OTHER",
                name="returnreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_returns_customer_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_returns_location_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_returns_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint("number", name=op.f("uq_returns_number")),
    )
    op.create_index("ix_returns_created_at_id", "returns", ["created_at", "id"], unique=False)
    op.create_index("ix_returns_customer_id_id", "returns", ["customer_id", "id"], unique=False)
    op.create_index(op.f("ix_returns_location_id"), "returns", ["location_id"], unique=False)
    op.create_index(op.f("ix_returns_order_id"), "returns", ["order_id"], unique=False)
    op.create_index("ix_returns_status_id", "returns", ["status", "id"], unique=False)
    op.create_table(
        "stock_levels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("incoming", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reorder_point", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("held <= on_hand", name=op.f("ck_stock_levels_held_within_on_hand")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_stock_levels_held_not_negative")),
        sa.CheckConstraint("incoming >= 0", name=op.f("ck_stock_levels_incoming_not_negative")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_levels_on_hand_not_negative")),
        sa.CheckConstraint("reorder_point >= 0", name=op.f("ck_stock_levels_reorder_point_not_negative")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_levels_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_levels_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_levels")),
        sa.UniqueConstraint("product_id", "location_id", name=op.f("uq_stock_levels_product_id_location_id")),
    )
    op.create_index(op.f("ix_stock_levels_location_id_id"), "stock_levels", ["location_id", "id"], unique=False)
    op.create_index(op.f("ix_stock_levels_updated_at_id"), "stock_levels", ["updated_at", "id"], unique=False)
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("from_location_id", sa.BigInteger(), nullable=True),
        sa.Column("to_location_id", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "OPENING",
                "RECEIVED",
                "ADJUSTED",
                "TRANSFERRED",
                "SHIPPED",
                "RETURNED",
                "SCRAPPED",
                name="movementreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("from_location_id <> to_location_id", name=op.f("ck_stock_movements_elsewhere")),
        sa.CheckConstraint(
            "from_location_id IS NOT NULL OR to_location_id IS NOT NULL", name=op.f("ck_stock_movements_somewhere")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_movements_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["from_location_id"], ["locations.id"], name=op.f("fk_stock_movements_from_location_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_movements_product_id")),
        sa.ForeignKeyConstraint(["to_location_id"], ["locations.id"], name=op.f("fk_stock_movements_to_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index(op.f("ix_stock_movements_from_location_id"), "stock_movements", ["from_location_id"], unique=False)
    op.create_index(op.f("ix_stock_movements_occurred_at_id"), "stock_movements", ["occurred_at", "id"], unique=False)
    op.create_index(
        op.f("ix_stock_movements_product_id_occurred_at_id"),
        "stock_movements",
        ["product_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_stock_movements_reference"), "stock_movements", ["reference"], unique=False)
    op.create_index(op.f("ix_stock_movements_to_location_id"), "stock_movements", ["to_location_id"], unique=False)
    op.create_table(
        "fulfilment_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("fulfilment_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("quantity_picked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity_short", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quantity_packed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_fulfilment_lines_quantity_positive")),
        sa.CheckConstraint(
            "quantity_packed between 0 and quantity_picked", name=op.f("ck_fulfilment_lines_packed_within_picked")
        ),
        sa.CheckConstraint(
            "quantity_picked + quantity_short <= quantity",
            name=op.f("ck_fulfilment_lines_picked_and_short_within_quantity"),
        ),
        sa.CheckConstraint("quantity_picked >= 0", name=op.f("ck_fulfilment_lines_picked_not_negative")),
        sa.CheckConstraint("quantity_short >= 0", name=op.f("ck_fulfilment_lines_short_not_negative")),
        sa.ForeignKeyConstraint(["fulfilment_id"], ["fulfilments.id"], name=op.f("fk_fulfilment_lines_fulfilment_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_fulfilment_lines_order_line_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_fulfilment_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfilment_lines")),
        sa.UniqueConstraint(
            "fulfilment_id", "order_line_id", name=op.f("uq_fulfilment_lines_fulfilment_id_order_line_id")
        ),
    )
    op.create_index(op.f("ix_fulfilment_lines_order_line_id"), "fulfilment_lines", ["order_line_id"], unique=False)
    op.create_index(op.f("ix_fulfilment_lines_product_id"), "fulfilment_lines", ["product_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("return_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "ORIGINAL_PAYMENT",
                "BANK_TRANSFER",
                "STORE_CREDIT",
                "CASH",
                name="refundmethod",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_refunds_currency_code")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.ForeignKeyConstraint(["return_id"], ["returns.id"], name=op.f("fk_refunds_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False)
    op.create_index("ix_refunds_recorded_at_id", "refunds", ["recorded_at", "id"], unique=False)
    op.create_index(op.f("ix_refunds_return_id"), "refunds", ["return_id"], unique=False)
    op.create_table(
        "return_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("return_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("quantity_received", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "condition",
            sa.Enum(
                "NEW",
                "OPENED",
                "USED",
                "DAMAGED",
                "DEFECTIVE",
                name="returncondition",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "disposition",
            sa.Enum(
                "RESTOCK",
                "QUARANTINE",
                "REPAIR",
                "RETURN_TO_SUPPLIER",
                "SCRAP",
                name="disposition",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_lines_quantity_positive")),
        sa.CheckConstraint(
            "quantity_received between 0 and quantity", name=op.f("ck_return_lines_received_within_quantity")
        ),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_lines.id"], name=op.f("fk_return_lines_order_line_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_return_lines_product_id")),
        sa.ForeignKeyConstraint(["return_id"], ["returns.id"], name=op.f("fk_return_lines_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_lines")),
        sa.UniqueConstraint("return_id", "order_line_id", name=op.f("uq_return_lines_return_id_order_line_id")),
    )
    op.create_index(op.f("ix_return_lines_order_line_id"), "return_lines", ["order_line_id"], unique=False)
    op.create_index(op.f("ix_return_lines_product_id"), "return_lines", ["product_id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(collation="C"),
            sa.Computed("'S-'::text || (id + 10000000)::text", persisted=True),
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("fulfilment_id", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("tracking_number", sa.Text(collation="C"), nullable=True),
        sa.Column("tracking_token", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "CREATED",
                "DISPATCHED",
                "IN_TRANSIT",
                "OUT_FOR_DELIVERY",
                "READY_FOR_PICKUP",
                "EXCEPTION",
                "DELIVERED",
                "RETURNED",
                "CANCELLED",
                name="shipmentstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("origin_location_id", sa.BigInteger(), nullable=True),
        sa.Column("destination_recipient", sa.Text(), nullable=True),
        sa.Column("destination_line1", sa.Text(), nullable=True),
        sa.Column("destination_line2", sa.Text(), nullable=True),
        sa.Column("destination_city", sa.Text(), nullable=True),
        sa.Column("destination_region", sa.Text(), nullable=True),
        sa.Column("destination_postal_code", sa.Text(), nullable=True),
        sa.Column("destination_country_code", sa.Text(), nullable=True),
        sa.Column("destination_latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("destination_longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("estimated_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint(
            "delivered_at is not null or status <> 'DELIVERED'", name=op.f("ck_shipments_delivered_at_when_delivered")
        ),
        sa.ForeignKeyConstraint(["carrier_id"], ["carriers.id"], name=op.f("fk_shipments_carrier_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_shipments_customer_id")),
        sa.ForeignKeyConstraint(["fulfilment_id"], ["fulfilments.id"], name=op.f("fk_shipments_fulfilment_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id")),
        sa.ForeignKeyConstraint(["origin_location_id"], ["locations.id"], name=op.f("fk_shipments_origin_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("carrier_id", "tracking_number", name=op.f("uq_shipments_carrier_id_tracking_number")),
        sa.UniqueConstraint("number", name=op.f("uq_shipments_number")),
        sa.UniqueConstraint("tracking_token", name=op.f("uq_shipments_tracking_token")),
    )
    op.create_index("ix_shipments_carrier_id_id", "shipments", ["carrier_id", "id"], unique=False)
    op.create_index("ix_shipments_created_at_id", "shipments", ["created_at", "id"], unique=False)
    op.create_index("ix_shipments_customer_id_id", "shipments", ["customer_id", "id"], unique=False)
    op.create_index("ix_shipments_delivered_at_id", "shipments", ["delivered_at", "id"], unique=False)
    op.create_index("ix_shipments_dispatched_at_id", "shipments", ["dispatched_at", "id"], unique=False)
    op.create_index("ix_shipments_estimated_delivery_at_id", "shipments", ["estimated_delivery_at", "id"], unique=False)
    op.create_index(op.f("ix_shipments_fulfilment_id"), "shipments", ["fulfilment_id"], unique=False)
    op.create_index(op.f("ix_shipments_order_id"), "shipments", ["order_id"], unique=False)
    op.create_index(op.f("ix_shipments_origin_location_id"), "shipments", ["origin_location_id"], unique=False)
    op.create_index("ix_shipments_status_id", "shipments", ["status", "id"], unique=False)
    op.create_index("ix_shipments_tracking_number", "shipments", ["tracking_number"], unique=False)
    op.create_table(
        "stock_holds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stock_level_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("order_line_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("CART", "ORDER", name="holdkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "ACTIVE",
                "CONSUMED",
                "RELEASED",
                "EXPIRED",
                name="holdstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("kind <> 'CART' OR expires_at IS NOT NULL", name=op.f("ck_stock_holds_cart_expires")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_holds_quantity_positive")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_stock_holds_location_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_stock_holds_order_id")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_lines.id"], name=op.f("fk_stock_holds_order_line_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_holds_product_id")),
        sa.ForeignKeyConstraint(["stock_level_id"], ["stock_levels.id"], name=op.f("fk_stock_holds_stock_level_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_holds")),
    )
    op.create_index(
        "ix_stock_holds_expires_at_active",
        "stock_holds",
        ["expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index(op.f("ix_stock_holds_location_id"), "stock_holds", ["location_id"], unique=False)
    op.create_index(op.f("ix_stock_holds_order_id"), "stock_holds", ["order_id"], unique=False)
    op.create_index(op.f("ix_stock_holds_order_line_id"), "stock_holds", ["order_line_id"], unique=False)
    op.create_index(op.f("ix_stock_holds_product_id"), "stock_holds", ["product_id"], unique=False)
    op.create_index(op.f("ix_stock_holds_stock_level_id"), "stock_holds", ["stock_level_id"], unique=False)
    op.create_index(
        "uq_stock_holds_order_line_id_stock_level_id_active",
        "stock_holds",
        ["order_line_id", "stock_level_id"],
        unique=True,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_table(
        "parcels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(collation="C"),
            sa.Computed(
                "'00400000' || lpad(id::text, 9, '0') || ((10 - (12 + 3 * (id / 1 % 10) + 1 * (id / 10 % 10) + 3 * (id / 100 % 10) + 1 * (id / 1000 % 10) + 3 * (id / 10000 % 10) + 1 * (id / 100000 % 10) + 3 * (id / 1000000 % 10) + 1 * (id / 10000000 % 10) + 3 * (id / 100000000 % 10)) % 10) % 10)::text",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("fulfilment_id", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.BigInteger(), nullable=True),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("length_mm > 0 and width_mm > 0 and height_mm > 0", name=op.f("ck_parcels_size_positive")),
        sa.CheckConstraint("weight_grams > 0", name=op.f("ck_parcels_weight_positive")),
        sa.ForeignKeyConstraint(["fulfilment_id"], ["fulfilments.id"], name=op.f("fk_parcels_fulfilment_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_parcels_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.UniqueConstraint("number", name=op.f("uq_parcels_number")),
    )
    op.create_index(op.f("ix_parcels_fulfilment_id"), "parcels", ["fulfilment_id"], unique=False)
    op.create_index(op.f("ix_parcels_shipment_id"), "parcels", ["shipment_id"], unique=False)
    op.create_table(
        "parcel_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("fulfilment_line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_parcel_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["fulfilment_line_id"], ["fulfilment_lines.id"], name=op.f("fk_parcel_lines_fulfilment_line_id")
        ),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcels.id"], name=op.f("fk_parcel_lines_parcel_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_parcel_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_lines")),
        sa.UniqueConstraint(
            "parcel_id", "fulfilment_line_id", name=op.f("uq_parcel_lines_parcel_id_fulfilment_line_id")
        ),
    )
    op.create_index(op.f("ix_parcel_lines_fulfilment_line_id"), "parcel_lines", ["fulfilment_line_id"], unique=False)
    op.create_index(op.f("ix_parcel_lines_product_id"), "parcel_lines", ["product_id"], unique=False)
    op.create_table(
        "tracking_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shipment_id", sa.BigInteger(), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "INFO_RECEIVED",
                "PICKED_UP",
                "IN_TRANSIT",
                "OUT_FOR_DELIVERY",
                "READY_FOR_PICKUP",
                "DELIVERY_FAILED",
                "ON_HOLD",
                "DELIVERED",
                "RETURNED",
                "UNKNOWN",
                name="trackingstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("carrier_status", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("longitude", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("source_reference", sa.Text(collation="C"), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("external_references", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcels.id"], name=op.f("fk_tracking_events_parcel_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_tracking_events_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_events")),
        sa.UniqueConstraint(
            "shipment_id", "source_reference", name=op.f("uq_tracking_events_shipment_id_source_reference")
        ),
    )
    op.create_index("ix_tracking_events_occurred_at_id", "tracking_events", ["occurred_at", "id"], unique=False)
    op.create_index(op.f("ix_tracking_events_parcel_id"), "tracking_events", ["parcel_id"], unique=False)
    op.create_index(
        "ix_tracking_events_shipment_id_occurred_at_id",
        "tracking_events",
        ["shipment_id", "occurred_at", "id"],
        unique=False,
    )
    op.execute(
        "INSERT INTO outbox_log (id, epoch, cluster) VALUES (1, replace(gen_random_uuid()::text, '-', ''), 'new')"
    )


def downgrade() -> None:
    op.drop_index("ix_tracking_events_shipment_id_occurred_at_id", table_name="tracking_events")
    op.drop_index(op.f("ix_tracking_events_parcel_id"), table_name="tracking_events")
    op.drop_index("ix_tracking_events_occurred_at_id", table_name="tracking_events")
    op.drop_table("tracking_events")
    op.drop_index(op.f("ix_parcel_lines_product_id"), table_name="parcel_lines")
    op.drop_index(op.f("ix_parcel_lines_fulfilment_line_id"), table_name="parcel_lines")
    op.drop_table("parcel_lines")
    op.drop_index(op.f("ix_parcels_shipment_id"), table_name="parcels")
    op.drop_index(op.f("ix_parcels_fulfilment_id"), table_name="parcels")
    op.drop_table("parcels")
    op.drop_index(
        "uq_stock_holds_order_line_id_stock_level_id_active",
        table_name="stock_holds",
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.drop_index(op.f("ix_stock_holds_stock_level_id"), table_name="stock_holds")
    op.drop_index(op.f("ix_stock_holds_product_id"), table_name="stock_holds")
    op.drop_index(op.f("ix_stock_holds_order_line_id"), table_name="stock_holds")
    op.drop_index(op.f("ix_stock_holds_order_id"), table_name="stock_holds")
    op.drop_index(op.f("ix_stock_holds_location_id"), table_name="stock_holds")
    op.drop_index(
        "ix_stock_holds_expires_at_active", table_name="stock_holds", postgresql_where=sa.text("status = 'ACTIVE'")
    )
    op.drop_table("stock_holds")
    op.drop_index("ix_shipments_tracking_number", table_name="shipments")
    op.drop_index("ix_shipments_status_id", table_name="shipments")
    op.drop_index(op.f("ix_shipments_origin_location_id"), table_name="shipments")
    op.drop_index(op.f("ix_shipments_order_id"), table_name="shipments")
    op.drop_index(op.f("ix_shipments_fulfilment_id"), table_name="shipments")
    op.drop_index("ix_shipments_estimated_delivery_at_id", table_name="shipments")
    op.drop_index("ix_shipments_dispatched_at_id", table_name="shipments")
    op.drop_index("ix_shipments_delivered_at_id", table_name="shipments")
    op.drop_index("ix_shipments_customer_id_id", table_name="shipments")
    op.drop_index("ix_shipments_created_at_id", table_name="shipments")
    op.drop_index("ix_shipments_carrier_id_id", table_name="shipments")
    op.drop_table("shipments")
    op.drop_index(op.f("ix_return_lines_product_id"), table_name="return_lines")
    op.drop_index(op.f("ix_return_lines_order_line_id"), table_name="return_lines")
    op.drop_table("return_lines")
    op.drop_index(op.f("ix_refunds_return_id"), table_name="refunds")
    op.drop_index("ix_refunds_recorded_at_id", table_name="refunds")
    op.drop_index(op.f("ix_refunds_order_id"), table_name="refunds")
    op.drop_table("refunds")
    op.drop_index(op.f("ix_fulfilment_lines_product_id"), table_name="fulfilment_lines")
    op.drop_index(op.f("ix_fulfilment_lines_order_line_id"), table_name="fulfilment_lines")
    op.drop_table("fulfilment_lines")
    op.drop_index(op.f("ix_stock_movements_to_location_id"), table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_reference"), table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_product_id_occurred_at_id"), table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_occurred_at_id"), table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_from_location_id"), table_name="stock_movements")
    op.drop_table("stock_movements")
    op.drop_index(op.f("ix_stock_levels_updated_at_id"), table_name="stock_levels")
    op.drop_index(op.f("ix_stock_levels_location_id_id"), table_name="stock_levels")
    op.drop_table("stock_levels")
    op.drop_index("ix_returns_status_id", table_name="returns")
    op.drop_index(op.f("ix_returns_order_id"), table_name="returns")
    op.drop_index(op.f("ix_returns_location_id"), table_name="returns")
    op.drop_index("ix_returns_customer_id_id", table_name="returns")
    op.drop_index("ix_returns_created_at_id", table_name="returns")
    op.drop_table("returns")
    op.drop_index(op.f("ix_refresh_tokens_user_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_family"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_expires_at"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(op.f("ix_prices_channel_id"), table_name="prices")
    op.drop_table("prices")
    op.drop_index(op.f("ix_order_lines_product_id_id"), table_name="order_lines")
    op.drop_table("order_lines")
    op.drop_index(op.f("ix_fulfilments_order_id"), table_name="fulfilments")
    op.drop_index("ix_fulfilments_location_id_status_id", table_name="fulfilments")
    op.drop_index("ix_fulfilments_customer_id_id", table_name="fulfilments")
    op.drop_index("ix_fulfilments_created_at_id", table_name="fulfilments")
    op.drop_table("fulfilments")
    op.drop_index(op.f("ix_users_supplier_id"), table_name="users")
    op.drop_index(op.f("ix_users_name_id"), table_name="users")
    op.drop_index(op.f("ix_users_customer_id"), table_name="users")
    op.drop_index(op.f("ix_users_created_at_id"), table_name="users")
    op.drop_index(op.f("ix_users_carrier_id"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_products_supplier_id"), table_name="products")
    op.drop_index(op.f("ix_products_name_id"), table_name="products")
    op.drop_index(op.f("ix_products_created_at_id"), table_name="products")
    op.drop_index(op.f("ix_products_category_id"), table_name="products")
    op.drop_table("products")
    op.drop_index(op.f("ix_orders_total_amount_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_status_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_placed_at_id"), table_name="orders")
    op.drop_index("ix_orders_expires_at_cart", table_name="orders", postgresql_where=sa.text("status = 'CART'"))
    op.drop_index(op.f("ix_orders_estimated_delivery_at_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_customer_id_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_created_at_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_channel_id"), table_name="orders")
    op.drop_table("orders")
    op.drop_index(op.f("ix_locations_supplier_id"), table_name="locations")
    op.drop_index(op.f("ix_locations_priority_id"), table_name="locations")
    op.drop_index(op.f("ix_locations_parent_id"), table_name="locations")
    op.drop_index(op.f("ix_locations_name_id"), table_name="locations")
    op.drop_index(op.f("ix_locations_created_at_id"), table_name="locations")
    op.drop_table("locations")
    op.drop_index(op.f("ix_api_keys_supplier_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_name_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_customer_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_created_at_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_carrier_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index(op.f("ix_suppliers_name_id"), table_name="suppliers")
    op.drop_index(op.f("ix_suppliers_created_at_id"), table_name="suppliers")
    op.drop_table("suppliers")
    op.drop_table("outbox_positions")
    op.drop_table("outbox_log")
    op.drop_index(op.f("ix_outbox_events_transaction_id_id"), table_name="outbox_events")
    op.drop_table("outbox_events")
    op.drop_table("log_readers")
    op.drop_index(op.f("ix_idempotent_requests_recorded_at"), table_name="idempotent_requests")
    op.drop_table("idempotent_requests")
    op.drop_table("failed_reactions")
    op.drop_index(op.f("ix_customers_name_id"), table_name="customers")
    op.drop_index(op.f("ix_customers_email_id"), table_name="customers")
    op.drop_index(op.f("ix_customers_created_at_id"), table_name="customers")
    op.drop_table("customers")
    op.drop_index(op.f("ix_channels_name_id"), table_name="channels")
    op.drop_index(op.f("ix_channels_created_at_id"), table_name="channels")
    op.drop_table("channels")
    op.drop_index(op.f("ix_carriers_name_id"), table_name="carriers")
    op.drop_index(op.f("ix_carriers_created_at_id"), table_name="carriers")
    op.drop_table("carriers")
