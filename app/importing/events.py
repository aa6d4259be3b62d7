"""What happened while importing."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.outbox import Event


@dataclass(frozen=True, kw_only=True)
class BatchImported(Event, name="importing.batch_imported", keys=("import_run_id",)):
    """A batch of records came in; this one event stands for all of its rows."""

    import_run_id: int
    source: str
    stage: str
    read: int
    imported: int
    known: int
    refused: int
    rows: dict[str, int]
