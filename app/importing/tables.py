"""What is remembered of imports: the runs, how far each stage came, what was refused, and what came in before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import clock
from app.kernel.tables import SORTED, Table


class ImportRun(Table):
    """One set of files of one source; the same files are never a second run."""

    __tablename__ = "import_runs"
    __table_args__ = (UniqueConstraint("source", "fingerprint"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    source: Mapped[str]
    fingerprint: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]


class ImportCheckpoint(Table):
    """How far a stage of a run has come; it changes in the transaction that writes what it counts."""

    __tablename__ = "import_checkpoints"

    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("import_runs.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    read: Mapped[int] = mapped_column(default=0, server_default="0")
    imported: Mapped[int] = mapped_column(default=0, server_default="0")
    known: Mapped[int] = mapped_column(default=0, server_default="0")
    refused: Mapped[int] = mapped_column(default=0, server_default="0")


class ImportRefusal(Table):
    """One record that was not imported, and why."""

    __tablename__ = "import_refusals"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("import_runs.id"), index=True)
    stage: Mapped[str]
    record: Mapped[str]
    reason: Mapped[str]


class ImportedRecord(Table):
    """What a source calls a row of ours: the kind of thing, the source's key of it, and our row's key."""

    __tablename__ = "imported_records"

    source: Mapped[str] = mapped_column(SORTED, primary_key=True)
    kind: Mapped[str] = mapped_column(SORTED, primary_key=True)
    record: Mapped[str] = mapped_column(SORTED, primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger)
