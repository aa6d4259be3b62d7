"""Lives: the stories that are played, each a row of commands; every `yield` ends a step and tells what happened."""

from __future__ import annotations

from sqlalchemy import select

from app.catalog.tables import ProductId
from app.fulfilment.commands import (
    AllocateOrder,
    ConfirmPick,
    PackedLine,
    PackParcel,
    PickedLine,
    allocate_order,
    confirm_pick,
    pack_parcel,
)
from app.fulfilment.tables import Fulfilment, FulfilmentId, FulfilmentLine, FulfilmentLineId, FulfilmentStatus
from app.inventory.commands import (
    AdjustStock,
    ReceiveStock,
    TransferStock,
    adjust_stock,
    receive_stock,
    transfer_stock,
)
from app.locations.tables import LocationId
from app.orders.commands import (
    AbandonCart,
    CancelOrder,
    CreateCart,
    PlaceOrder,
    SetCartLine,
    abandon_cart,
    cancel_order,
    create_cart,
    place_order,
    set_cart_line,
)
from app.orders.tables import OrderId, OrderLine
from app.shipments.commands import (
    AddTrackingEvent,
    CreateShipment,
    DispatchShipment,
    add_tracking_event,
    create_shipment,
    dispatch_shipment,
)
from app.shipments.tables import ShipmentId, TrackingStatus
from app.simulation.clerk import BUYER_AT_PLAY
from app.simulation.goods import DESTINATIONS, ROUTE
from app.simulation.returning import return_life
from app.simulation.trade import SIMULATED, Life, Trade

PIECES_MAX = 4
PRODUCTS_MAX = 3
RECEIVED_MAX = 40
COUNTED_MAX = 3
ALLOCATIONS_MAX = 2
"""How often an order is allocated: once, and again for what was not found on the shelf."""


async def order_life(trade: Trade) -> Life:
    """An order, from its cart to the door or to its early end; some of it may come back."""
    known = trade.goods.customers and trade.happens(trade.habits.knows_the_buyer)
    customer_id = trade.one_of(trade.goods.customers) if known else None
    cart = await trade.clerk.give(create_cart, CreateCart(channel_id=trade.goods.channel_id, customer_id=customer_id))
    yield "carts created"
    async for told in _filled(trade, cart.cart_token):
        yield told
    if trade.happens(trade.habits.abandons):
        await trade.clerk.give(abandon_cart, AbandonCart(cart_token=cart.cart_token), by=BUYER_AT_PLAY)
        yield "carts abandoned"
        return
    placing = PlaceOrder(cart_token=cart.cart_token, shipping_address=trade.one_of(DESTINATIONS))
    order_id = await trade.clerk.give(place_order, placing, by=BUYER_AT_PLAY)
    yield "orders placed"
    if trade.happens(trade.habits.cancels):
        cancelling = CancelOrder(cart_token=cart.cart_token, reason=SIMULATED)
        await trade.clerk.give(cancel_order, cancelling, by=BUYER_AT_PLAY)
        yield "orders cancelled"
        return
    for _ in range(ALLOCATIONS_MAX):
        if await _is_whole(trade, order_id):
            break
        await trade.clerk.give(allocate_order, AllocateOrder(order_id=order_id))
        yield "orders allocated"
        async for told in warehouse_life(trade, order_id):
            yield told
    if trade.happens(trade.habits.returns):
        async for told in return_life(trade, order_id):
            yield told


async def _filled(trade: Trade, token: str) -> Life:
    """A cart that gets its lines."""
    for product_id in trade.several(trade.goods.products, PRODUCTS_MAX):
        line = SetCartLine(product_id=product_id, quantity=trade.chance.randint(1, PIECES_MAX), cart_token=token)
        await trade.clerk.give(set_cart_line, line, by=BUYER_AT_PLAY)
        yield "cart lines set"


async def _is_whole(trade: Trade, order_id: OrderId) -> bool:
    """Whether every piece of the order has a location already."""
    wanted = OrderLine.quantity - OrderLine.quantity_cancelled
    lacking = select(OrderLine.id).where(OrderLine.order_id == order_id, OrderLine.quantity_allocated < wanted)
    return not await trade.clerk.read(lacking)


async def warehouse_life(trade: Trade, order_id: OrderId) -> Life:
    """The fulfilments of an order that nobody has begun, each from the shelf to the door."""
    waiting = select(Fulfilment.id).where(
        Fulfilment.order_id == order_id, Fulfilment.status == FulfilmentStatus.ALLOCATED
    )
    for row in await trade.clerk.read(waiting.order_by(Fulfilment.id)):
        fulfilment_id = FulfilmentId(row.id)
        async for told in _prepared(trade, fulfilment_id):
            yield told
        packed = select(Fulfilment.id).where(
            Fulfilment.id == fulfilment_id, Fulfilment.status == FulfilmentStatus.PACKED
        )
        if await trade.clerk.read(packed):
            async for told in journey(trade, fulfilment_id):
                yield told


