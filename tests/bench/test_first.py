"""The operations that are asked for the first time are new, valid and different from one another."""

import gc
import time

import pytest
from graphql import parse, validate

from app.kernel.limits import DEFAULTS
from bench.first import COLD, COLLECTION, COUNT, KINDS, POINTS, WARMING, clocked
from resolvers.reading.documents import Documents
from schema.root import GRAPH


@pytest.mark.parametrize("kind", KINDS)
class TestOperations:
    def test_differ(self, kind: str):
        every = range(COUNT + WARMING + COLD)
        bodies = {KINDS[kind](number).split("{", 1)[1] for number in every}
        assert len(bodies) == len(every)

    def test_are_valid(self, kind: str):
        for number in range(0, COUNT, 20):
            assert validate(GRAPH.schema, parse(KINDS[kind](number))) == []


class TestClock:
    def test_notes_each_stage_and_leaves_no_trace(self):
        spent: dict[str, float] = {}
        before = [getattr(owner, name) for _, owner, name in POINTS]
        collectors, began = list(gc.callbacks), time.process_time()
        with clocked(spent):
            Documents(GRAPH.schema, DEFAULTS).document("{ products { totalCount } }")
            gc.collect()
        assert 0 < spent[COLLECTION] <= 1_000 * (time.process_time() - began)
        assert collectors == gc.callbacks
        assert all(spent[stage] > 0 for stage in ("parse", "bound", "validate"))
        assert [getattr(owner, name) for _, owner, name in POINTS] == before
