"""Index offered orders: every order that a list of a large table offers is read from an index, both ways."""

from __future__ import annotations

from app.server.indexing import build_index, concurrently, drop_index

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
    with concurrently():
        for table, columns in INDEXES:
            build_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def downgrade() -> None:
    with concurrently():
        for table, columns in reversed(INDEXES):
            drop_index(f"ix_{table}_{'_'.join(columns)}", table)
