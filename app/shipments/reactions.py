"""What shipments do when something happened elsewhere."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.events import FulfilmentCancelled
from app.kernel.principal import SYSTEM
from app.shipments.commands import cancel_shipments_of


async def cancel_with_fulfilment(session: AsyncSession, event: FulfilmentCancelled) -> None:
    """Call off shipments that wait to leave for a cancelled fulfilment. Done twice, it does nothing the second time."""
    await cancel_shipments_of(session, event.fulfilment_id, by=SYSTEM)


REACTIONS = {FulfilmentCancelled: cancel_with_fulfilment}
"""What is done for which event; the process that reads the log calls these, each in a transaction of its own."""
