"""A shop with every room filled, the same to the last digit each time: what readings are compared over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.commands import RevokeApiKey, revoke_api_key
from app.catalog.commands import ArchiveProduct, archive_product
from app.catalog.tables import ChannelId, ProductId
from app.fulfilment.commands import AllocateOrder, allocate_order
from app.inventory.commands import AdjustStock, SetReorderPoint, adjust_stock, set_reorder_point
from app.kernel import clock
from app.kernel.address import Address
from app.kernel.money import CurrencyCode
from app.kernel.outbox import write_outbox
from app.kernel.principal import ANONYMOUS, SYSTEM, Principal, Role
from app.locations.tables import LocationId, LocationKind
from app.orders.commands import CancelOrder, PlaceOrder, cancel_order, place_order
from app.orders.tables import OrderId
from app.parties.tables import CarrierId, CustomerId, CustomerKind, SupplierId
from app.returns.commands import ApproveReturn, RejectReturn, approve_return, reject_return
from app.returns.tables import Disposition, ReturnId
from app.shipments.commands import CreateShipment, DeliverShipment, create_shipment, deliver_shipment
from app.shipments.tables import ShipmentId, TrackingStatus
from app.webhooks.tables import DeliveryStatus, DisabledReason, EndpointStatus
from tests.factories import access, catalog, inventory, locations, parties, returns, shipments, webhooks
from tests.factories import fulfilment as fulfilments
from tests.factories import orders as carts
from tests.factories.fulfilment import BERLIN, LISBON, PORTO

OPENED = datetime(2026, 3, 2, 8, 30, 15, 250_000, tzinfo=UTC)
REFERENCES = '[{"source": "olist", "value": "x\\"1"}, {"source": "erp", "value": "é/2"}]'
REFERRED = ("products", "orders", "customers", "shipments", "locations")
HARBOUR = Address(recipient="Ines Ávila", line1='Rua "Nova", 3', line2="2º", city="Lisboa", country_code="PT")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Those who may look at the shop, and the token of the cart that a stranger fills."""

    callers: dict[str, Principal]
    cart_token: str


