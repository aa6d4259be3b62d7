"""Explaining: a query's plan, cost, statement and parameters are told for people, and what PostgreSQL makes of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.__main__ import commands
from app.kernel.limits import DEFAULTS
from app.kernel.principal import SYSTEM, Role
from app.server.explaining import Asked, asker, explained, variables_of
from app.server.failure import Failure
from resolvers.reading.layout import laid_out
from schema.root import GRAPH
from tests.reading.conftest import FilledShop

NESTED = "{ products { nodes { sku stockLevels(last: 2) { nodes { available } pageInfo { hasNextPage } } } } }"


class TestLayout:
    def test_changes_nothing_but_white_space(self):
        text = explained(GRAPH, Asked(NESTED, {}, SYSTEM), DEFAULTS).statement
        assert "".join(laid_out(text).split()) == "".join(text.split())

    def test_gives_each_clause_a_line(self):
        text = (
            "select a.x, (select count(*) from b) as \"n\" from a where a.x in ('from (', E'\\n') and a.y > $1 limit 3"
        )
        assert laid_out(text).splitlines() == [
            "select",
            "  a.x,",
            '  (select count(*) from b) as "n"',
            "from a",
            "where a.x in ('from (', E'\\n')",
            "  and a.y > $1",
            "limit 3",
        ]

    def test_indents_what_is_inside(self):
        text = "select coalesce((select b.x from b where b.y = " + "z" * 60 + "), 0) from a"
        assert laid_out(text).splitlines() == [
            "select coalesce((",
            "  select b.x",
            "  from b",
            f"  where b.y = {'z' * 60}",
            "), 0)",
            "from a",
        ]


class TestExplained:
    def test_tells_the_plan_the_cost_and_where_values_come_from(self):
        document = "query($sku: String) { product(sku: $sku) { n: name prices(first: 3) { nodes { taxIncluded } } } }"
        told = explained(GRAPH, Asked(document, {"sku": "CUP-1"}, asker("supplier:1")), DEFAULTS)
        assert told.plan == (
            "product: the Product by sku, where visible",
            "  n: name",
            "  prices: the first 3 of Price by product_id in order of channel_id+,id+",
            "    nodes: nodes",
            "      taxIncluded: tax_included",
        )
        assert told.spent == {"requested": 5, "limit": 20_000, "objects": 3, "objectsLimit": 10_000}
        assert told.parameters == (
            "$1 text = 'CUP-1' from $sku",
            "$2 bigint = 1 from the caller's supplier_id",
        )

    def test_takes_the_operation_that_is_named(self):
        document = "query A { products { totalCount } } query B { customers { totalCount } }"
        told = explained(GRAPH, Asked(document, {}, SYSTEM, "B"), DEFAULTS)
        assert told.plan[0].startswith("customers: ")
        with pytest.raises(Failure, match="this document has `A`, `B`"):
            explained(GRAPH, Asked(document, {}, SYSTEM), DEFAULTS)

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
            ("{ products(first: -1) { totalCount } }", "`first` is -1"),
            ("{ __schema { description } }", "`__schema` is answered without a statement"),
        ],
    )
    def test_says_why_there_is_no_statement(self, document: str, said: str):
        with pytest.raises(Failure, match=said.replace("(", r"\(")):
            explained(GRAPH, Asked(document, {}, SYSTEM), DEFAULTS)


class TestArguments:
    def test_name_a_caller(self):
        caller = asker("Customer:7")
        assert (caller.roles, caller.customer_id) == (frozenset({Role.CUSTOMER}), 7)
        assert asker("admin").roles == {Role.ADMIN}

    @pytest.mark.parametrize("text", ["nobody", "admin:1", "customer:x"])
    def test_refuse_a_caller_that_there_is_not(self, text: str):
        with pytest.raises(Failure):
            asker(text)

    @pytest.mark.parametrize("text", ["{", "[]"])
    def test_refuse_variables_that_are_no_object(self, text: str):
        with pytest.raises(Failure):
            variables_of(text)


def lading(address: str, home: Path, *arguments: str) -> Result:
    """What the command answers over the shop."""
    environment = {**os.environ, "DATABASE_URL": address, "REDIS_URL": "redis://127.0.0.1:1", "LADING_HOME": str(home)}
    return CliRunner().invoke(commands, ["explain", *arguments], env=environment)


class TestCommand:
    def test_tells_everything(self, filled: FilledShop, shop_database_url: str, tmp_path: Path):
        document = "query($sku: String) { product(sku: $sku) { name } }"
        given = ("--variables", '{"sku": "CUP-1"}')
        told = lading(shop_database_url, tmp_path, document, *given, "--as", "anonymous")
        assert told.exit_code == 0, told.output
        for heading in ("── plan", "── cost", "── SQL", "── parameters", "── EXPLAIN"):
            assert heading in told.output
        assert "$1 text = 'CUP-1' from $sku" in told.output
        assert "1 of 20000\n0 listed objects of 10000" in told.output
        assert "took" not in told.output

    def test_takes_one_operation_of_several(self, filled: FilledShop, shop_database_url: str, tmp_path: Path):
        document = "query A { products { totalCount } } query B { customers { totalCount } }"
        told = lading(shop_database_url, tmp_path, document, "--operation", "B")
        assert told.exit_code == 0, told.output
        assert "customers" in told.output
        assert "products" not in told.output

    def test_runs_it_where_that_is_asked(self, filled: FilledShop, shop_database_url: str, tmp_path: Path):
        told = lading(shop_database_url, tmp_path, "{ products { nodes { sku } } }", "--analyze")
        assert told.exit_code == 0, told.output
        assert "Execution Time" in told.output
        assert "6 rows, 1 times" in told.output
