"""All servers answer the same, or the comparison is none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from app.server.failure import Failure
from bench.asked import Read
from bench.servers import Server

STEP = 7
"""Of the variants of a read every so manieth is compared."""
NATURAL_KEYS = ("number", "sku", "code")
"""What tells rows apart in every server's answers."""


def agree(started: Sequence[Server], reads: Sequence[Read]) -> None:
    """All servers answer the same rows, and the limit the very bytes that we do; Failure where they do not."""
    for read in reads:
        for number in range(0, len(started[0].bodies[read.name]), STEP):
            agree_on(read, number, started)


def agree_on(read: Read, number: int, started: Sequence[Server]) -> None:
    """All servers answer one request alike."""
    ours, limit, *others = [server.answer(server.bodies[read.name][number]) for server in started]
    if ours != limit:
        raise Failure(f"{read.title}: the limit does not answer the bytes that we do.")
    told = read.told or rows_of
    wanted = told(json.loads(ours)["data"])
    for peer, answer in zip(started[2:], others, strict=True):
        if told(json.loads(answer)["data"]) != wanted:
            raise Failure(f"{read.title}: {peer.title} answers other rows than we do.")


def rows_of(data: Any) -> list[str]:
    """The rows in an answer, by their natural keys."""
    return sorted(_keys(data))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value[name] for name in NATURAL_KEYS if name in value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(inner)
