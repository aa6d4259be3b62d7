"""Rules of transport: how reports move a shipment's status, and what may be done with it when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.shipments.tables import ShipmentAction, ShipmentStatus, TrackingStatus

UNDER_WAY = frozenset(
    {
        ShipmentStatus.DISPATCHED,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.OUT_FOR_DELIVERY,
        ShipmentStatus.READY_FOR_PICKUP,
        ShipmentStatus.EXCEPTION,
    }
)
"""With the carrier: it left its origin and did not arrive."""
ENDED = frozenset({ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.CANCELLED})
"""Nothing that a carrier reports changes these."""

ALLOWED: Mapping[ShipmentStatus, frozenset[ShipmentAction]] = {
    ShipmentStatus.CREATED: frozenset({ShipmentAction.DISPATCH, ShipmentAction.CANCEL, ShipmentAction.TRACK}),
    **dict.fromkeys(UNDER_WAY, frozenset({ShipmentAction.TRACK, ShipmentAction.DELIVER})),
    **dict.fromkeys(ENDED - {ShipmentStatus.CANCELLED}, frozenset({ShipmentAction.TRACK})),
    ShipmentStatus.CANCELLED: frozenset(),
}
"""What may be done with a shipment, by its status. Late reports are still recorded after it ended."""

STATUS_BY_REPORT: Mapping[TrackingStatus, ShipmentStatus] = {
    TrackingStatus.PICKED_UP: ShipmentStatus.DISPATCHED,
    TrackingStatus.IN_TRANSIT: ShipmentStatus.IN_TRANSIT,
    TrackingStatus.OUT_FOR_DELIVERY: ShipmentStatus.OUT_FOR_DELIVERY,
    TrackingStatus.READY_FOR_PICKUP: ShipmentStatus.READY_FOR_PICKUP,
    TrackingStatus.DELIVERY_FAILED: ShipmentStatus.EXCEPTION,
    TrackingStatus.ON_HOLD: ShipmentStatus.EXCEPTION,
    TrackingStatus.DELIVERED: ShipmentStatus.DELIVERED,
    TrackingStatus.RETURNED: ShipmentStatus.RETURNED,
}
"""The status that a report gives a shipment; INFO_RECEIVED and UNKNOWN give none."""


def may(action: ShipmentAction, status: ShipmentStatus) -> bool:
    """Whether `action` may be done with a shipment in `status`."""
    return action in ALLOWED[status]


def status_after_report(
    status: ShipmentStatus, last_event_at: datetime | None, report: TrackingStatus, occurred_at: datetime
) -> ShipmentStatus:
    """The status after a report: what occurred last decides, however late it is told, until the journey ended.

    A shipment that we did not dispatch yet stays CREATED: only dispatching takes goods out of the stock.
    """
    told = STATUS_BY_REPORT.get(report)
    if told is None or status not in UNDER_WAY:
        return status
    if told not in ENDED and last_event_at is not None and occurred_at < last_event_at:
        return status
    return told


def is_at_risk(facts: Mapping[str, Any]) -> bool:
    """Whether an event of a shipment on its way tells that it fell into trouble, or will arrive late."""
    trouble = ShipmentStatus.EXCEPTION.value
    if facts["status_after"] == trouble and facts["status_before"] != trouble:
        return True
    before, after = facts.get("estimated_delivery_at_before"), facts.get("estimated_delivery_at")
    return before is not None and after is not None and datetime.fromisoformat(after) > datetime.fromisoformat(before)
