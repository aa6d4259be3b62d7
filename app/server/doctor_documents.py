"""The doctor's look at the trusted documents: whether they can be read, and whether this graph answers each."""

from __future__ import annotations

from app.server.doctor import Finding
from app.server.failure import Failure
from app.server.settings import Settings
from app.server.trusting import trusted_texts
from resolvers.reading.trusted import Trusted
from schema.root import GRAPH

WHAT = "Trusted documents"


def documents_finding(settings: Settings) -> Finding:
    """What there is to tell of the trusted documents."""
    try:
        texts = trusted_texts(settings)
    except Failure as failure:
        return Finding(WHAT, "cannot be read", wrong=True, advice=str(failure))
    broken = [f"{name}: {why}" for name, why in Trusted(texts).broken(GRAPH.schema, settings.limits)]
    if broken:
        return Finding(WHAT, f"{len(broken)} of {len(texts)} are broken", wrong=True, advice="\n".join(broken))
    others = "no others are answered" if settings.trusted_only else "others are answered too"
    return Finding(WHAT, f"{len(texts)}; {others}")
