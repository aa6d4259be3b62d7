"""The parties in the graph: customers, suppliers and carriers."""

from __future__ import annotations

from app.catalog.tables import Product
from app.kernel.address import Address
from app.kernel.principal import STAFF
from app.locations.tables import Location
from app.orders.tables import Order
from app.parties import commands, events, measures, tables
from schema import catalog, locations, orders
from schema.language import (
    Connection,
    address,
    column,
    command,
    groups,
    interface,
    listing,
    lookup,
    many,
    node,
    subject,
)


@interface("Customer", "Supplier", "Carrier")
class Party:
    """Someone we deal with: a customer, a supplier or a carrier."""

    name: str


@node(
    tables.Customer,
    visibility=measures.customer_visibility,
    sorts=("number", "name", "email", "created_at"),
    groups=groups("kind", "created_at"),
    search=("number", "name", "email"),
)
class Customer:
    """Someone who buys from us."""

    number: str
    name: str
    kind: tables.CustomerKind
    email: str | None
    phone: str | None
    address: Address | None = address(tables.Customer, prefix="", doc="Where it lives or has its seat.")
    orders: Connection[orders.Order] = many(
        Order.customer_id, order_by=Order.created_at, doc="Its carts and orders, the oldest first."
    )


@node(
    tables.Supplier,
    visibility=measures.supplier_visibility,
    sorts=("code", "name", "lead_time_days", "created_at"),
    search=("code", "name", "email"),
)
class Supplier:
    """Someone we buy from, or who ships for us."""

    code: str
    name: str
    email: str | None
    phone: str | None
    lead_time_days: int | None
    address: Address | None = address(tables.Supplier, prefix="", doc="Where it has its seat.")
    products: Connection[catalog.Product] = many(Product.supplier_id, order_by=Product.sku, doc="What it supplies.")
    locations: Connection[locations.Location] = many(
        Location.supplier_id, order_by=Location.code, doc="Its own places."
    )


@node(
    tables.Carrier,
    visibility=measures.carrier_visibility,
    sorts=("code", "name", "created_at"),
    search=("code", "scac", "name"),
)
class Carrier:
    """Someone who carries goods for us or for our customers."""

    code: str
    scac: str | None
    name: str
    email: str | None = column(roles=STAFF)
    phone: str | None = column(roles=STAFF)
    tracking_url_template: str | None


class PartiesQueries:
    """What may be asked of parties."""

    customer: Customer | None = lookup(tables.Customer.number)
    customers: Connection[Customer] = listing(Customer, "Customers that you may see.")
    supplier: Supplier | None = lookup(tables.Supplier.code)
    suppliers: Connection[Supplier] = listing(Supplier, "Suppliers that you may see.")
    carrier: Carrier | None = lookup(tables.Carrier.code, tables.Carrier.scac)
    carriers: Connection[Carrier] = listing(Carrier, "The carriers.")


class PartiesMutations:
    """What may be done with parties."""

    customer_create = command(commands.create_customer, returns=Customer)
    customer_update = command(commands.update_customer, returns=Customer)
    supplier_create = command(commands.create_supplier, returns=Supplier)
    supplier_update = command(commands.update_supplier, returns=Supplier)
    carrier_create = command(commands.create_carrier, returns=Carrier)
    carrier_update = command(commands.update_carrier, returns=Carrier)


class PartiesEvents:
    """What the feed tells of parties."""

    customers = subject((events.CustomerCreated, events.CustomerUpdated), shows=Customer, key="customer_id")
    suppliers = subject((events.SupplierCreated, events.SupplierUpdated), shows=Supplier, key="supplier_id")
    carriers = subject((events.CarrierCreated, events.CarrierUpdated), shows=Carrier, key="carrier_id")
