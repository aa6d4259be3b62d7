"""Commands that come at the wrong moment: half of them must be refused, and none may break the books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import select

from app.fulfilment import commands as warehouse
from app.fulfilment.tables import Fulfilment
from app.inventory import commands as stock
from app.kernel import clock
from app.orders import commands as orders
from app.orders.reactions import abandon_idle_cart
from app.orders.tables import Order
from app.returns import commands as returns
from app.returns.tables import Return
from app.shipments import commands as shipments
from app.shipments.tables import Shipment, TrackingStatus
from app.simulation.clerk import Clerk
from app.simulation.goods import Goods


class Prank(NamedTuple):
    """A command, and what makes its request of a chance."""

    command: Callable[..., Awaitable[Any]]
    request: Callable[[Picks], Any]


class Picks:
    """Random ones of what there is."""

    def __init__(self, chance: Random, goods: Goods, keys: Mapping[str, Sequence[int]]) -> None:
        self.chance = chance
        self.goods = goods
        self.keys = keys

    def one(self, kind: str) -> Any:
        """The key of a random object, or of one that there never was."""
        return self.chance.choice(self.keys[kind] or [10**9])

    @property
    def spot(self) -> dict[str, Any]:
        """A random product at a random place."""
        product, place = self.chance.choice(self.goods.products), self.chance.choice(self.goods.places)
        return {"product_id": product, "location_id": place}

    @property
    def pieces(self) -> int:
        """From one piece to far too many."""
        return self.chance.choice([1, 2, 5, 1_000])


async def expire(session: Any, _: None, *, by: Any) -> None:
    """What the worker does when holds have run out."""
    await stock.expire_holds(session, clock.now(), by=by)


async def abandon(session: Any, _: None, *, by: Any) -> None:
    """What the worker does when a cart was forgotten."""
    await abandon_idle_cart(session)


PRANKS = (
    Prank(orders.cancel_order, lambda picks: orders.CancelOrder(order_id=picks.one("order"))),
    Prank(orders.abandon_cart, lambda picks: orders.AbandonCart(cart_id=picks.one("order"))),
    Prank(
        orders.set_cart_line,
        lambda picks: orders.SetCartLine(
            cart_id=picks.one("order"), product_id=picks.spot["product_id"], quantity=picks.chance.choice([0, 1, 1_000])
        ),
    ),
    Prank(warehouse.allocate_order, lambda picks: warehouse.AllocateOrder(order_id=picks.one("order"))),
    Prank(
        warehouse.allocate_order,
        lambda picks: warehouse.AllocateOrder(order_id=picks.one("order"), location_id=picks.spot["location_id"]),
    ),
    Prank(warehouse.cancel_fulfilment, lambda picks: warehouse.CancelFulfilment(fulfilment_id=picks.one("fulfilment"))),
    Prank(
        warehouse.confirm_pick,
        lambda picks: warehouse.ConfirmPick(fulfilment_id=picks.one("fulfilment"), lines=(), is_last=True),
    ),
    Prank(shipments.create_shipment, lambda picks: shipments.CreateShipment(fulfilment_id=picks.one("fulfilment"))),
    Prank(shipments.dispatch_shipment, lambda picks: shipments.DispatchShipment(shipment_id=picks.one("shipment"))),
    Prank(shipments.cancel_shipment, lambda picks: shipments.CancelShipment(shipment_id=picks.one("shipment"))),
    Prank(shipments.deliver_shipment, lambda picks: shipments.DeliverShipment(shipment_id=picks.one("shipment"))),
    Prank(
        shipments.add_tracking_event,
        lambda picks: shipments.AddTrackingEvent(
            shipment_id=picks.one("shipment"), status=picks.chance.choice(list(TrackingStatus)), is_simulated=True
        ),
    ),
    Prank(returns.approve_return, lambda picks: returns.ApproveReturn(return_id=picks.one("return"))),
    Prank(returns.close_return, lambda picks: returns.CloseReturn(return_id=picks.one("return"))),
    Prank(stock.adjust_stock, lambda picks: stock.AdjustStock(**picks.spot, quantity_change=-picks.pieces)),
    Prank(stock.receive_stock, lambda picks: stock.ReceiveStock(**picks.spot, quantity=min(picks.pieces, 20))),
    Prank(
        stock.transfer_stock,
        lambda picks: stock.TransferStock(
            product_id=picks.spot["product_id"],
            from_location_id=picks.spot["location_id"],
            to_location_id=picks.spot["location_id"],
            quantity=picks.pieces,
        ),
    ),
    Prank(expire, lambda _: None),
    Prank(abandon, lambda _: None),
)


async def play_prank(clerk: Clerk, goods: Goods, chance: Random) -> None:
    """Give a random command about a random object."""
    keys = {}
    for kind, table in {"order": Order, "fulfilment": Fulfilment, "shipment": Shipment, "return": Return}.items():
        newest = select(table.id).order_by(table.id.desc()).limit(30)
        keys[kind] = [row.id for row in await clerk.read(newest)]
    prank = chance.choice(PRANKS)
    await clerk.give(prank.command, prank.request(Picks(chance, goods, keys)))
