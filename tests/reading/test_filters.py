"""Filters by what is no column: parts of values, measures, lists of choices and what holds for every row of a list."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from sqlalchemy import ColumnElement, FromClause

from app.kernel.principal import Role
from app.kernel.visibility import viewer
from app.orders.tables import Order
from resolvers.reading.conditions import Conditions
from resolvers.reading.decoding import same
from resolvers.reading.parameters import Parameters
from resolvers.reading.shapes import Compare
from resolvers.reading.sources import FromViewer, Given, Slot
from schema.answers import Listing, Scalar
from schema.root import GRAPH
from tests.reading.conftest import FilledShop

RESTRICTED = [
    (listing, field.name, field.answer.roles)
    for listing, root in GRAPH.queries.items()
    if isinstance(root.answer, Listing)
    for field in GRAPH.nodes[root.node].fields.values()
    if field.answer.roles is not None and isinstance(field.answer, Scalar)
]
"""Every field that only some roles may read, with the list whose filter has it."""


async def found(filled: FilledShop, listing: str, where: Any, tells: str) -> list[Any]:
    """What one field of the rows of a list tells, of those that match."""
    node = GRAPH.queries[listing].node
    document = f"query($where: {node}Filter) {{ {listing}(where: $where) {{ nodes {{ it: {tells} }} }} }}"
    return [each["it"] for each in (await filled.graph.query(document, {"where": where}))[listing]["nodes"]]


class TestMoney:
    @pytest.mark.parametrize(
        ("where", "holds"),
        [
            ({"amount": {"gte": "36.5"}}, lambda amount, _: amount >= 36.5),
            ({"amount": {"lt": 36.5}, "currency": {"eq": "EUR"}}, lambda amount, unit: amount < 36.5 and unit == "EUR"),
            ({"currency": {"ne": "EUR"}}, lambda _, currency: currency != "EUR"),
            ({"currency": {"in": []}}, lambda *_: False),
            ({"isNull": True}, lambda *_: False),
            ({"isNull": None, "amount": None}, lambda *_: True),
            ({}, lambda *_: True),
        ],
    )
    async def test_is_compared_by_its_parts(self, filled: FilledShop, where: dict[str, Any], holds: Any):
        whole = await found(filled, "orders", {}, "total { amount currency }")
        assert len({each["amount"] for each in whole}) > 2
        matching = await found(filled, "orders", {"total": where}, "total { amount currency }")
        assert matching == [each for each in whole if holds(float(each["amount"]), each["currency"])]

    async def test_that_is_not_there_has_no_currency(self, filled: FilledShop):
        document = """query($some: OrderLineFilter) { orders(where: { lines: { some: $some } }) { totalCount } }"""
        for some, any_ in (
            ({"freight": {"currency": {"eq": "EUR"}}}, False),
            ({"freight": {"currency": {"isNull": True}}}, True),
            ({"freight": {"currency": {"eq": None}}}, True),
            ({"freight": {"isNull": True}}, True),
            ({"freight": {"isNull": False}}, False),
            ({"unitPrice": {"currency": {"eq": "EUR"}}}, True),
        ):
            told = (await filled.graph.query(document, {"some": some}))["orders"]["totalCount"]
            assert bool(told) is any_, some

    async def test_reads_no_more_than_its_column_where_it_is_always_there(self, filled: FilledShop):
        await found(filled, "orders", {"total": {"currency": {"eq": "EUR"}}}, "number")
        assert "is not null" not in filled.graph.pool.statements[-1]


class TestAddress:
    async def test_is_compared_by_its_parts(self, filled: FilledShop):
        assert await found(filled, "customers", {"address": {"city": {"eq": "Lisboa"}}}, "number") == ["C-1"]
        assert await found(filled, "customers", {"address": {"countryCode": {"in": ["DE", "FR"]}}}, "number") == ["C-2"]
        assert await found(filled, "customers", {"address": {"city": {"contains": "lis"}}}, "number") == ["C-1"]
        assert await found(filled, "suppliers", {"address": {"isNull": True}}, "code") == ["RIVAL"]
        assert await found(filled, "suppliers", {"address": {"isNull": False}}, "code") == ["ACME"]


class TestMeasures:
    async def test_that_are_filterable_are_compared_row_by_row(self, filled: FilledShop):
        whole = await found(filled, "stockLevels", {}, "available")
        for name in ("eq", "ne", "lt", "lte", "gt", "gte"):
            told = await found(filled, "stockLevels", {"available": {name: 5}}, "available")
            assert told == [
                each for each in whole if getattr(operator, {"lte": "le", "gte": "ge"}.get(name, name))(each, 5)
            ]
        assert await found(filled, "products", {"available": {"gt": 2**31 - 2}}, "sku") == []
        assert await found(filled, "locations", {"isSite": {"eq": False}}, "code") == ["A-01"]

    def test_may_speak_of_the_caller(self):
        def is_own(order: FromClause) -> ColumnElement[bool]:
            return order.c.customer_id == viewer("customer_id")

        parameters, yes = Parameters(), Given(constant=True)
        conditions = Conditions(parameters, frozenset({Role.CUSTOMER}), lambda node: node.name)
        told = conditions.where(Compare(Order, is_own, "eq", Slot(yes, same, "boolean")), "order_1")
        assert told == "(order_1.customer_id = $1::bigint) = $2::boolean"
        assert [slot.source for slot in parameters.slots()] == [FromViewer("viewer_customer_id"), yes]

    def test_are_offered_only_where_they_are_declared_so(self):
        kind = GRAPH.schema.type_map["OrderFilter"]
        assert not {"pieces", "allowedActions"} & set(getattr(kind, "fields", {}))


class TestListsOfChoices:
    @pytest.mark.parametrize(("role", "names"), [("CARRIER", ["Scanner"]), ("ADMIN", []), (None, ["Till", "Scanner"])])
    async def test_have_what_is_among_them(self, filled: FilledShop, role: str | None, names: list[str]):
        assert await found(filled, "apiKeys", {"roles": {"has": role}}, "name") == names


class TestEvery:
    async def test_holds_for_all_rows_that_the_caller_sees_and_where_there_are_none(self, filled: FilledShop):
        document = """query($every: PriceFilter) {
          products(where: { prices: { every: $every } }, sort: SKU_ASC) { nodes { sku } } }"""
        for every, skus in (
            ({"taxIncluded": {"eq": True}}, ["CUP-2", "OLD", "TEA"]),
            ({"amount": {"amount": {"gt": 1}}}, ["CUP-1", "DRAFT", "OLD", "TEA", "mug"]),
            ({}, ["CUP-1", "CUP-2", "DRAFT", "OLD", "TEA", "mug"]),
        ):
            nodes = (await filled.graph.query(document, {"every": every}))["products"]["nodes"]
            assert [node["sku"] for node in nodes] == skus


class TestRoles:
    @pytest.mark.parametrize(("listing", "name", "roles"), RESTRICTED)
    async def test_hold_for_filters_as_for_selections(
        self, filled: FilledShop, listing: str, name: str, roles: frozenset[Role]
    ):
        document = f"{{ {listing}(where: {{ {name}: {{ isNull: true }} }}) {{ totalCount }} }}"
        for caller in filled.shop.callers.values():
            answer = await filled.graph.response(document, by=caller)
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert ("FORBIDDEN" in codes) is not bool(caller.roles & roles)
