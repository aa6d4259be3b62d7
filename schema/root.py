"""The whole graph, from every room. A new room is one more name in the two lists."""

from __future__ import annotations

from schema import (
    access,
    catalog,
    fulfilment,
    importing,
    inventory,
    locations,
    orders,
    parties,
    returns,
    shipments,
    webhooks,
)
from schema.building import build

GRAPH = build(
    (access, parties, catalog, locations, inventory, orders, fulfilment, shipments, returns, webhooks, importing)
)
"""The graph that this code serves; its committed SDL is `schema/schema.graphql`."""
