"""Declarations that would break what the graph promises are refused when they are read."""

from __future__ import annotations

import pytest

from app.orders import measures, tables
from schema import orders
from schema.answers import ColumnOf, NodeDeclaration, One, Scalar
from schema.nodes import node_type
from schema.root import GRAPH


class Bought:
    """A node whose fields promise more than their columns and their rows' visibility keep."""

    order: orders.Order
    customer_name: str
    total: int


def declared(name: str, answer: One | Scalar, *sorts: str) -> NodeDeclaration:
    """A node over orders with one field, whose lists are sorted by `sorts`."""
    source = type(
        "Bought", (Bought,), {"__annotations__": {name: Bought.__annotations__[name]}, "__module__": __name__}
    )
    visibility = GRAPH.nodes["StockHold"].visibility
    return NodeDeclaration(source, tables.OrderLine, visibility, sorts, answers={name: answer})


def column(name: str) -> Scalar:
    """The column of orders that has this name."""
    return Scalar(doc="It.", expression=ColumnOf(name), column=name)


class TestDeclarations:
    def test_of_an_object_that_may_be_hidden_say_that_it_may_be_null(self):
        with pytest.raises(TypeError, match=r"Bought\.order must be `\| None`"):
            node_type(declared("order", One(doc="It.", key="order_id")))

    def test_of_a_column_that_may_be_null_say_so(self):
        declaration = declared("customer_name", column("customer_name"))
        made = NodeDeclaration(
            declaration.source, tables.Order, measures.order_visibility, (), answers=declaration.answers
        )
        with pytest.raises(TypeError, match="the column may be null"):
            node_type(made)

    def test_of_an_order_name_a_column_or_money(self):
        with pytest.raises(TypeError, match="'total' is no field that is a column or money"):
            node_type(declared("total", Scalar(doc="It.", expression=measures.quantity_to_ship), "total"))

    def test_of_an_order_by_text_name_one_that_all_servers_sort_alike(self):
        order = GRAPH.nodes["Order"]
        answers = {"customer_name": order.fields["customerName"].answer}
        made = NodeDeclaration(orders.Order, tables.Order, order.visibility, ("customer_name",), answers=answers)
        with pytest.raises(TypeError, match="'customer_name' is not SORTED"):
            node_type(made)
