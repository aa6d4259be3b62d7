"""Index offered orders: every order that a list of a large table offers is read from an index, both ways."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (
    ("orders", ("delivered_at", "id")),
    ("prices", ("channel_id", "amount", "id")),
    ("stock_levels", ("on_hand", "id")),
    ("stock_holds", ("created_at", "id")),
    ("parcels", ("packed_at", "id")),
    ("returns", ("received_at", "id")),
    ("refunds", ("amount", "id")),
)


def upgrade() -> None:
    for table, columns in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)


def downgrade() -> None:
    for table, columns in reversed(INDEXES):
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table_name=table)
