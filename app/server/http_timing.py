"""Telling what an answer took: `Server-Timing`, which browsers and proxies show beside the request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

from resolvers.context import Stages

Header = tuple[bytes, bytes]
FORMS_KEPT = 64
"""There are fewer ways to go than this."""


@dataclass(frozen=True)
class Timing:
    """Who is told what an answer took: staff, and with `to_all` everyone; pages of `origins` may read it."""

    to_all: bool = False
    origins: tuple[str, ...] = ()

    def headers(self, stages: Stages, began: float) -> list[Header]:
        """The headers that tell each stage, and the whole since it `began`, in milliseconds."""
        whole = perf_counter() - began
        told = [(b"server-timing", _form(stages.names) % tuple([1_000 * each for each in (*stages.seconds, whole)]))]
        if self.origins:
            told.append((b"timing-allow-origin", ", ".join(self.origins).encode()))
        return told


@lru_cache(FORMS_KEPT)
def _form(names: tuple[str, ...]) -> bytes:
    """What the header looks like where an answer went through the stages `names`."""
    return ", ".join([f"{name};dur=%.3f" for name in (*names, "total")]).encode()


TO_STAFF = Timing()
