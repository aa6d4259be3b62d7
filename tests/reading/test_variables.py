"""Variables: coerced as graphql-core coerces them, and those that size a page make a plan of their own."""

import base64

import orjson
import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values

from app.kernel.identity import encode_id
from app.kernel.limits import DEFAULTS
from resolvers.reading.documents import Documents
from resolvers.reading.variables import variables_of
from schema.root import GRAPH

KINDS = ("String", "String!", "ID", "ID!", "Int", "Int!", "Boolean", "Boolean!", "DateTime", "[Int!]", "ProductFilter")
VALUES: tuple[object, ...] = (
    "a",
    "",
    1,
    0,
    -(2**31),
    2**31 - 1,
    2**31,
    1.0,
    1.5,
    True,
    False,
    None,
    [1],
    [True],
    {},
    {"sku": {"eq": "a"}},
)


def cursor(*keys: object) -> str:
    """A cursor with these keys."""
    return base64.b64encode(orjson.dumps(["placed_at+,id+", *keys])).decode()


def coerced(kind, given, default=""):
    """What our coercion and graphql-core's make of the same."""
    operation = parse(f"query($it: {kind}{default}) {{ __typename }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    declared = variables_of(GRAPH.schema, operation)
    told = declared.coerced(GRAPH.schema, given)
    asked = get_variable_values(GRAPH.schema, operation.variable_definitions or (), dict(given))
    return told, asked


class TestVariables:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("default", ["", " = null"])
    def test_are_what_graphql_core_makes_of_them(self, kind, default):
        if kind.endswith("!") and default:
            default = ""
        for given in ({}, *({"it": value} for value in VALUES)):
            told, asked = coerced(kind, given, default)
            if not isinstance(asked, VariableValues):
                assert [error.message for error in told] == [error.message for error in asked]
                continue
            assert told.coerced == asked.coerced
            assert [type(value) for value in told.coerced.values()] == [type(value) for value in asked.coerced.values()]
            assert told.sources.keys() == asked.sources.keys()


class TestOperationKey:
    documents = Documents(GRAPH.schema, DEFAULTS)

    def key(self, document: str, **variables: object):
        return self.documents.operation(document, None, variables).key

    def test_is_one_for_all_values_that_are_bound(self):
        document = "query($sku: String) { product(sku: $sku) { name } }"
        assert self.key(document, sku="a") == self.key(document, sku="b")

    def test_is_another_for_each_length_of_a_page(self):
        document = "query($size: Int) { products(first: $size) { nodes { name } } }"
        assert self.key(document, size=1) != self.key(document, size=2)
        assert self.key(document, size=None) != self.key(document, size=2)

    def test_knows_the_length_of_a_page_inside_a_fragment(self):
        document = "query($size: Int) { ...R } fragment R on Query { products(last: $size) { nodes { name } } }"
        assert self.key(document, size=1) != self.key(document, size=2)

    def test_is_another_for_each_pattern_of_nulls_in_a_cursor(self):
        document = "query($at: String) { orders(sort: PLACED_AT_ASC, after: $at) { nodes { id } } }"
        there, other, null = (cursor(*keys) for keys in (("2026-03-02", 1), ("2026-03-03", 2), (None, 3)))
        assert self.key(document, at=there) == self.key(document, at=other) == self.key(document, at="junk")
        assert self.key(document, at=null) != self.key(document, at=there)
        assert self.key(document, at=null) == self.key(document, at=cursor(None, 4))

    def test_is_one_for_all_cursors_that_only_look_like_others(self):
        document = "query($name: String) { orders(where: { customerName: { eq: $name } }) { nodes { id } } }"
        assert self.key(document, name=cursor(None, 3)) == self.key(document, name="Ines")

    def test_is_one_for_a_number_that_is_no_length(self):
        document = "query($n: Int) { stockLevels(where: { onHand: { eq: $n } }) { nodes { id } } }"
        assert self.key(document, n=1) == self.key(document, n=2)

    @pytest.mark.parametrize(
        ("asked", "beside", "one", "other"),
        [
            ("$x: Boolean!", "$x: String", True, False),
            ("$x: OrderFilter", "$x: String", {"status": {"eq": "PLACED"}}, {"number": {"eq": "1"}}),
            ("$x: OrderFilter", "$x: Int", {"status": {"eq": "PLACED"}}, {"number": {"eq": "1"}}),
        ],
    )
    def test_knows_a_variable_from_one_of_that_name_in_another_operation(self, asked, beside, one, other):
        uses = {
            "$x: Boolean!": "orders { nodes { id number @include(if: $x) } }",
            "$x: OrderFilter": "orders(where: $x) { nodes { id } }",
            "$x: String": "orders(after: $x) { nodes { id } }",
            "$x: Int": "orders(first: $x) { nodes { id } }",
        }
        document = f"query A({asked}) {{ {uses[asked]} }} query B({beside}) {{ {uses[beside]} }}"
        keys = [self.documents.operation(document, "A", {"x": value}).key for value in (one, other)]
        assert len(set(keys)) == 2

    def test_knows_what_a_variable_chooses_in_each_operation(self):
        document = """query A($x: String) { orders(sort: PLACED_AT_ASC, after: $x) { nodes { id } } }
        query B($x: Int) { orders(first: $x) { nodes { id } } } query C($x: ID!) { node(id: $x) { id } }"""
        for name, one, other in (
            ("A", cursor("2026-03-02", 1), cursor(None, 1)),
            ("B", 1, 2),
            ("C", encode_id("Product", 1), encode_id("Order", 1)),
        ):
            keys = [self.documents.operation(document, name, {"x": value}).key for value in (one, other)]
            assert len(set(keys)) == 2

    def test_is_one_for_all_ids_but_those_of_any_type(self):
        product, other, order = encode_id("Product", 1), encode_id("Product", 2), encode_id("Order", 1)
        for bound in (
            "query($id: ID) { product(id: $id) { name } }",
            "query($id: ID!) { products(where: { id: { in: [$id] } }) { nodes { name } } }",
        ):
            assert self.key(bound, id=product) == self.key(bound, id=order) == self.key(bound, id="junk")
        whole = "query($where: ProductFilter) { products(where: $where) { nodes { name } } }"
        assert self.key(whole, where={"id": {"in": [product]}}) == self.key(whole, where={"id": {"in": [order, "x"]}})
        for choosing in (
            "query($id: ID!) { node(id: $id) { id } }",
            "query($id: ID!) { nodes(ids: [$id]) { id } }",
            "query($id: ID!) { ...R } fragment R on Query { node(id: $id) { id } }",
        ):
            assert self.key(choosing, id=product) == self.key(choosing, id=other)
            assert len({self.key(choosing, id=each) for each in (product, order, "junk")}) == 3
        several = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert self.key(several, ids=[product]) == self.key(several, ids=[other])
        assert len({self.key(several, ids=each) for each in ([product], [order], [product, order], [])}) == 4
