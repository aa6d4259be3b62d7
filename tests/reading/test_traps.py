"""What breaks a naive compiler of readings: each trap has a test, over the filled shop."""

from __future__ import annotations

from typing import Any

import pytest

from app.kernel.identity import encode_id
from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM, Role
from app.server.explaining import Asked, explained
from schema.answers import Listing, Value
from schema.root import GRAPH
from tests.reading.conftest import FilledShop

NULLS = [
    "query($it: Boolean = true) { products { totalCount @skip(if: $it) } }",
    'query($it: [ID!] = ["x"]) { nodes(ids: $it) { id } }',
    'query($it: ID = "x") { node(id: $it) { id } }',
    'query($it: String = "x") { cart(token: $it) { id } }',
    'query($it: String = "x") { products(where: { sku: { in: ["y", $it] } }) { totalCount } }',
    "query($it: ProductFilter = {}) { products(where: { or: [$it] }) { totalCount } }",
    "query($it: ProductSort = SKU_ASC) { products(sort: [$it]) { totalCount } }",
]
"""Operations in which the variable `it` may be null by its own type, and not where it is used."""

CUPS = ["CUP-1", "CUP-2"]

RESTRICTED = [
    (node.name, f"{field.name} {{ __typename }}" if isinstance(field.answer, Value) else field.name, field.answer.roles)
    for node in GRAPH.nodes.values()
    for field in node.fields.values()
    if field.answer.roles is not None
]
"""Every field that only some roles may read."""

RESTRICTED_SORTS = [
    (node.name, name, roles)
    for node in GRAPH.nodes.values()
    for name, sort in node.sorts.items()
    if (roles := node.fields[sort.field].answer.roles) is not None
]
"""Every order by such a field."""


def skus(data: dict[str, Any]) -> list[str]:
    """The SKUs of the products that were listed."""
    return [node["sku"] for node in data["products"]["nodes"]]


async def cursors(filled: FilledShop, sort: str = "SKU_ASC") -> dict[str, str]:
    """The cursor of each product in an order, by its SKU."""
    document = f"{{ products(sort: [{sort}]) {{ edges {{ cursor node {{ sku }} }} }} }}"
    edges = (await filled.graph.query(document))["products"]["edges"]
    return {edge["node"]["sku"]: edge["cursor"] for edge in edges}


class TestLists:
    async def test_written_in_the_document_are_one_parameter(self, filled: FilledShop):
        document = '{ products(where: { sku: { in: ["CUP-1", "CUP-2"] } }, sort: [SKU_ASC]) { nodes { sku } } }'
        assert skus(await filled.graph.query(document)) == CUPS

    async def test_may_be_given_as_their_only_item(self, filled: FilledShop):
        document = '{ products(where: { or: { sku: { in: "CUP-1" } } }, sort: SKU_ASC) { nodes { sku } } }'
        assert skus(await filled.graph.query(document)) == ["CUP-1"]
        document = "query($w: ProductFilter) { products(where: $w) { nodes { sku } } }"
        given = {"w": {"or": {"sku": {"in": "CUP-2"}}}}
        assert skus(await filled.graph.query(document, given)) == ["CUP-2"]

    async def test_of_ids_written_in_the_document_find_their_objects(self, filled: FilledShop):
        cup = encode_id("Product", 1)
        found = await filled.graph.query(f'{{ nodes(ids: ["{cup}", "junk"]) {{ id }} }}')
        assert found["nodes"] == [{"id": cup}, None]

    async def test_that_are_empty_match_nothing(self, filled: FilledShop):
        for document in (
            "{ products(where: { sku: { in: [] } }) { totalCount } }",
            "{ products(where: { id: { in: [] } }) { totalCount } }",
            "{ products(where: { or: [] }) { totalCount } }",
        ):
            assert (await filled.graph.query(document))["products"]["totalCount"] == 0
        assert (await filled.graph.query("{ nodes(ids: []) { id } }"))["nodes"] == []