async def _prepared(trade: Trade, fulfilment_id: FulfilmentId) -> Life:
    """A fulfilment that is picked, sometimes short, and packed into one parcel."""
    of_fulfilment = select(FulfilmentLine).where(FulfilmentLine.fulfilment_id == fulfilment_id)
    lines = [row.FulfilmentLine for row in await trade.clerk.read(of_fulfilment.order_by(FulfilmentLine.id))]
    short = trade.one_of(lines).id if trade.happens(trade.habits.picks_short) else None
    found = {FulfilmentLineId(line.id): line.quantity - (line.id == short) for line in lines}
    picked = tuple(
        PickedLine(fulfilment_line_id=line, quantity=quantity) for line, quantity in found.items() if quantity
    )
    await trade.clerk.give(confirm_pick, ConfirmPick(fulfilment_id=fulfilment_id, lines=picked, is_last=True))
    yield "picks confirmed"
    if picked:
        content = tuple(
            PackedLine(fulfilment_line_id=line.fulfilment_line_id, quantity=line.quantity) for line in picked
        )
        weight = trade.chance.randint(200, 5_000)
        await trade.clerk.give(pack_parcel, PackParcel(fulfilment_id=fulfilment_id, lines=content, weight_grams=weight))
        yield "parcels packed"


async def journey(trade: Trade, fulfilment_id: FulfilmentId) -> Life:
    """A shipment from its announcement to the door, scanned on its way."""
    shipment_id = await trade.clerk.give(
        create_shipment,
        CreateShipment(
            fulfilment_id=fulfilment_id,
            carrier_id=trade.goods.carrier_id,
            tracking_number=f"SIM{fulfilment_id:010d}",
        ),
    )
    yield "shipments created"
    await trade.clerk.give(dispatch_shipment, DispatchShipment(shipment_id=shipment_id))
    yield "shipments dispatched"
    for status, place in _scans(trade):
        await trade.clerk.give(add_tracking_event, _scan(shipment_id, status, place))
        yield "tracking events added"
    await trade.clerk.give(add_tracking_event, _scan(shipment_id, TrackingStatus.DELIVERED, None))
    yield "shipments delivered"


def _scans(trade: Trade) -> list[tuple[TrackingStatus, str | None]]:
    """What a journey is scanned as before its end."""
    out = (TrackingStatus.OUT_FOR_DELIVERY, None)
    scans: list[tuple[TrackingStatus, str | None]] = [
        (TrackingStatus.PICKED_UP, None),
        *((TrackingStatus.IN_TRANSIT, place) for place in ROUTE.values()),
        out,
    ]
    return (
        [*scans, (TrackingStatus.DELIVERY_FAILED, None), out]
        if trade.happens(trade.habits.fails_at_the_door)
        else scans
    )


def _scan(shipment_id: ShipmentId, status: TrackingStatus, place: str | None) -> AddTrackingEvent:
    """A carrier's report that is made up."""
    return AddTrackingEvent(
        shipment_id=shipment_id, status=status, place=place, description=SIMULATED, is_simulated=True
    )


async def stock_life(trade: Trade) -> Life:
    """A shelf that gets a delivery, a count or pieces from another place."""
    product_id: ProductId = trade.one_of(trade.goods.products)
    place: LocationId = trade.one_of(trade.goods.places)
    what = trade.chance.random()
    if what < 0.6:
        pieces = trade.chance.randint(1, RECEIVED_MAX)
        receipt = ReceiveStock(product_id=product_id, location_id=place, quantity=pieces, note=SIMULATED)
        await trade.clerk.give(receive_stock, receipt)
        yield "deliveries received"
    elif what < 0.8 and len(trade.goods.places) > 1:
        other = trade.one_of([each for each in trade.goods.places if each != place])
        transfer = TransferStock(
            product_id=product_id,
            from_location_id=place,
            to_location_id=other,
            quantity=trade.chance.randint(1, PIECES_MAX),
            note=SIMULATED,
        )
        await trade.clerk.give(transfer_stock, transfer)
        yield "transfers made"
    else:
        change = trade.one_of([pieces for pieces in range(-COUNTED_MAX, COUNTED_MAX + 1) if pieces])
        count = AdjustStock(product_id=product_id, location_id=place, quantity_change=change, note=SIMULATED)
        await trade.clerk.give(adjust_stock, count)
        yield "counts adjusted"
