"""Groups of lists: what they have in common, what is told of them, and what is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.tables import Product
from app.kernel import clock
from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM
from app.orders.tables import Order, OrderLine, OrderStatus
from app.server.explaining import Asked, explained
from schema.root import GRAPH
from tests.factories import catalog
from tests.graph import GraphClient
from tests.reading.conftest import FilledShop

INT_MAX = 2_147_483_647
BY_VARIABLE = "query($by: [OrderGroupBy!]!) { orders { groups(by: $by) { status currency count } } }"


async def groups(filled: FilledShop, arguments: str, shows: str, **variables: Any) -> Any:
    """The groups of all orders."""
    return (await filled.graph.query(f"{{ orders {{ groups({arguments}) {{ {shows} }} }} }}", variables))["orders"][
        "groups"
    ]


def statement_of(document: str) -> str:
    """The statement that an operator's query becomes."""
    return explained(GRAPH, Asked(document, {}, SYSTEM), DEFAULTS).statement


class TestGroups:
    async def test_are_in_the_order_of_their_keys(self, filled: FilledShop):
        told = await groups(filled, "by: [STATUS]", "status count")
        assert told == sorted(told, key=lambda group: group["status"])
        assert {"status": "CART", "count": 2} in told

    async def test_may_be_the_largest_first(self, filled: FilledShop):
        (largest,) = await groups(filled, "by: [STATUS], sort: COUNT_DESC, first: 1", "status count")
        assert largest == {"status": "CART", "count": 2}

    async def test_without_keys_are_one_even_over_no_rows(self, filled: FilledShop):
        document = """{ orders(where: { number: { eq: "none" } }) {
            all: groups(by: []) { count total { amount } pieces averageTotal { amount } latestPlacedAt }
            plain: groups(by: []) { count pieces }
            none: groups(by: [STATUS]) { count }
            few: groups(by: [], first: 0) { count } } }"""
        assert (await filled.graph.query(document))["orders"] == {
            "all": [{"count": 0, "total": [], "pieces": "0", "averageTotal": [], "latestPlacedAt": None}],
            "plain": [{"count": 0, "pieces": "0"}],
            "none": [],
            "few": [],
        }

    async def test_show_null_for_what_they_are_not_by(self, filled: FilledShop):
        told = await groups(filled, "by: [CURRENCY]", "status customer { id } placedOn currency")
        assert told == [{"status": None, "customer": None, "placedOn": None, "currency": "EUR"}]

    async def test_of_rows_without_a_key_come_last(self, filled: FilledShop):
        for sort in ("KEYS_ASC", "KEYS_DESC"):
            told = await groups(filled, f"by: [PLACED_ON], sort: {sort}", "placedOn count")
            assert [group["placedOn"] is None for group in told] == [False, False, False, True]

    async def test_by_one_key_twice_are_by_it_once(self, filled: FilledShop):
        once = await groups(filled, "by: [STATUS]", "status count")
        assert await groups(filled, "by: [STATUS, STATUS]", "status count") == once

    async def test_may_be_chosen_by_a_variable(self, filled: FilledShop):
        first = await filled.graph.query(BY_VARIABLE, {"by": ["STATUS"]})
        second = await filled.graph.query(BY_VARIABLE, {"by": ["CURRENCY"]})
        assert {group["currency"] for group in first["orders"]["groups"]} == {None}
        assert [group["currency"] for group in second["orders"]["groups"]] == ["EUR"]

    async def test_stand_beside_a_page_and_are_not_cut_by_it(self, filled: FilledShop):
        document = "{ orders(last: 1) { pageInfo { hasPreviousPage } totalCount groups(by: []) { count } } }"
        orders = (await filled.graph.query(document))["orders"]
        assert orders["groups"] == [{"count": orders["totalCount"]}]


