"""The office: who keeps the catalogue, the places, the parties and the keys, at random and often at a bad moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import select

from app.access import commands as access
from app.access.tables import ApiKey, User
from app.catalog import commands as catalog
from app.catalog.tables import Channel, Product
from app.inventory import commands as stock
from app.kernel.money import CurrencyCode
from app.kernel.principal import Role
from app.locations import commands as locations
from app.locations.tables import Location, LocationKind
from app.parties import commands as parties
from app.parties.tables import Carrier, Customer, Supplier
from app.returns import commands as returns
from app.returns.tables import Return, ReturnStatus
from app.shipments import commands as shipments
from app.shipments.tables import Shipment, ShipmentStatus
from app.simulation.clerk import Clerk

PASSWORD = "a long and boring password"
TABLES: dict[str, Any] = {
    "user": User,
    "api_key": ApiKey,
    "product": Product,
    "channel": Channel,
    "location": Location,
    "customer": Customer,
    "supplier": Supplier,
    "carrier": Carrier,
    "shipment": Shipment,
    "return": Return,
}
KINDS: dict[str, Any] = {
    **{kind: select(table.id) for kind, table in TABLES.items()},
    "shipment here": select(Shipment.id).where(Shipment.status == ShipmentStatus.CREATED),
    "return asked for": select(Return.id).where(Return.status == ReturnStatus.REQUESTED),
}
_numbers = count(1)


class Duty(NamedTuple):
    """A command, and what makes its request of a chance."""

    command: Callable[..., Awaitable[Any]]
    request: Callable[[Desk], Any]


class Desk:
    """Random ones of what there is, and names that nobody has yet."""

    def __init__(self, chance: Random, keys: dict[str, list[Any]]) -> None:
        self.chance = chance
        self.keys = keys

    def one(self, kind: str) -> Any:
        """The key of a random object, or of one that there never was."""
        return self.chance.choice(self.keys[kind] or [10**9])

    def maybe(self, *values: Any) -> Any:
        """One of `values`, or nothing."""
        return self.chance.choice([None, *values])

    @property
    def name(self) -> str:
        """A name that is new."""
        return f"N{next(_numbers)}"


def _customer(desk: Desk) -> parties.UpdateCustomer:
    return parties.UpdateCustomer(customer_id=desk.one("customer"), name=desk.maybe("A", "B"))


def _supplier(desk: Desk) -> parties.UpdateSupplier:
    return parties.UpdateSupplier(supplier_id=desk.one("supplier"), name=desk.maybe("A", "B"))


DUTIES = (
    Duty(catalog.create_channel, lambda d: catalog.CreateChannel(code=d.name, name="X", currency=CurrencyCode("EUR"))),
    Duty(
        catalog.create_product,
        lambda d: catalog.CreateProduct(
            sku=d.name, name="X", publish=d.chance.random() < 0.5, supplier_id=d.maybe(d.one("supplier"))
        ),
    ),
    Duty(
        catalog.update_product,
        lambda d: catalog.UpdateProduct(
            product_id=d.one("product"), name=d.maybe("A", "B"), supplier_id=d.maybe(*d.keys["supplier"])
        ),
    ),
    Duty(catalog.publish_product, lambda d: catalog.PublishProduct(product_id=d.one("product"))),
    Duty(catalog.archive_product, lambda d: catalog.ArchiveProduct(product_id=d.one("product"))),
    Duty(
        catalog.set_product_price,
        lambda d: catalog.SetProductPrice(
            product_id=d.one("product"), channel_id=d.one("channel"), amount=Decimal(d.chance.randint(1, 3))
        ),
    ),
    Duty(
        locations.create_location,
        lambda d: locations.CreateLocation(
            code=d.name, name="X", kind=LocationKind.WAREHOUSE, sells=d.chance.random() < 0.5, fulfils=True
        ),
    ),
    Duty(
        locations.update_location,
        lambda d: locations.UpdateLocation(
            location_id=d.one("location"),
            name=d.maybe("A", "B"),
            sells=d.maybe(True, False),  # noqa: FBT003
            supplier_id=d.maybe(*d.keys["supplier"]),
        ),
    ),
    Duty(parties.create_customer, lambda d: parties.CreateCustomer(number=d.name, name="X")),
    Duty(parties.update_customer, _customer),
    Duty(parties.create_supplier, lambda d: parties.CreateSupplier(code=d.name, name="X")),
    Duty(parties.update_supplier, _supplier),
    Duty(parties.create_carrier, lambda d: parties.CreateCarrier(code=d.name, name="X")),
    Duty(parties.update_carrier, lambda d: parties.UpdateCarrier(carrier_id=d.one("carrier"), name=d.maybe("A", "B"))),
    Duty(
        access.create_api_key,
        lambda d: access.CreateApiKey(name="X", roles=(Role.CUSTOMER,), customer_id=d.one("customer")),
    ),
    Duty(access.revoke_api_key, lambda d: access.RevokeApiKey(api_key_id=d.one("api_key"))),
    Duty(
        access.grant_user,
        lambda d: access.GrantUser(user_id=d.one("user"), roles=(d.chance.choice([Role.OPERATOR, Role.ADMIN]),)),
    ),
    Duty(access.disable_user, lambda d: access.DisableUser(user_id=d.one("user"))),
    Duty(
        stock.set_reorder_point,
        lambda d: stock.SetReorderPoint(
            product_id=d.one("product"), location_id=d.one("location"), reorder_point=d.maybe(3, 9, 12)
        ),
    ),
    Duty(shipments.deliver_shipment, lambda d: shipments.DeliverShipment(shipment_id=d.one("shipment"))),
    Duty(shipments.cancel_shipment, lambda d: shipments.CancelShipment(shipment_id=d.one("shipment here"))),
    Duty(returns.reject_return, lambda d: returns.RejectReturn(return_id=d.one("return asked for"), reason="Worn.")),
    Duty(returns.close_return, lambda d: returns.CloseReturn(return_id=d.one("return"))),
)


async def do_a_duty(clerk: Clerk, chance: Random, missing: Collection[Any] = ()) -> None:
    """Give a random command of the office about random objects; one of those that are `missing`, if it can."""
    keys = {kind: [row.id for row in await clerk.read(of_kind)] for kind, of_kind in KINDS.items()}
    duty = chance.choice([duty for duty in DUTIES if duty.command in missing] or DUTIES)
    await clerk.give(duty.command, duty.request(Desk(chance, keys)))


async def hire(clerk: Clerk, email: str) -> None:
    """Somebody who signs in, and whose session goes on."""
    user = access.CreateUser(email=email, name="X", password=PASSWORD, roles=(Role.OPERATOR,))
    await clerk.give(access.create_user, user)
    signed_in = await clerk.give(access.sign_in, access.SignIn(email=email, password=PASSWORD))
    await clerk.give(access.refresh_token, access.RefreshToken(refresh_token=signed_in.refresh_token))