class TestFilters:
    async def test_are_bounded_in_all_their_conditions(self, filled: FilledShop):
        document = "query($where: ProductFilter) { products(where: $where) { totalCount } }"
        for many in (
            {"or": [{"sku": {"eq": "x"}}] * 251},
            {"and": [{"not": {"prices": {"some": {"taxIncluded": {"eq": True}}}}}] * 200},
        ):
            (error,) = await filled.graph.errors(document, {"where": many})
            assert error["extensions"]["code"] == "FILTER_TOO_LONG"
            assert error["extensions"]["found"] > error["extensions"]["limit"] == 250

    async def test_are_bounded_in_the_values_of_a_list_on_every_request(self, filled: FilledShop):
        for name, value in (("sku", "x"), ("id", encode_id("Product", 1))):
            document = f"query($in: [{'ID' if name == 'id' else 'String'}!]) {{"
            document += f" products(where: {{ {name}: {{ in: $in }} }}) {{ totalCount }} }}"
            await filled.graph.query(document, {"in": [value]})
            (error,) = await filled.graph.errors(document, {"in": [value] * 1_001})
            assert (error["extensions"]["code"], error["extensions"]["found"]) == ("FILTER_TOO_LONG", 1_001)

    async def test_may_be_nested_only_so_deep(self, filled: FilledShop):
        where: dict[str, Any] = {}
        for _ in range(9):
            where = {"not": where}
        document = "query($where: ProductFilter) { products(where: $where) { totalCount } }"
        assert await filled.graph.code(document, {"where": where}) == "FILTER_TOO_DEEP"

    async def test_cost_what_they_look_at_in_every_depth(self, filled: FilledShop):
        some = "{ some: { onHand: { gt: 1 }, location: { code: { eq: $code } } } }"
        document = f"query($code: String) {{ products(first: 2, where: {{ or: [{{ stockLevels: {some} }}] }}) {{"
        told = explained(GRAPH, Asked(document + " nodes { sku } } }", {"code": "PORTO"}, SYSTEM), DEFAULTS)
        assert told.cost == 1 + 2 + 4

    async def test_by_null_find_what_is_null(self, filled: FilledShop):
        document = "query($where: ProductFilter) { products(where: $where, sort: SKU_ASC) { nodes { sku } } }"
        for where, found in (
            ({"gtin": {"eq": None}}, ["CUP-2", "DRAFT", "OLD", "TEA", "mug"]),
            ({"gtin": {"ne": None}}, ["CUP-1", "CUP-2", "DRAFT", "OLD", "TEA", "mug"]),
            ({"gtin": {"ne": "4006381333931"}}, []),
            ({"not": {"gtin": {"eq": "4006381333931"}}}, ["CUP-2", "DRAFT", "OLD", "TEA", "mug"]),
            ({"supplier": {}}, ["CUP-1", "CUP-2", "DRAFT", "mug"]),
            ({"supplier": None}, ["CUP-1", "CUP-2", "DRAFT", "OLD", "TEA", "mug"]),
        ):
            assert skus(await filled.graph.query(document, {"where": where})) == found

    async def test_by_more_and_less_compare_texts_alike_on_every_server(self, filled: FilledShop):
        document = (
            '{ products(where: { description: { gt: "A" }, sku: { lte: "a" } }, sort: SKU_ASC) { nodes { sku } } }'
        )
        assert skus(await filled.graph.query(document)) == ["CUP-1"]
        assert filled.graph.pool.statements[0].count('::text collate "C"') == 2

    async def test_tell_nothing_of_rows_that_are_hidden(self, filled: FilledShop):
        by = filled.shop.callers["stranger"]
        for where in (
            '{ supplier: { code: { eq: "ACME" } } }',
            '{ stockLevels: { some: { location: { code: { eq: "A-01" } } } } }',
        ):
            found = await filled.graph.query(f"{{ products(where: {where}) {{ totalCount }} }}", by=by)
            assert found["products"]["totalCount"] == 0


class TestVariables:
    @pytest.mark.parametrize("document", NULLS)
    async def test_are_not_null_where_there_must_be_a_value(self, filled: FilledShop, document: str):
        assert await filled.graph.code(document, {"it": None}) == "BAD_USER_INPUT"

    @pytest.mark.parametrize("document", NULLS)
    async def test_have_their_defaults_where_they_are_left_out(self, filled: FilledShop, document: str):
        assert "data" in await filled.graph.response(document)

    @pytest.mark.parametrize("given", ["3", 3.5, 2**31, True, [1], {}])
    async def test_of_the_wrong_type_are_refused(self, filled: FilledShop, given: object):
        document = "query($first: Int) { products(first: $first) { totalCount } }"
        assert await filled.graph.code(document, {"first": given}) == "BAD_USER_INPUT"

    async def test_that_are_null_ask_for_nothing_where_they_may_be(self, filled: FilledShop):
        document = """query($first: Int, $after: String, $where: ProductFilter, $sort: [ProductSort!]) {
          products(first: $first, after: $after, where: $where, sort: $sort) { totalCount } }"""
        nothing = dict.fromkeys(("first", "after", "where", "sort"))
        assert (await filled.graph.query(document, nothing))["products"]["totalCount"] == 6

    async def test_of_our_own_scalars_are_taken_in_every_form(self, filled: FilledShop):
        document = "query($where: TrackingEventFilter) { trackingEvents(where: $where) { totalCount } }"
        for latitude in ("40.20", 40.2, "402e-1"):
            found = await filled.graph.query(document, {"where": {"latitude": {"eq": latitude}}})
            assert found["trackingEvents"]["totalCount"] == 1
        for instant in ("2026-03-03T08:30:15.250001Z", "2026-03-03T14:00:15.250001+05:30"):
            found = await filled.graph.query(document, {"where": {"occurredAt": {"eq": instant}}})
            assert found["trackingEvents"]["totalCount"] == 2