class TestRollup:
    def test_reads_the_rows_once_for_their_count_and_all_groups_by_few_keys(self):
        document = """{ orders(where: { channel: { code: { eq: "SHOP" } } }) { totalCount
            a: groups(by: [STATUS]) { status count total { amount } }
            b: groups(by: [CHANNEL, PLACED_ON]) { placedOn count pieces }
            c: groups(by: []) { latestPlacedAt } } }"""
        assert statement_of(document).count("from orders ") == 1

    def test_leaves_alone_what_may_have_a_group_for_each_row(self):
        document = "{ orders { a: groups(by: [CUSTOMER]) { count } b: groups(by: [STATUS]) { count } } }"
        assert statement_of(document).count("from orders ") == 2

    async def test_tells_what_each_group_alone_would(self, filled: FilledShop):
        shown = "count total { amount currency } averageTotal { amount } pieces earliestPlacedAt"
        asked = {"a": "by: [STATUS]", "b": "by: [CHANNEL, CURRENCY]", "c": "by: [PLACED_IN_MONTH]", "d": "by: []"}
        parts = [f"{key}: groups({by}) {{ status currency placedInMonth {shown} }}" for key, by in asked.items()]
        whole = (await filled.graph.query(f"{{ orders {{ totalCount {' '.join(parts)} }} }}"))["orders"]
        for part in parts:
            alone = (await filled.graph.query(f"{{ orders {{ {part} }} }}"))["orders"]
            assert alone.items() <= whole.items()
        assert whole["totalCount"] == whole["d"][0]["count"]


class TestBounds:
    async def test_are_those_of_pages(self, filled: FilledShop):
        asking = f"{{ orders {{ groups(by: [STATUS], first: {DEFAULTS.page_max_staff + 1}) {{ count }} }} }}"
        (error,) = (await filled.graph.response(asking))["errors"]
        assert error["extensions"]["code"] == "PAGE_TOO_LARGE"
        assert error["extensions"]["limit"] == DEFAULTS.page_max_staff

    @pytest.mark.parametrize("zone", ["Nowhere", "", "utc ", "localtime", "x" * 500])
    async def test_refuse_time_zones_that_nobody_knows(self, filled: FilledShop, zone: str):
        asking = "query($z: String) { orders { groups(by: [PLACED_ON], timeZone: $z) { count } } }"
        (error,) = (await filled.graph.response(asking, {"z": zone}))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "America/Sao_Paulo" in error["message"]


class TestVisibility:
    async def test_holds_for_what_rows_are_grouped_by(self, filled: FilledShop):
        document = "{ products { totalCount groups(by: [SUPPLIER]) { count supplier { code } } } }"
        told = (await filled.graph.query(document, by=filled.shop.callers["stranger"]))["products"]
        assert told["groups"] == [{"count": told["totalCount"], "supplier": None}]
        told = (await filled.graph.query(document, by=filled.shop.callers["supplier"]))["products"]
        assert [group["supplier"] for group in told["groups"]] == [{"code": "ACME"}, None]

    async def test_refuses_fields_of_other_roles_however_they_are_asked_for(self, filled: FilledShop):
        for arguments, shows in (
            ("by: [BELOW_REORDER_POINT]", "count"),
            ("by: []", "belowReorderPoint"),
            ("by: []", "onHand"),
            ("by: [LOCATION], sort: ON_HAND_DESC", "count"),
        ):
            document = f"{{ stockLevels {{ groups({arguments}) {{ {shows} }} }} }}"
            refused = await filled.graph.response(document, by=filled.shop.callers["customer"])
            assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
            assert "errors" not in await filled.graph.response(document, by=filled.shop.callers["supplier"])

    async def test_holds_for_the_rows_that_are_counted(self, filled: FilledShop):
        document = "{ orders { totalCount groups(by: []) { count } } }"
        told = (await filled.graph.query(document, by=filled.shop.callers["business"]))["orders"]
        assert told["groups"] == [{"count": told["totalCount"]}]
        assert 0 < told["totalCount"] < (await filled.graph.query(document))["orders"]["totalCount"]


