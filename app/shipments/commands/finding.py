"""What every command of transport needs: finding and locking a shipment, and telling what changed."""

from __future__ import annotations

from typing import Annotated, TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.locks import lock_one
from app.kernel.principal import STAFF, Principal, Role
from app.kernel.refusal import Refusal
from app.shipments import rules
from app.shipments.measures import shipment_visibility
from app.shipments.tables import Shipment, ShipmentAction, ShipmentId, ShipmentStatus

REPORTERS = STAFF | {Role.CARRIER}
"""Who may report a shipment's journey: staff, and the carrier it was given to."""


class UnknownShipment(Refusal):
    """There is no such shipment, or you may not see it."""


class ShipmentStatusForbids(Refusal):
    """The shipment's status does not allow this; `allowedActions` of the shipment tells what it allows."""

    status: Annotated[str, "The status that forbids it."]


class Facts(TypedDict):
    """What every event of a shipment tells, as keyword arguments."""

    shipment_id: int
    order_id: int
    customer_id: int | None
    carrier_id: int | None
    status_before: ShipmentStatus | None
    status_after: ShipmentStatus


async def lock_shipment(
    session: AsyncSession, shipment_id: ShipmentId, action: ShipmentAction, *, by: Principal
) -> Shipment:
    """The shipment, locked for `action`; refused where it is unknown or its status forbids the action."""
    found = await lock_one(session, Shipment, shipment_id, by=by, visibility=shipment_visibility)
    if found is None:
        raise UnknownShipment(field="shipment_id")
    if not rules.may(action, found.status):
        raise ShipmentStatusForbids(field="shipment_id", status=found.status.value)
    return found


def facts_of(shipment: Shipment, *, before: ShipmentStatus | None) -> Facts:
    """What an event tells of `shipment`, which was in the status `before`."""
    return {
        "shipment_id": shipment.id,
        "order_id": shipment.order_id,
        "customer_id": shipment.customer_id,
        "carrier_id": shipment.carrier_id,
        "status_before": before,
        "status_after": shipment.status,
    }
