"""What may be done in the warehouse: commands for callers, and functions that shipments call in their transaction."""

from app.fulfilment.commands.allocate import AllocateOrder, NoLocationServes, NothingToAllocate, allocate_order
from app.fulfilment.commands.cancel import CancelFulfilment, ParcelsGiven, cancel_fulfilment, cancel_fulfilments_of
from app.fulfilment.commands.fulfilments import (
    FulfilmentStatusForbids,
    LineRepeated,
    UnknownFulfilment,
    UnknownFulfilmentLine,
)
from app.fulfilment.commands.pack import NotPicked, PackedLine, PackParcel, pack_parcel
from app.fulfilment.commands.pick import ConfirmPick, NothingPicked, PickedLine, PickedTooMany, confirm_pick
from app.fulfilment.commands.served_orders import lock_served_order
from app.fulfilment.commands.ship import (
    NoParcels,
    ParcelTaken,
    ShippedPart,
    UnknownParcel,
    give_parcels,
    ship_parcels,
    take_parcels_back,
)

__all__ = [
    "AllocateOrder",
    "CancelFulfilment",
    "ConfirmPick",
    "FulfilmentStatusForbids",
    "LineRepeated",
    "NoLocationServes",
    "NoParcels",
    "NotPicked",
    "NothingPicked",
    "NothingToAllocate",
    "PackParcel",
    "PackedLine",
    "ParcelTaken",
    "ParcelsGiven",
    "PickedLine",
    "PickedTooMany",
    "ShippedPart",
    "UnknownFulfilment",
    "UnknownFulfilmentLine",
    "UnknownParcel",
    "allocate_order",
    "cancel_fulfilment",
    "cancel_fulfilments_of",
    "confirm_pick",
    "give_parcels",
    "lock_served_order",
    "pack_parcel",
    "ship_parcels",
    "take_parcels_back",
]
