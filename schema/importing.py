"""Imports in the graph: what the feed tells of data that came in by many rows at once."""

from __future__ import annotations

from app.importing import events
from schema.language import bulk


class ImportingEvents:
    """What the feed tells of imports."""

    batches = bulk(events.BatchImported, rows="rows")