@dataclass(frozen=True, kw_only=True)
class Parties:
    """Whom the shop deals with."""

    ines: CustomerId
    works: CustomerId
    supplier: SupplierId
    rival: SupplierId
    carrier: CarrierId
    other: CarrierId


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What the shop sells, through which channels, and where it lies."""

    web: ChannelId
    counter: ChannelId
    products: tuple[ProductId, ...]
    porto: LocationId
    berlin: LocationId
    shelf: LocationId


async def opened(session: AsyncSession) -> Shop:
    """Fill the shop, from its first product to what came back."""
    with clock.stopped_at(OPENED):
        who = await _parties(session)
        what = await _goods(session, who)
        await _users(session, who)
        await session.flush()
    ines = access.customer_caller(who.ines)
    async with later(1):
        await _returned(session, who, what, by=ines)
    async with later(2):
        await _under_way(session, who, what, by=access.customer_caller(who.works))
    async with later(3):
        token = await _unsettled(session, what, by=ines)
    for table in REFERRED:
        await session.execute(text(f"UPDATE {table} SET external_references = '{REFERENCES}' WHERE id % 2 = 1"))  # noqa: S608
    await write_outbox(session)
    await session.commit()
    return Shop(callers=_callers(who), cart_token=token)


@asynccontextmanager
async def later(days: int) -> AsyncIterator[None]:
    """Some days after the opening."""
    with clock.stopped_at(OPENED + timedelta(days=days, microseconds=days)):
        yield


def _callers(who: Parties) -> dict[str, Principal]:
    """One caller of each kind, and one of two kinds at once."""
    both = frozenset({Role.CUSTOMER, Role.SUPPLIER})
    return {
        "admin": access.ADMIN,
        "operator": access.OPERATOR,
        "customer": access.customer_caller(who.ines),
        "business": access.customer_caller(who.works),
        "supplier": access.supplier_caller(who.supplier),
        "carrier": access.carrier_caller(who.carrier),
        "stranger": ANONYMOUS,
        "customer and supplier": Principal(roles=both, name="Bo", customer_id=who.ines, supplier_id=who.rival),
        "partner key": Principal(roles=frozenset({Role.SUPPLIER}), name="Till", api_key_id=1, supplier_id=who.supplier),
        "user": Principal(roles=frozenset({Role.CUSTOMER}), name="Ines", user_id=2, customer_id=who.ines),
    }


async def _parties(session: AsyncSession) -> Parties:
    return Parties(
        ines=await parties.customer(
            session, number="C-1", name="Ines Ávila", email="ines@lading.example", address=HARBOUR
        ),
        works=await parties.customer(
            session, number="C-2", name="Works & Sons", kind=CustomerKind.BUSINESS, phone="+49 30 1", address=BERLIN
        ),
        supplier=await parties.supplier(session, code="ACME", name="Acme", lead_time_days=0, address=PORTO),
        rival=await parties.supplier(session, code="RIVAL", name="Rival", email="sales@rival.example"),
        carrier=await parties.carrier(
            session, code="FAST", name="Fast", scac="FSTX", email="desk@fast.example", phone="+351 1"
        ),
        other=await parties.carrier(session, code="SLOW", name="Slow"),
    )


async def _goods(session: AsyncSession, who: Parties) -> Goods:
    porto = await _place(session, "PORTO", name="Warehouse", address=PORTO, priority=1, time_zone="Europe/Lisbon")
    berlin = await _place(session, "BERLIN", name="Warehouse", address=BERLIN, kind=LocationKind.STORE)
    shelf = await _place(
        session, "A-01", name="Shelf", kind=LocationKind.BIN, parent_id=porto, sells=False, fulfils=False
    )
    yard = {"kind": LocationKind.SUPPLIER, "supplier_id": who.supplier, "sells": False, "fulfils": False}
    await _place(session, "YARD", name="Yard", **yard)
    goods = Goods(
        web=await catalog.channel(session, code="WEB", name="Web shop"),
        counter=await catalog.channel(session, code="DESK", name="Counter", currency=CurrencyCode("JPY"), sells=False),
        products=await _products(session, who),
        porto=porto,
        berlin=berlin,
        shelf=shelf,
    )
    await _stock(session, goods)
    await _prices(session, goods)
    return goods


async def _place(session: AsyncSession, code: str, **details: object) -> LocationId:
    return await locations.location(session, code=code, **details)


async def _products(session: AsyncSession, who: Parties) -> tuple[ProductId, ...]:
    """Products with and without everything, of which two share a name; a draft and an archived one are the last."""
    cup = {"name": "Cup", "supplier_id": who.supplier, "weight_grams": 310, "category": "kitchen"}
    size = {"length_mm": 90, "width_mm": 80, "height_mm": 100}
    words = 'A "cup" of 100 % porcelain,\nwith a \\ on it: ☕'
    made = (
        await catalog.product(session, sku="CUP-1", description=words, gtin="4006381333931", **cup, **size),
        await catalog.product(session, sku="CUP-2", **cup),
        await catalog.product(session, sku="mug", name="Ärmel_Mug", supplier_id=who.rival),
        await catalog.product(session, sku="TEA", name="Tea", category="food", weight_grams=2_147_483_647),
        await catalog.product(session, sku="DRAFT", name="Draft", supplier_id=who.supplier, publish=False),
        await catalog.product(session, sku="OLD", name="Old"),
    )
    await archive_product(session, ArchiveProduct(product_id=made[-1]), by=SYSTEM)
    return made


async def _stock(session: AsyncSession, goods: Goods) -> None:
    cup, second, mug, tea, *_ = goods.products
    for product_id, location_id, pieces in (
        (cup, goods.porto, 10),
        (cup, goods.berlin, 4),
        (second, goods.berlin, 6),
        (mug, goods.porto, 3),
        (tea, goods.shelf, 1_000_000),
        (tea, goods.porto, 5),
    ):
        await inventory.stocked(session, pieces, product_id=product_id, location_id=location_id)
    for product_id, point in ((cup, 8), (mug, 3), (tea, None)):
        setting = SetReorderPoint(product_id=product_id, location_id=goods.porto, reorder_point=point)
        await set_reorder_point(session, setting, by=SYSTEM)
    count = AdjustStock(product_id=second, location_id=goods.berlin, quantity_change=-1, note="Broken.")
    await adjust_stock(session, count, by=access.OPERATOR)


async def _prices(session: AsyncSession, goods: Goods) -> None:
    cup, second, mug, *_ = goods.products
    for product_id, channel_id, amount, included in (
        (cup, goods.web, "12.50", True),
        (cup, goods.counter, "1500", False),
        (second, goods.web, "0.1", True),
        (mug, goods.web, "9000000000.0001", False),
        (goods.products[4], goods.web, "7", False),
    ):
        await catalog.priced(session, product_id, channel_id, amount, tax_included=included)


async def _users(session: AsyncSession, who: Parties) -> None:
    await access.user(session, email="olga@lading.example", name="Olga")
    shopper = {"roles": (Role.CUSTOMER,), "customer_id": who.ines}
    ines = await access.user(session, email="ines@lading.example", name="Ines", **shopper)
    till = await access.api_key(session, name="Till")
    old = await access.api_key(session, name="Scanner", roles=(Role.CARRIER, Role.OPERATOR), carrier_id=who.carrier)
    await revoke_api_key(session, RevokeApiKey(api_key_id=old.id), by=SYSTEM)
    await _webhooks(session, ines, till.id)


async def _webhooks(session: AsyncSession, user_id: int, api_key_id: int) -> None:
    """Webhooks of a user and of a key, the key's disabled, with what they were told."""
    own = await webhooks.endpoint(session, user_id=user_id, name="Own", variables="{}", operation_name="Levels")
    gone = {"status": EndpointStatus.DISABLED, "disabled_reason": DisabledReason.GONE, "disabled_at": clock.now()}
    till = await webhooks.endpoint(session, api_key_id=api_key_id, failing_since=clock.now(), **gone)
    for endpoint in (own, till):
        await webhooks.delivery(session, endpoint, DeliveryStatus.DELIVERED, None, 204)
        await webhooks.delivery(session, endpoint, DeliveryStatus.DEAD, 500, 410)
        await webhooks.delivery(session, endpoint, DeliveryStatus.WAITING, None)