class TestPages:
    async def test_counted_from_the_end_are_one_even_where_no_row_of_them_is_shown(self, filled: FilledShop):
        document = """{
          many: products(last: 2) { __typename totalCount }
          none: products(last: 2, where: { sku: { eq: "none" } }) { totalCount pageInfo { __typename } }
          seen: products(last: 2) { pageInfo { hasNextPage } }
        }"""
        assert await filled.graph.query(document) == {
            "many": {"__typename": "ProductConnection", "totalCount": 6},
            "none": {"totalCount": 0, "pageInfo": {"__typename": "PageInfo"}},
            "seen": {"pageInfo": {"hasNextPage": False}},
        }

    async def test_between_two_cursors_know_what_lies_around_them(self, filled: FilledShop):
        at = await cursors(filled)
        document = """query($after: String, $before: String, $first: Int, $last: Int) {
          products(sort: [SKU_ASC], after: $after, before: $before, first: $first, last: $last) {
            nodes { sku } pageInfo { hasPreviousPage hasNextPage } } }"""
        around = {"after": at["CUP-1"], "before": at["OLD"]}
        for size in ({}, {"last": 9}):
            data = await filled.graph.query(document, {**around, **size})
            assert skus(data) == ["CUP-2", "DRAFT"]
            assert data["products"]["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": True}
        data = await filled.graph.query(document, {"before": at["CUP-2"]})
        assert data["products"]["pageInfo"] == {"hasPreviousPage": False, "hasNextPage": True}

    async def test_are_in_the_first_of_two_orders_by_one_column(self, filled: FilledShop):
        document = "{ products(sort: [SKU_ASC, SKU_DESC], first: 2) { nodes { sku } } }"
        assert skus(await filled.graph.query(document)) == CUPS

    async def test_look_for_what_lies_around_them_only_if_asked(self, filled: FilledShop):
        at = await cursors(filled)
        document = "query($after: String) { products(sort: [SKU_ASC], after: $after) { pageInfo { endCursor } } }"
        await filled.graph.query(document, {"after": at["CUP-1"]})
        (statement,) = filled.graph.pool.statements
        assert "exists" not in statement


class TestKeys:
    async def test_may_be_many_and_longer_than_a_column_name(self, filled: FilledShop):
        long = "k" * 64
        many = " ".join(f"a{number}: sku" for number in range(120))
        document = f"""{{ product(sku: "CUP-1") {{ {many} {long}: name price: prices {{
          pageInfo {{ {" ".join(f"p{number}: hasNextPage" for number in range(49))} {long}: endCursor }} }} }} }}"""
        found = (await filled.graph.query(document))["product"]
        assert list(found) == [*(f"a{number}" for number in range(120)), long, "price"]
        assert found[long] == "Cup"
        assert len(found["price"]["pageInfo"]) == 50

    async def test_of_one_field_with_different_arguments_stand_apart(self, filled: FilledShop):
        document = """{ product(sku: "CUP-1") {
          two: stockLevels(first: 2) { totalCount nodes { location { code } } }
          one: stockLevels(last: 1) { nodes { location { code } } }
          none: stockLevels(first: 0) { nodes { id } pageInfo { hasNextPage startCursor endCursor } }
        } }"""
        assert (await filled.graph.query(document))["product"] == {
            "two": {"totalCount": 2, "nodes": [{"location": {"code": "PORTO"}}, {"location": {"code": "BERLIN"}}]},
            "one": {"nodes": [{"location": {"code": "BERLIN"}}]},
            "none": {"nodes": [], "pageInfo": {"hasNextPage": True, "startCursor": None, "endCursor": None}},
        }

    async def test_of_one_list_selected_twice_are_merged(self, filled: FilledShop):
        document = """query { products(first: 1) { nodes { sku } } ...More }
        fragment More on Query { products(first: 1) { nodes { ... on Node { id } name } totalCount } }"""
        found = (await filled.graph.query(document))["products"]
        assert list(found["nodes"][0]) == ["sku", "id", "name"]
        assert found["totalCount"] == 6

    async def test_that_are_all_skipped_leave_an_empty_object(self, filled: FilledShop):
        document = """{ products(first: 1) { nodes { sku @skip(if: true) } pageInfo { endCursor @include(if: false) } }
          gone: products @skip(if: true) { totalCount } }"""
        assert await filled.graph.query(document) == {"products": {"nodes": [{}], "pageInfo": {}}}


