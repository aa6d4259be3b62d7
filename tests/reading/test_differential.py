"""Random operations: the compiled reading answers what graphql-core answers over a naive reader, in the same order.

`--operations 100000` draws as many new ones, `--callers 1` has each asked by one kind of caller in turn, and `--seed`
draws those of an earlier run again, which its failures name.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.kernel.event_log import decode_cursor
from app.kernel.principal import Role
from resolvers.context import GraphQLRequest
from tests.reading.conftest import FilledShop
from tests.reading.naive import EVENT_CURSOR
from tests.reading.operations import Drawn, drawn_operation

Answer = tuple[bytes, list[tuple[Any, str]]]
CHUNK = 50
"""So many operations are one test, which a worker takes as a whole."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chunk of the operations."""
    if "numbers" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--operations")
        chunks = [range(start, min(start + CHUNK, wanted)) for start in range(0, wanted, CHUNK)]
        metafunc.parametrize("numbers", chunks, ids=[f"{chunk.start}-{chunk.stop - 1}" for chunk in chunks])


@pytest.fixture
def kinds_max(request: pytest.FixtureRequest) -> int | None:
    """How many kinds of callers ask each operation; all where that is None."""
    wanted: int | None = request.config.getoption("--callers")
    return wanted


def callers(filled: FilledShop, number: int, kinds_max: int | None) -> list[str]:
    """One caller of each kind, or in turn of some kinds, another of those with the same roles for each number."""
    kinds: dict[frozenset[Role], list[str]] = {}
    for name, caller in filled.shop.callers.items():
        kinds.setdefault(caller.roles, []).append(name)
    chosen = [names[number % len(names)] for names in kinds.values()]
    return (chosen[number % len(chosen) :] + chosen)[: len(chosen) if kinds_max is None else kinds_max]


async def compiled(filled: FilledShop, drawn: Drawn, caller: str) -> Answer:
    """The data that the graph answers by one statement at the most, and its errors by place and code."""
    statements = filled.graph.pool.statements
    statements.clear()
    request = GraphQLRequest(drawn.document, drawn.variables, drawn.name)
    found = orjson.loads((await filled.graph.execution.execute(request, filled.shop.callers[caller])).body)
    assert drawn.asks or len(statements) <= 1, statements
    errors = [(error.get("path"), error["extensions"]["code"]) for error in found.get("errors", [])]
    return orjson.dumps(found["data"] and without_cursors(found["data"])) if "data" in found else b"", errors


def without_cursors(data: dict[str, Any]) -> dict[str, Any]:
    """The data with its cursors of the event log, which are the only texts at the root but for its type, made alike."""
    cursors = {key: text for key, text in data.items() if isinstance(text, str) and text != "Query"}
    decoded = [decode_cursor(text) for text in cursors.values()]
    assert all(cursor is not None and cursor.snapshot for cursor in decoded), cursors
    return {**data, **dict.fromkeys(cursors, EVENT_CURSOR)}


def expected(filled: FilledShop, drawn: Drawn, caller: str) -> Answer:
    """The same of the naive reader."""
    answered = filled.naive.execute(drawn.document, drawn.variables, filled.shop.callers[caller], name=drawn.name)
    errors = [(error.path, (error.extensions or {}).get("code", error.message)) for error in answered.errors or []]
    return orjson.dumps(answered.data), errors


class TestReading:
    async def test_answers_what_a_naive_reader_does(
        self, filled: FilledShop, numbers: range, seed: str, kinds_max: int | None
    ):
        for number in numbers:
            drawn = drawn_operation(filled.naive, filled.shop, f"{seed} {number}")
            for caller in callers(filled, number, kinds_max):
                found = await compiled(filled, drawn, caller)
                if any(code in drawn.refusals_of(filled.shop.callers[caller]) for _, code in found[1]):
                    continue
                wanted = expected(filled, drawn, caller)
                if drawn.asks:  # its root fields are answered side by side, so their errors come in no order
                    found, wanted = (found[0], sorted(found[1])), (wanted[0], sorted(wanted[1]))
                assert found == wanted, f"--seed {seed!r}, number {number}, asked by {caller}, {drawn}"
