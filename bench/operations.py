"""The reads that are measured: one document for the servers whose schema is ours, one for PostGraphile, and variables.

A read is asked with many different variables, as clients ask it, so that nothing is answered from a memory of answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.asked import PAGE, VARIANTS, Read, Walk
from bench.dashboard import DASHBOARD


def product_pages(first: int, pages: int) -> Walk:
    """Pages of products by their SKU."""
    ours = f"query($after: String) {{ products(first: {first}, after: $after) {{ pageInfo {{ endCursor }} }} }}"
    theirs = f"""query($after: Cursor) {{
  products(first: {first}, after: $after, orderBy: [SKU_ASC]) {{ pageInfo {{ endCursor }} }}
}}"""
    return Walk(ours, theirs, "products", "products", pages)


def order_pages(first: int, pages: int) -> Walk:
    """Pages of orders, the newest first."""
    ours = f"""query($after: String) {{
  orders(first: {first}, after: $after, sort: [CREATED_AT_DESC]) {{ pageInfo {{ endCursor }} }}
}}"""
    theirs = f"""query($after: Cursor) {{
  orders(first: {first}, after: $after, orderBy: [CREATED_AT_DESC]) {{ pageInfo {{ endCursor }} }}
}}"""
    return Walk(ours, theirs, "orders", "orders", pages)


PRODUCTS = Read(
    "products",
    "20 products",
    """query Products($after: String) {
  products(first: 20, after: $after) { nodes { id sku name category status weightGrams } }
}""",
    """query Products($after: Cursor) {
  products(first: 20, after: $after, orderBy: [SKU_ASC]) { nodes { id sku name category status weightGrams } }
}""",
    product_pages(PAGE, VARIANTS),
)

ORDER = Read(
    "order",
    "One order with its lines",
    """query Order($number: String!) {
  order(number: $number) {
    id number status placedAt total { amount currency }
    lines(first: 20) {
      nodes { position quantity unitPrice { amount currency } total { amount currency } product { sku name } }
    }
  }
}""",
    """query Order($number: String!) {
  order: orderByNumber(number: $number) {
    id number status placedAt totalAmount currency
    lines: orderLines(first: 20, orderBy: [POSITION_ASC]) {
      nodes { position quantity unitPriceAmount currency totalAmount product { sku name } }
    }
  }
}""",
    "select number from orders order by hashint8(id) limit $1",
)

ORDERS = Read(
    "orders",
    "A page of 20 orders, nested",
    """query Orders($after: String) {
  orders(first: 20, after: $after, sort: [CREATED_AT_DESC]) {
    nodes {
      id number status placedAt total { amount currency }
      customer { number name email }
      lines(first: 20) { nodes { position quantity unitPrice { amount currency } product { sku name weightGrams } } }
      shipments(first: 10) {
        nodes {
          number status trackingNumber estimatedDeliveryAt
          origin { code name }
          trackingEvents(first: 20) { nodes { status occurredAt place description } }
        }
      }
    }
  }
}""",
    """query Orders($after: Cursor) {
  orders(first: 20, after: $after, orderBy: [CREATED_AT_DESC]) {
    nodes {
      id number status placedAt totalAmount currency
      customer { number name email }
      lines: orderLines(first: 20, orderBy: [POSITION_ASC]) {
        nodes { position quantity unitPriceAmount currency product { sku name weightGrams } }
      }
      shipments(first: 10, orderBy: [PRIMARY_KEY_ASC]) {
        nodes {
          number status trackingNumber estimatedDeliveryAt
          origin: originLocation { code name }
          trackingEvents(first: 20, orderBy: [OCCURRED_AT_ASC]) { nodes { status occurredAt place description } }
        }
      }
    }
  }
}""",
    order_pages(PAGE, VARIANTS),
)

WIDE = Read(
    "orders",
    "A page of orders with customers, lines, products and a shipment",
    """query Wide($after: String) {
  orders(first: 20, after: $after, sort: [CREATED_AT_DESC]) {
    nodes {
      id number status placedAt total { amount currency }
      customer { number name email }
      lines(first: 3) { nodes { position quantity unitPrice { amount currency } product { sku name weightGrams } } }
      shipments(first: 1) { nodes { number status trackingNumber estimatedDeliveryAt } }
    }
  }
}""",
    """query Wide($after: Cursor) {
  orders(first: 20, after: $after, orderBy: [CREATED_AT_DESC]) {
    nodes {
      id number status placedAt totalAmount currency
      customer { number name email }
      lines: orderLines(first: 3, orderBy: [POSITION_ASC]) {
        nodes { position quantity unitPriceAmount currency product { sku name weightGrams } }
      }
      shipments(first: 1, orderBy: [PRIMARY_KEY_ASC]) {
        nodes { number status trackingNumber estimatedDeliveryAt }
      }
    }
  }
}""",
    order_pages(PAGE, VARIANTS),
)
"""What a page of a thousand orders may hold: with what is in it, one answer has at most ten thousand objects."""

JOURNEY = Read(
    "journey",
    "From a customer to a return",
    """query Journey($number: String!) {
  customer(number: $number) {
    number name
    orders(first: 5) {
      nodes {
        number status placedAt total { amount currency }
        lines(first: 20) {
          nodes { quantity product { sku name stockLevels(first: 10) { nodes { available location { code } } } } }
        }
        shipments(first: 10) {
          nodes { number status carrier { name } trackingEvents(first: 20) { nodes { status occurredAt place } } }
        }
        returns(first: 5) { nodes { number status reason lines(first: 10) { nodes { quantity product { sku } } } } }
      }
    }
  }
}""",
    """query Journey($number: String!) {
  customer: customerByNumber(number: $number) {
    number name
    orders(first: 5, orderBy: [CREATED_AT_ASC]) {
      nodes {
        number status placedAt totalAmount currency
        lines: orderLines(first: 20, orderBy: [POSITION_ASC]) {
          nodes { quantity product { sku name stockLevels(first: 10) { nodes { onHand held location { code } } } } }
        }
        shipments(first: 10, orderBy: [PRIMARY_KEY_ASC]) {
          nodes {
            number status carrier { name }
            trackingEvents(first: 20, orderBy: [OCCURRED_AT_ASC]) { nodes { status occurredAt place } }
          }
        }
        returns(first: 5, orderBy: [PRIMARY_KEY_ASC]) {
          nodes { number status reason lines: returnLines(first: 10) { nodes { quantity product { sku } } } }
        }
      }
    }
  }
}""",
    """select customer.number from customers customer
where exists (select from returns where returns.customer_id = customer.id) order by hashint8(id) limit $1""",
)

READS = (PRODUCTS, ORDER, ORDERS, JOURNEY, DASHBOARD)
BY_NAME: dict[str, Read] = {read.name: read for read in READS}


def paged(read: Read, walk: Callable[[int, int], Walk], first: int, rows: int) -> Read:
    """A read of pages with another number of rows, of which there are so many in all."""
    ours, theirs = (
        document.replace(f"s(first: {PAGE}, after", f"s(first: {first}, after") for document in (read.ours, read.theirs)
    )
    pages = max(1, min(VARIANTS, rows // first))
    return replace(read, name=f"{read.name}_{first}", ours=ours, theirs=theirs, source=walk(first, pages))
