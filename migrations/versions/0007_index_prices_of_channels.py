"""Index the prices of a channel by product: the order in which a channel lists them, unless another is asked for.

Both indexes of prices begin with the channel, so the one on the channel alone has no use.
"""

from __future__ import annotations

from app.server.indexing import build_index, concurrently, drop_index

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHANNEL = "ix_prices_channel_id"
PRODUCTS = "ix_prices_channel_id_product_id_id"


def upgrade() -> None:
    with concurrently():
        build_index(PRODUCTS, "prices", ["channel_id", "product_id", "id"])
        drop_index(CHANNEL, "prices")


def downgrade() -> None:
    with concurrently():
        build_index(CHANNEL, "prices", ["channel_id"])
        drop_index(PRODUCTS, "prices")