class TestValues:
    async def test_that_are_decimal_are_exact_text(self, filled: FilledShop):
        document = '{ channel(code: "WEB") { prices { nodes { product { sku } amount { amount } } } } }'
        prices = (await filled.graph.query(document))["channel"]["prices"]["nodes"]
        told = {price["product"]["sku"]: price["amount"]["amount"] for price in prices}
        assert told == {"CUP-1": "12.5", "CUP-2": "0.1", "mug": "9000000000.0001", "DRAFT": "7"}

    async def test_that_are_instants_are_told_by_rfc_3339_in_utc(self, filled: FilledShop):
        document = '{ shipment(number: "S-10000001") { trackingEvents(first: 1) { nodes { occurredAt latitude } } } }'
        (event,) = (await filled.graph.query(document))["shipment"]["trackingEvents"]["nodes"]
        assert event == {"occurredAt": "2026-03-03T08:30:15.250001+00:00", "latitude": "40.2"}

    async def test_that_are_large_keep_every_digit(self, filled: FilledShop):
        found = (await filled.graph.query('{ product(sku: "TEA") { weightGrams available } }'))["product"]
        assert found == {"weightGrams": 2_147_483_647, "available": 5}

    async def test_that_hold_signs_of_json_come_out_as_they_are(self, filled: FilledShop):
        found = (await filled.graph.query('{ product(sku: "CUP-1") { description externalReferences { value } } }'))[
            "product"
        ]
        assert found["description"] == 'A "cup" of 100 % porcelain,\nwith a \\ on it: ☕'
        assert [each["value"] for each in found["externalReferences"]] == ['x"1', "é/2"]

    async def test_that_are_absent_are_null_and_empty(self, filled: FilledShop):
        document = (
            '{ product(sku: "OLD") { gtin supplier { name } externalReferences { value } prices { nodes { id } } } }'
        )
        found = (await filled.graph.query(document))["product"]
        assert found == {"gtin": None, "supplier": None, "externalReferences": [], "prices": {"nodes": []}}


class TestVisibility:
    async def test_hides_what_a_visible_row_names(self, filled: FilledShop):
        document = '{ product(sku: "CUP-1") { supplier { name } } }'
        told = {
            name: (await filled.graph.query(document, by=caller))["product"]["supplier"]
            for name, caller in filled.shop.callers.items()
            if name in {"admin", "supplier", "stranger"}
        }
        assert told == {"admin": {"name": "Acme"}, "supplier": {"name": "Acme"}, "stranger": None}

    async def test_is_what_either_of_two_roles_sees(self, filled: FilledShop):
        document = "{ products { nodes { sku } } orders { totalCount } suppliers { nodes { code } } }"
        both = await filled.graph.query(document, by=filled.shop.callers["customer and supplier"])
        assert both["suppliers"]["nodes"] == [{"code": "RIVAL"}]
        assert both["orders"] == (await filled.graph.query(document, by=filled.shop.callers["customer"]))["orders"]

    async def test_of_a_cart_comes_with_its_token(self, filled: FilledShop):
        document = """query($token: String!) {
          cart(token: $token) { id holds { totalCount } lines { nodes { quantity order { status } } } }
        }"""
        by = filled.shop.callers["stranger"]
        cart = (await filled.graph.query(document, {"token": filled.shop.cart_token}, by=by))["cart"]
        assert cart["lines"]["nodes"] == [{"quantity": 1, "order": {"status": "CART"}}] * 2
        assert cart["holds"]["totalCount"] == 0
        assert await filled.graph.code(document, {"token": "another"}, by=by) == "NOT_FOUND"
        assert (
            await filled.graph.code("query($id: ID!) { node(id: $id) { id } }", {"id": cart["id"]}, by=by)
            == "NOT_FOUND"
        )

    @pytest.mark.parametrize(("node", "field", "roles"), RESTRICTED)
    async def test_refuses_a_field_to_those_who_may_not_read_it(
        self, filled: FilledShop, node: str, field: str, roles: frozenset[Role]
    ):
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on {node} {{ {field} }} }} }}"
        given = {"id": encode_id(node, 1)}
        for caller in filled.shop.callers.values():
            answer = await filled.graph.response(document, given, by=caller)
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert ("FORBIDDEN" in codes) is not bool(caller.roles & roles)

    @pytest.mark.parametrize(("node", "sort", "roles"), RESTRICTED_SORTS)
    async def test_refuses_an_order_to_those_who_may_not_read_what_it_is_by(
        self, filled: FilledShop, node: str, sort: str, roles: frozenset[Role]
    ):
        listing = next(
            name for name, field in GRAPH.queries.items() if field.node == node and isinstance(field.answer, Listing)
        )
        document = f"{{ {listing}(sort: [{sort}]) {{ totalCount }} }}"
        for caller in filled.shop.callers.values():
            answer = await filled.graph.response(document, by=caller)
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert ("FORBIDDEN" in codes) is not bool(caller.roles & roles)
