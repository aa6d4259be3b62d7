"""Index the figures of orders: counted and summed by channel and status, they are read from an index alone.

It begins with the channel, so it takes the place of that index.
"""

from __future__ import annotations

from app.server.indexing import build_index, concurrently, drop_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHANNEL = "ix_orders_channel_id"
FIGURES = "ix_orders_channel_id_status_currency"


def upgrade() -> None:
    with concurrently():
        columns = ["channel_id", "status", "currency"]
        build_index(FIGURES, "orders", columns, postgresql_include=["total_amount"])
        drop_index(CHANNEL, "orders")


def downgrade() -> None:
    with concurrently():
        build_index(CHANNEL, "orders", ["channel_id"])
        drop_index(FIGURES, "orders")