class TestPlaces:
    async def test_of_nested_lists_are_those_of_their_parent(self, filled: FilledShop):
        document = """{ locations(sort: [CODE_ASC]) { nodes { code stockLevels {
            groups(by: []) { count onHand available }
            products: groups(by: [PRODUCT], sort: AVAILABLE_DESC, first: 1) { product { sku } available } } } } }"""
        found = (await filled.graph.query(document))["locations"]["nodes"]
        told = {each["code"]: each["stockLevels"] for each in found}
        assert told["YARD"] == {"groups": [{"count": 0, "onHand": "0", "available": "0"}], "products": []}
        (porto,) = told["PORTO"]["groups"]
        assert porto["count"] == 3
        assert told["A-01"]["products"] == [{"product": {"sku": "TEA"}, "available": "1000000"}]

    async def test_may_have_long_names_and_say_their_type(self, filled: FilledShop):
        long = "k" * 80
        document = f"""{{ orders {{ {long}: groups(by: [CURRENCY]) {{
            __typename c_{long}: currency {long}: total {{ __typename {long}: currency }} }} }} }}"""
        told = (await filled.graph.query(document))["orders"]
        money = {"__typename": "Money", long: "EUR"}
        assert told == {long: [{"__typename": "OrderGroup", f"c_{long}": "EUR", long: [money]}]}


class TestCost:
    @pytest.mark.parametrize(
        ("asked", "cost"),
        [
            ("orders { groups(by: []) { count } }", 52),
            ("orders { groups(by: [STATUS]) { count } }", 61),
            ("orders { groups(by: [STATUS], first: 4) { count } }", 55),
            ("orders { groups(by: [PLACED_ON]) { count } }", 151),
            ("orders { groups(by: [PLACED_ON], first: 30) { count channel { code } } }", 81),
            ("orders { groups(by: [CHANNEL], first: 30) { count channel { code } } }", 111),
        ],
    )
    def test_is_that_of_reading_the_rows_and_one_for_each_group_and_what_it_shows(self, asked: str, cost: int):
        assert explained(GRAPH, Asked(f"{{ {asked} }}", {}, SYSTEM), DEFAULTS).cost == cost

    async def test_is_bounded_down_the_selection(self, filled: FilledShop):
        inner = "orders { groups(by: [PLACED_ON]) { count } }"
        document = f"{{ customers(first: 1000) {{ nodes {{ {inner} }} }} }}"
        (error,) = (await filled.client(DEFAULTS).response(document))["errors"]
        assert error["extensions"]["code"] == "COST_TOO_HIGH"
        assert error["extensions"]["cost"] > error["extensions"]["limit"]


class TestReckoning:
    async def test_never_adds_two_currencies(self, session: AsyncSession, graph: GraphClient):
        await ordered(session, ("EUR", "10.10"), ("EUR", "0.05"), ("JPY", "99999999999999"), ("JPY", "99999999999999"))
        (told,) = await of_orders(graph, "by: []", "count total { amount currency } averageTotal { currency amount }")
        assert told["count"] == 4
        assert told["total"] == [
            {"amount": "10.15", "currency": "EUR"},
            {"amount": "199999999999998", "currency": "JPY"},
        ]
        assert told["averageTotal"] == [
            {"currency": "EUR", "amount": "5.075"},
            {"currency": "JPY", "amount": "99999999999999"},
        ]

    async def test_puts_together_what_has_several_currencies(self, session: AsyncSession, graph: GraphClient):
        first, last = "2026-03-28T22:00:00+00:00", "2026-03-29T22:00:00+00:00"
        found = await ordered(session, ("EUR", "1", last), ("JPY", "2", first), ("EUR", "4", last))
        for order_id in found:
            await lined(session, order_id, ("EUR", 2, None))
        shows = "count pieces total { amount } earliestPlacedAt latestPlacedAt"
        told = {"count": 3, "pieces": "6", "total": [{"amount": "5"}, {"amount": "2"}]}
        (by_nothing,) = await of_orders(graph, "by: []", shows)
        assert by_nothing == {**told, "earliestPlacedAt": first, "latestPlacedAt": last}
        (by_status,) = await of_orders(graph, "by: [STATUS], sort: PIECES_DESC", shows)
        assert by_status == by_nothing

    async def test_leaves_out_currencies_of_which_there_is_no_amount(self, session: AsyncSession, graph: GraphClient):
        (order_id,) = await ordered(session, ("EUR", "0"))
        await lined(session, order_id, ("EUR", 1, "2.5"), ("EUR", 1, None), ("USD", 1, None), ("JPY", 1, "0"))
        told = await of_lines(graph, "count freight { currency amount }")
        freight = [{"currency": "EUR", "amount": "2.5"}, {"currency": "JPY", "amount": "0"}]
        assert told == {"count": 4, "freight": freight}

    async def test_of_whole_numbers_may_be_larger_than_an_int(self, session: AsyncSession, graph: GraphClient):
        (order_id,) = await ordered(session, ("EUR", "1"))
        await lined(session, order_id, *(3 * [("EUR", INT_MAX, None)]))
        assert await of_lines(graph, "quantity") == {"quantity": str(3 * INT_MAX)}


