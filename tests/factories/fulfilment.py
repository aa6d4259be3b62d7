"""Allocated, picked and packed orders for tests, made by the commands that make them in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import ProductId
from app.fulfilment import commands
from app.fulfilment.tables import Fulfilment, FulfilmentId, FulfilmentLine, FulfilmentLineId, ParcelId
from app.kernel.address import Address
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal
from app.locations.tables import LocationId
from app.orders.commands import PlaceOrder, place_order
from app.orders.tables import OrderId
from tests.factories import inventory, orders

LISBON = Address(
    line1="1 Quay Street", city="Lisbon", country_code="PT", latitude=Decimal("38.72"), longitude=Decimal("-9.14")
)
PORTO = Address(
    line1="2 River Road", city="Porto", country_code="PT", latitude=Decimal("41.15"), longitude=Decimal("-8.61")
)
BERLIN = Address(
    line1="3 Spree Way", city="Berlin", country_code="DE", latitude=Decimal("52.52"), longitude=Decimal("13.40")
)


async def stocked_at(session: AsyncSession, product_id: ProductId, pieces: int, address: Address | None) -> LocationId:
    """A location at `address` that has pieces of a product."""
    location_id = await inventory.location(session, address=address)
    await inventory.stocked(session, pieces, product_id=product_id, location_id=location_id)
    return location_id


async def ordered(
    session: AsyncSession,
    wants: Sequence[tuple[ProductId, int]],
    *,
    to: Address = LISBON,
    by: Principal = ANONYMOUS,
) -> OrderId:
    """An order of products that are in stock already, placed to go to `to`."""
    channel_id = await orders.channel(session)
    for product_id, _ in wants:
        await orders.price(session, product_id, channel_id)
    _, token = await orders.cart(session, channel_id, dict(wants), by=by)
    return await place_order(session, PlaceOrder(cart_token=token, shipping_address=to), by=by)


async def allocated(
    session: AsyncSession, pieces: int = 2, *, stock: int = 10, by: Principal = ANONYMOUS
) -> Fulfilment:
    """The only fulfilment of an order of one product, of which one location in Porto has stock."""
    product_id = await inventory.product(session)
    await stocked_at(session, product_id, stock, PORTO)
    order_id = await ordered(session, [(product_id, pieces)], by=by)
    await commands.allocate_order(session, commands.AllocateOrder(order_id=order_id), by=SYSTEM)
    return (await fulfilments(session, order_id))[0]


async def fulfilments(session: AsyncSession, order_id: int) -> list[Fulfilment]:
    """The fulfilments of an order, in their order."""
    of_order = select(Fulfilment).where(Fulfilment.order_id == order_id).order_by(Fulfilment.id)
    return list(await session.scalars(of_order.execution_options(populate_existing=True)))


async def lines(session: AsyncSession, fulfilment_id: int) -> list[FulfilmentLine]:
    """The lines of a fulfilment, in their order."""
    of_fulfilment = select(FulfilmentLine).where(FulfilmentLine.fulfilment_id == fulfilment_id)
    found = of_fulfilment.order_by(FulfilmentLine.id).execution_options(populate_existing=True)
    return list(await session.scalars(found))


async def picked(session: AsyncSession, fulfilment_id: int) -> FulfilmentId:
    """The fulfilment, with everything picked."""
    wanted = [(line.id, line.quantity) for line in await lines(session, fulfilment_id)]
    return await pick(session, fulfilment_id, *wanted)


async def pick(
    session: AsyncSession, fulfilment_id: int, *parts: tuple[int, int], is_last: bool = False
) -> FulfilmentId:
    """Pick pieces of lines, each named by its key."""
    confirmed = commands.ConfirmPick(
        fulfilment_id=FulfilmentId(fulfilment_id),
        lines=tuple(
            commands.PickedLine(fulfilment_line_id=FulfilmentLineId(line), quantity=pieces) for line, pieces in parts
        ),
        is_last=is_last,
    )
    return await commands.confirm_pick(session, confirmed, by=SYSTEM)


async def pack(session: AsyncSession, fulfilment_id: int, *parts: tuple[int, int]) -> ParcelId:
    """Pack pieces of lines, each named by its key, into one parcel."""
    parcel = commands.PackParcel(
        fulfilment_id=FulfilmentId(fulfilment_id),
        lines=tuple(
            commands.PackedLine(fulfilment_line_id=FulfilmentLineId(line), quantity=pieces) for line, pieces in parts
        ),
        weight_grams=500,
    )
    return await commands.pack_parcel(session, parcel, by=SYSTEM)


async def packed(session: AsyncSession, pieces: int = 2, *, by: Principal = ANONYMOUS) -> Fulfilment:
    """A fulfilment whose goods are all in one parcel."""
    fulfilment = await allocated(session, pieces, by=by)
    await picked(session, fulfilment.id)
    await pack(session, fulfilment.id, *[(line.id, line.quantity) for line in await lines(session, fulfilment.id)])
    return fulfilment
