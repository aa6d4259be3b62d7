"""Random operations: the compiled reading answers what graphql-core answers over a naive reader, in the same order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from resolvers.context import GraphQLRequest
from tests.reading.conftest import FilledShop
from tests.reading.naive import Naive
from tests.reading.operations import Drawn, operations

Answer = tuple[bytes, list[tuple[Any, str]]]
DEFAULT = 300
"""So many operations are the same ones each time; more, by `--operations`, are new ones."""


async def compiled(filled: FilledShop, drawn: Drawn) -> Answer:
    """The data that the graph answers by one statement at the most, and its errors by place and code."""
    statements = filled.graph.pool.statements
    statements.clear()
    request = GraphQLRequest(drawn.document, drawn.variables)
    found = orjson.loads((await filled.graph.execution.execute(request, filled.shop.callers[drawn.caller])).body)
    assert len(statements) <= 1, statements
    assert "data" in found, found
    errors = [(error["path"], error["extensions"]["code"]) for error in found.get("errors", [])]
    return orjson.dumps(found["data"]), errors


def expected(filled: FilledShop, naive: Naive, drawn: Drawn) -> Answer:
    """The same of the naive reader."""
    answered = naive.execute(drawn.document, drawn.variables, filled.shop.callers[drawn.caller])
    errors = [(error.path, (error.extensions or {}).get("code", error.message)) for error in answered.errors or []]
    return orjson.dumps(answered.data), errors


class TestReading:
    def test_answers_what_a_naive_reader_does(self, filled: FilledShop, request: pytest.FixtureRequest):
        naive = Naive(filled.world)
        wanted = request.config.getoption("--operations")

        @settings(
            max_examples=wanted,
            derandomize=wanted == DEFAULT,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(operations(naive, filled.shop))
        def answers_alike(drawn: Drawn) -> None:
            assert filled.loop.run_until_complete(compiled(filled, drawn)) == expected(filled, naive, drawn)

        answers_alike()