async def _order(
    session: AsyncSession, goods: Goods, lines: dict[ProductId, int], *, to: Address, by: Principal
) -> OrderId:
    _, token = await carts.cart(session, goods.web, lines, by=by)
    placing = PlaceOrder(cart_token=token, shipping_address=to, customer_email="buyer@lading.example")
    return await place_order(session, placing, by=by)


async def _sent(session: AsyncSession, order_id: OrderId, carrier: CarrierId | None, number: str | None) -> ShipmentId:
    """The shipment of all that the first location serves of an order, dispatched."""
    await allocate_order(session, AllocateOrder(order_id=order_id), by=SYSTEM)
    serving = (await fulfilments.fulfilments(session, order_id))[0]
    fulfilment_id = await fulfilments.picked(session, serving.id)
    for line in await fulfilments.lines(session, serving.id):
        await fulfilments.pack(session, serving.id, (line.id, line.quantity))
    sending = CreateShipment(
        fulfilment_id=fulfilment_id,
        carrier_id=carrier,
        tracking_number=number,
        estimated_delivery_at=clock.now() + timedelta(hours=5),
    )
    shipment_id = await create_shipment(session, sending, by=SYSTEM)
    await shipments.dispatch(session, shipment_id)
    return shipment_id


async def _returned(session: AsyncSession, who: Parties, goods: Goods, *, by: Principal) -> None:
    """An order that was delivered late, of which some came back and was paid back, and some will not."""
    cup = goods.products[0]
    order_id = await _order(session, goods, {cup: 3}, to=LISBON, by=by)
    shipment_id = await _sent(session, order_id, who.carrier, "PT-1")
    where: dict[str, Any] = {"place": "Coimbra", "latitude": Decimal("40.2"), "longitude": Decimal("-8.41")}
    await shipments.report(session, shipment_id, TrackingStatus.IN_TRANSIT, source_reference="scan-1", **where)
    await shipments.report(
        session, shipment_id, TrackingStatus.DELIVERY_FAILED, reason_code="NOBODY", is_simulated=True
    )
    arrival = DeliverShipment(shipment_id=shipment_id, delivered_at=clock.now() + timedelta(hours=6))
    await deliver_shipment(session, arrival, by=SYSTEM)
    line = await returns.order_line(session, order_id)
    asked = await returns.ask(session, line, 2, by=by)
    await approve_return(session, ApproveReturn(return_id=asked), by=SYSTEM)
    back = await returns.fresh(session, asked)
    await returns.receive(session, back, 2, location_id=goods.berlin)
    await returns.dispose(session, back, Disposition.RESTOCK)
    for amount in ("10", "2.5"):
        await returns.refund(session, back, amount)
    refused = await returns.ask(session, line, 1, by=by)
    await reject_return(session, RejectReturn(return_id=ReturnId(refused), reason="Too late."), by=SYSTEM)


async def _under_way(session: AsyncSession, who: Parties, goods: Goods, *, by: Principal) -> None:
    """Orders of a business: one sent in two parcels with nobody known, one being picked, one just placed."""
    cup, second, mug, *_ = goods.products
    sent = await _order(session, goods, {cup: 1, second: 2}, to=BERLIN, by=by)
    await _sent(session, sent, who.other, None)
    picking = await _order(session, goods, {mug: 1}, to=PORTO, by=by)
    await allocate_order(session, AllocateOrder(order_id=picking), by=SYSTEM)
    await _order(session, goods, {cup: 2, mug: 1}, to=HARBOUR, by=by)


async def _unsettled(session: AsyncSession, goods: Goods, *, by: Principal) -> str:
    """An order of a stranger that was called off, a customer's cart, and a stranger's; answers the token of that."""
    cup, second, *_ = goods.products
    off = await _order(session, goods, {second: 1}, to=LISBON, by=ANONYMOUS)
    await cancel_order(session, CancelOrder(order_id=off, reason="Called off."), by=SYSTEM)
    await carts.cart(session, goods.web, {cup: 1}, by=by)
    _, token = await carts.cart(session, goods.web, {cup: 1, second: 1})
    return token
