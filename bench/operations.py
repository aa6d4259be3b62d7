"""The reads that are measured: one document for the servers whose schema is ours, one for PostGraphile, and variables.

A read is asked with many different variables, as clients ask it, so that nothing is answered from a memory of answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VARIANTS = 50
"""So many different sets of variables each read is asked with, in turn."""


@dataclass(frozen=True)
class Walk:
    """Pages of a list, whose cursors each server makes itself: a document that answers one page and its end."""

    ours: str
    theirs: str
    root: str
    their_root: str


@dataclass(frozen=True)
class Read:
    """One read: its documents, and either the pages that it asks for or SQL that answers its `$number`s."""

    name: str
    title: str
    ours: str
    theirs: str
    source: Walk | str


PRODUCT_PAGES = Walk(
    "query($after: String) { products(first: 20, after: $after) { pageInfo { endCursor } } }",
    "query($after: Cursor) { products(first: 20, after: $after, orderBy: [SKU_ASC]) { pageInfo { endCursor } } }",
    "products",
    "products",
)
ORDER_PAGES = Walk(
    "query($after: String) { orders(first: 20, after: $after, sort: [CREATED_AT_DESC]) { pageInfo { endCursor } } }",
    "query($after: Cursor) { orders(first: 20, after: $after, orderBy: [CREATED_AT_DESC]) { pageInfo { endCursor } } }",
    "orders",
    "orders",
)

PRODUCTS = Read(
    "products",
    "20 products",
    """query Products($after: String) {
  products(first: 20, after: $after) { nodes { id sku name category status weightGrams } }
}""",
    """query Products($after: Cursor) {
  products(first: 20, after: $after, orderBy: [SKU_ASC]) { nodes { id sku name category status weightGrams } }
}""",
    PRODUCT_PAGES,
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
    ORDER_PAGES,
)

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

READS = (PRODUCTS, ORDER, ORDERS, JOURNEY)
BY_NAME: dict[str, Read] = {read.name: read for read in READS}
Bodies = dict[str, list[dict[str, Any]]]
"""Request bodies by the name of their read."""