class TestDays:
    INSTANTS = ("2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999Z", "2026-03-29T22:00:00Z")
    """Around the day on which Berlin's clocks go forward, which has 23 hours there."""

    async def test_begin_where_the_time_zone_says(self, session: AsyncSession, graph: GraphClient):
        await ordered(session, *(("EUR", "1", instant) for instant in self.INSTANTS))
        days = {"2026-03-28": 2, "2026-03-29": 2}
        assert await counted(graph, "PLACED_ON", None) == days
        assert await counted(graph, "PLACED_ON", "Europe/Berlin") == {
            "2026-03-28": 1,
            "2026-03-29": 2,
            "2026-03-30": 1,
        }
        assert await counted(graph, "PLACED_IN_WEEK", "Europe/Berlin") == {"2026-03-23": 3, "2026-03-30": 1}
        assert await counted(graph, "PLACED_IN_MONTH", "Pacific/Kiritimati") == {"2026-03-01": 4}

    async def test_may_change_with_a_variable(self, session: AsyncSession, graph: GraphClient):
        await ordered(session, ("EUR", "1", "2025-12-31T23:30:00Z"))
        assert await counted(graph, "PLACED_IN_MONTH", "UTC") == {"2025-12-01": 1}
        assert await counted(graph, "PLACED_IN_MONTH", "Europe/Berlin") == {"2026-01-01": 1}


async def ordered(session: AsyncSession, *orders: tuple[str, ...]) -> list[int]:
    """Orders with a currency and a total, and maybe the instant when they were placed."""
    channel_id = await catalog.channel(session)
    found = []
    for currency, amount, *placed in orders:
        instant = datetime.fromisoformat(placed[0]) if placed else clock.now()
        order = Order(
            status=OrderStatus.PLACED,
            channel_id=channel_id,
            currency=currency,
            subtotal_amount=Decimal(amount),
            total_amount=Decimal(amount),
            placed_at=instant,
        )
        session.add(order)
        await session.flush()
        found.append(order.id)
    await session.commit()
    return found


async def lined(session: AsyncSession, order_id: int, *lines: tuple[str, int, str | None]) -> None:
    """Lines of an order, each with a currency, a quantity and maybe its share of the shipping."""
    product_id = await session.scalar(select(Product.id)) or await catalog.product(session)
    for position, (currency, quantity, freight) in enumerate(lines, start=1):
        session.add(
            OrderLine(
                order_id=order_id,
                position=position,
                product_id=product_id,
                quantity=quantity,
                unit_price_amount=Decimal(0),
                currency=currency,
                freight_amount=None if freight is None else Decimal(freight),
            )
        )
    await session.commit()


async def of_lines(graph: GraphClient, shows: str) -> Any:
    """The one group of all lines of the only order."""
    document = f"{{ orders {{ nodes {{ lines {{ groups(by: []) {{ {shows} }} }} }} }} }}"
    (order,) = (await graph.query(document))["orders"]["nodes"]
    return order["lines"]["groups"][0]


async def of_orders(graph: GraphClient, arguments: str, shows: str) -> Any:
    """The groups of all orders of a database of one's own."""
    return (await graph.query(f"{{ orders {{ groups({arguments}) {{ {shows} }} }} }}"))["orders"]["groups"]


async def counted(graph: GraphClient, by: str, zone: str | None) -> dict[str, int]:
    """How many orders there are in each period."""
    document = """query($by: [OrderGroupBy!]!, $zone: String) { orders { groups(by: $by, timeZone: $zone) {
        placedOn placedInWeek placedInMonth count } } }"""
    told = (await graph.query(document, {"by": [by], "zone": zone}))["orders"]["groups"]
    return {group["placedOn"] or group["placedInWeek"] or group["placedInMonth"]: group["count"] for group in told}
